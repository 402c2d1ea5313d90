//! `kedactl report`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Fetch the counts and prove the verdict.
#[derive(Debug, clap::Args)]
pub(crate) struct Report {}

impl Report {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`report` does not work", "it is not built yet"))
    }
}
