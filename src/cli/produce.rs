//! `kedactl produce`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Send messages to the queue.
#[derive(Debug, clap::Args)]
pub(crate) struct Produce {}

impl Produce {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`produce` does not work", "it is not built yet"))
    }
}
