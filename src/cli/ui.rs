//! The only writer: results to stdout, all else to stderr.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use kedactl::core::error::{Error, Result};
use serde::Serialize;

use super::options::{Color, Options, Output};

/// The terminal as the verbs see it.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    /// What results look like.
    pub(crate) output: Output,
    quiet: bool,
}

impl Ui {
    pub(crate) fn new(options: &Options) -> Self {
        match options.color {
            Color::Auto => {}
            Color::Always => {
                console::set_colors_enabled(true);
                console::set_colors_enabled_stderr(true);
            }
            Color::Never => {
                console::set_colors_enabled(false);
                console::set_colors_enabled_stderr(false);
            }
        }
        Self { output: options.output, quiet: options.quiet }
    }

    /// Writes a result: `value` as JSON with `--output json`, `human` otherwise.
    ///
    /// # Errors
    /// When stdout cannot be written; a closed pipe counts as written.
    pub(crate) fn result<T: Serialize>(&self, value: &T, human: impl FnOnce() -> String) -> Result<()> {
        match self.output {
            Output::Json => {
                let text = serde_json::to_string_pretty(value).map_err(|error| Error::failed("could not write the result", error))?;
                self.print(&text)
            }
            Output::Text => self.print(&human()),
        }
    }

    /// Writes `text` and a line end to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written; a closed pipe counts as written.
    pub(crate) fn print(&self, text: &str) -> Result<()> {
        match writeln!(io::stdout().lock(), "{text}") {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::failed("could not write to stdout", error)),
            _ => Ok(()),
        }
    }

    /// Writes a remark to stderr, unless quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Writes the next command to stderr, as the last line of a success.
    pub(crate) fn next(&self, command: &str) {
        if self.output == Output::Text {
            self.note(&format!("Next: {command}"));
        }
    }

    /// Writes an error to stderr and gives its exit code.
    pub(crate) fn fail(&self, error: &Error) -> ExitCode {
        let mut text = format!("{} {error}", console::style("error:").for_stderr().red().bold());
        if let Some(hint) = &error.hint {
            text.push_str(&format!("\n{} {hint}", console::style("hint:").for_stderr().cyan()));
        }
        let _ = writeln!(io::stderr().lock(), "{text}");
        ExitCode::from(error.exit_code())
    }
}
