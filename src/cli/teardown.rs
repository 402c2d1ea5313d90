//! `kedactl teardown`.

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit};

/// Delete everything that setup made.
#[derive(Debug, clap::Args)]
pub(crate) struct Teardown {}

impl Teardown {
    pub(crate) async fn run(self, _cx: &Context) -> Result<Exit> {
        Err(Error::failed("`teardown` does not work", "it is not built yet"))
    }
}
