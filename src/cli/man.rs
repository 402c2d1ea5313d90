//! `kedactl man`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Print a man page.
#[derive(Debug, clap::Args)]
pub(crate) struct Man {}

impl Man {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`man` does not work", "it is not built yet"))
    }
}
