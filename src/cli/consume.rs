//! `kedactl consume`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Process one message: the video encoder.
#[derive(Debug, clap::Args)]
pub(crate) struct Consume {}

impl Consume {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`consume` does not work", "it is not built yet"))
    }
}
