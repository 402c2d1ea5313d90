//! `kedactl status`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Show the queue, the jobs and the objects as they are now.
#[derive(Debug, clap::Args)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`status` does not work", "it is not built yet"))
    }
}
