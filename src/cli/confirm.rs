//! A question before anything that can cost money or harm.

use std::io::{self, BufRead, IsTerminal};

use kedactl::core::error::{Error, Kind, Result};

use super::context::Context;

/// Asks `question`, unless `yes` was given. Without a terminal nobody can answer: then `--yes` is needed.
///
/// # Errors
/// `Input` without a terminal; `Interrupted` when the answer is no.
pub(crate) fn confirm(cx: &Context, yes: bool, question: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let error = Error::new(Kind::Input, "nothing was changed", format!("{question} Nobody can be asked without a terminal"));
        return Err(error.hint("pass --yes to go on without a question"));
    }
    cx.ui.ask(&format!("{question} Type yes to go on: "));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| Error::failed("could not read the answer", error))?;
    match answer.trim() {
        "yes" | "y" => Ok(()),
        _ => Err(Error::new(Kind::Interrupted, "nothing was changed", "the answer was not yes")),
    }
}
