//! `kedactl completions`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Print the completion script of a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {}

impl Completions {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`completions` does not work", "it is not built yet"))
    }
}
