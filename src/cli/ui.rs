//! The only writer: results to stdout, all else to stderr.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::{self, ExitCode},
};

use console::Term;
use kedactl::core::error::{Error, Result};
use serde::Serialize;
use serde_json::json;

use super::options::{Color, Options, Output};

/// The terminal as the verbs see it.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    /// What results look like.
    pub(crate) output: Output,
    quiet: bool,
    /// The flags that the next command needs to speak of the same stack.
    flags: String,
}

impl Ui {
    pub(crate) fn new(options: &Options) -> Self {
        choose_color(options.color);
        Self { output: options.output, quiet: options.quiet, flags: flags(options) }
    }

    /// The terminal for a command line that could not be parsed, as far as its words tell what was wanted.
    pub(crate) fn guessed(arguments: &[OsString]) -> Self {
        let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
        let json = words.windows(2).any(|pair| matches!(pair, ["-o" | "--output", "json"]))
            || words.iter().any(|word| matches!(*word, "-ojson" | "-o=json" | "--output=json"));
        let color = |when: &str| {
            words.windows(2).any(|pair| pair == ["--color", when]) || words.iter().any(|word| word.strip_prefix("--color=") == Some(when))
        };
        choose_color(match () {
            () if color("never") => Color::Never,
            () if color("always") => Color::Always,
            () => Color::Auto,
        });
        Self { output: if json { Output::Json } else { Output::Text }, quiet: false, flags: String::new() }
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Whether only results and errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a view may be drawn in place on stdout.
    pub(crate) fn draws(&self) -> bool {
        self.is_animated() && Term::stdout().is_term()
    }

    /// Whether progress may be drawn on stderr.
    pub(crate) fn progresses(&self) -> bool {
        self.is_animated() && Term::stderr().is_term()
    }

    fn is_animated(&self) -> bool {
        self.output == Output::Text && !self.quiet && env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Columns that text on stdout may take: the terminal's, or those of `COLUMNS`, or as many as it likes.
    #[expect(clippy::unused_self, reason = "who has no terminal has no width")]
    pub(crate) fn width(&self) -> usize {
        let terminal = Term::stdout();
        let columns = || set("COLUMNS").and_then(|text| text.parse().ok()).filter(|columns| *columns >= 20);
        match terminal.size_checked() {
            Some((_, columns)) if terminal.is_term() => usize::from(columns).max(20),
            _ => columns().unwrap_or(usize::from(u16::MAX)),
        }
    }

    /// `rows` under `header` as text that fits the terminal.
    pub(crate) fn table(&self, header: &[&str], rows: Vec<Vec<String>>) -> String {
        super::table::table(self.width(), header, rows)
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

    /// Writes `value` as one line of JSON: the last word of a stream.
    ///
    /// # Errors
    /// When stdout cannot be written; a closed pipe counts as written.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) -> Result<()> {
        let text = serde_json::to_string(value).map_err(|error| Error::failed("could not write the result", error))?;
        self.print(&text)
    }

    /// Writes `text` and a line end to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written; a closed pipe counts as written.
    #[expect(clippy::unused_self, reason = "only who has the terminal writes to it")]
    pub(crate) fn print(&self, text: &str) -> Result<()> {
        match write(io::stdout().lock(), text) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::failed("could not write to stdout", error)),
            _ => Ok(()),
        }
    }

