//! `kedactl analyzer`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Serve the result analyzer.
#[derive(Debug, clap::Args)]
pub(crate) struct AnalyzerServer {}

impl AnalyzerServer {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`analyzer` does not work", "it is not built yet"))
    }
}
