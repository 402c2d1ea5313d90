//! `kedactl watch`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Run the scaler and watch it work.
#[derive(Debug, clap::Args)]
pub(crate) struct Watch {}

impl Watch {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`watch` does not work", "it is not built yet"))
    }
}