    /// Writes one line of a stream to stdout, at once. When nobody reads it any more the process ends quietly:
    /// a stream has no other purpose, and what a killed process leaves is always in order.
    pub(crate) fn line(&self, text: &str) {
        match write(io::stdout().lock(), text) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => process::exit(0),
            Err(error) => process::exit(i32::from(self.report(&Error::failed("could not write to stdout", error)))),
            Ok(()) => {}
        }
    }

    /// Writes a remark to stderr, unless quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            let _ = write(io::stderr().lock(), text);
        }
    }

    /// Writes a question to stderr, without a line end.
    #[expect(clippy::unused_self, reason = "every word to a person goes through the terminal as the verbs see it")]
    pub(crate) fn ask(&self, question: &str) {
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush());
    }

    /// Writes a warning to stderr, unless quiet.
    pub(crate) fn warn(&self, text: &str) {
        self.note(&format!("{} {text}", console::style("warning:").for_stderr().yellow().bold()));
    }

    /// Writes the next command to stderr, as the last line of a success.
    pub(crate) fn next(&self, command: &str) {
        if self.output == Output::Text {
            let command = format!("{command}{}", self.flags);
            self.note(&format!("Next: {}", console::style(command).for_stderr().bold()));
        }
    }

    /// Writes an error to stderr and gives its exit code.
    pub(crate) fn fail(&self, error: &Error) -> ExitCode {
        ExitCode::from(self.report(error))
    }

    fn report(&self, error: &Error) -> u8 {
        let text = match self.output {
            Output::Json => document(error),
            Output::Text => described(error),
        };
        let _ = write(io::stderr().lock(), &text);
        error.exit_code()
    }
}

/// An error in words: what and why, then the way out.
fn described(error: &Error) -> String {
    let label = console::style("error:").for_stderr().red().bold();
    let code = error.code.as_ref().filter(|code| !error.to_string().contains(code.as_str()));
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    let hint = error.hint.as_ref().map(|hint| format!("\n{} {hint}", console::style("hint:").for_stderr().cyan().bold()));
    format!("{label} {error}{code}{}", hint.unwrap_or_default())
}

/// An error as one JSON document on one line.
fn document(error: &Error) -> String {
    let kind = format!("{:?}", error.kind).to_lowercase();
    let (hint, code, exit) = (&error.hint, &error.code, error.exit_code());
    json!({ "error": { "kind": kind, "what": error.what, "why": error.why, "hint": hint, "code": code, "exit_code": exit } }).to_string()
}

/// One write for the text and its line end, so that lines of several processes do not mix.
fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(format!("{text}\n").as_bytes())?;
    to.flush()
}

fn choose_color(color: Color) {
    let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let color = match color {
        // NO_COLOR is stronger than CLICOLOR_FORCE: who cannot bear colour must always be able to say so.
        Color::Auto if set("NO_COLOR").is_some() => Some(false),
        Color::Auto if forced => Some(true),
        Color::Auto => None,
        Color::Always => Some(true),
        Color::Never => Some(false),
    };
    if let Some(color) = color {
        console::set_colors_enabled(color);
        console::set_colors_enabled_stderr(color);
    }
}

/// ` --stack orders --state-dir DIR`, as far as they were given as flags.
fn flags(options: &Options) -> String {
    let stack = (!options.stack.is_default() && set("KEDACTL_STACK").is_none()).then(|| format!(" --stack {}", options.stack));
    let dir = options.state_dir.as_ref().filter(|_| set("KEDACTL_STATE_DIR").is_none());
    let dir = dir.map(|dir| format!(" --state-dir {}", dir.display()));
    stack.unwrap_or_default() + &dir.unwrap_or_default()
}

fn set(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_document_with_its_way_out() {
        let error = Error::input("--count", 0, "it must be 1 or more").hint("pass --count 10").code("Odd");
        let document: serde_json::Value = serde_json::from_str(&document(&error)).expect("valid");
        assert_eq!(document["error"]["kind"], "input");
        assert_eq!(document["error"]["exit_code"], 2);
        assert_eq!(document["error"]["hint"], "pass --count 10");
    }

    #[test]
    fn an_error_in_words_names_the_services_code_once() {
        let with = |why: &str| console::strip_ansi_codes(&described(&Error::failed("could not send", why).code("Denied"))).into_owned();
        assert_eq!(with("refused"), "error: could not send: refused (Denied)");
        assert_eq!(with("Denied by policy"), "error: could not send: Denied by policy");
    }
}
