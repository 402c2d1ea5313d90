//! `kedactl demo`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Run setup, produce, watch and report in one go.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {}

impl Demo {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`demo` does not work", "it is not built yet"))
    }
}
