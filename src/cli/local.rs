//! `kedactl local`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Work with the embedded AWS services.
#[derive(Debug, clap::Args)]
pub(crate) struct Local {}

impl Local {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`local` does not work", "it is not built yet"))
    }
}
