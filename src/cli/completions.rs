//! `kedactl completions`.

use clap_complete::Shell;
use kedactl::core::error::Result;

use super::{context::Context, exit::Exit, usage};

/// Print the completion script of a shell
///
/// Most shells read it from a file; see the examples.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    #[expect(clippy::unused_async, reason = "every verb is run alike")]
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        cx.ui.print(script(self.shell).trim_end())?;
        Ok(Exit::DONE)
    }
}

/// The script that completes `kedactl` in `shell`.
pub(crate) fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut usage::command(), "kedactl", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
