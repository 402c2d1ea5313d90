//! `kedactl setup`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Create the queue, the identities and the scaling objects.
#[derive(Debug, clap::Args)]
pub(crate) struct Setup {}

impl Setup {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`setup` does not work", "it is not built yet"))
    }
}
