//! `kedactl render`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Write every policy and manifest to files.
#[derive(Debug, clap::Args)]
pub(crate) struct Render {}

impl Render {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`render` does not work", "it is not built yet"))
    }
}
