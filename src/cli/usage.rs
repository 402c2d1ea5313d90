//! The command tree as it is parsed, documented and completed, and what to say when a command line cannot be parsed.

use std::{error::Error as _, ffi::OsString};

use clap::{
    CommandFactory,
    error::{ContextKind, ContextValue, ErrorKind},
};
use kedactl::core::error::{Error, Kind};

use super::{Cli, examples, exit};

/// The whole command tree, with examples and exit codes. Help never shows values that the environment happens to have.
pub(crate) fn command() -> clap::Command {
    let command = finished(Cli::command(), "");
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    command.after_help(format!("{examples}\n\n{}", exit::codes()))
}

fn finished(command: clap::Command, path: &str) -> clap::Command {
    examples::added(command, path).mut_args(|arg| arg.hide_env_values(true)).mut_subcommands(|verb| {
        let path = format!("{path} {}", verb.get_name());
        finished(verb, path.trim())
    })
}

/// What came of a command line that is no command.
#[derive(Debug)]
pub(crate) enum Unparsed {
    /// Help or the version was asked for, or nothing at all: with colours and without.
    Text {
        /// With ANSI codes.
        colored: String,
        /// Without.
        plain: String,
    },
    /// It is wrong.
    Error(Error),
}

/// Turns clap's verdict on `arguments` into ours: what is wrong, and the way out.
pub(crate) fn unparsed(error: &clap::Error, arguments: &[OsString]) -> Unparsed {
    let text = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.render(),
        // The same, which clap misses when variables of the environment count as arguments.
        _ if arguments.len() < 2 => command().render_help(),
        _ => return Unparsed::Error(described(error, &error.render().to_string(), arguments)),
    };
    let trimmed = |text: String| text.trim_end().to_owned();
    Unparsed::Text { colored: trimmed(text.ansi().to_string()), plain: trimmed(text.to_string()) }
}

fn described(error: &clap::Error, text: &str, arguments: &[OsString]) -> Error {
    let own = error.source().and_then(|source| source.downcast_ref::<Error>());
    if let (Some(own), Some(flag), Some(value)) = (own, context(error, ContextKind::InvalidArg), context(error, ContextKind::InvalidValue))
    {
        let flag = flag.split(' ').next().unwrap_or_default();
        let hint = own.hint.clone().unwrap_or_else(|| see(arguments));
        return Error::input(flag, value, own.why.clone()).hint(hint);
    }
    let what = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let what = what.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    Error::new(Kind::Input, what, "").hint(suggestion(error).unwrap_or_else(|| see(arguments)))
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

fn see(arguments: &[OsString]) -> String {
    format!("see `{} --help`", verb(arguments))
}

/// What clap thinks was meant.
fn suggestion(error: &clap::Error) -> Option<String> {
    let meant = |kind| match error.get(kind)? {
        ContextValue::String(one) => Some(format!("did you mean `{one}`?")),
        ContextValue::Strings(several) => several.first().map(|one| format!("did you mean `{one}`?")),
        _ => None,
    };
    [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue].into_iter().find_map(meant)
}

/// `kedactl` and the subcommands that `arguments` name.
fn verb(arguments: &[OsString]) -> String {
    let (mut command, mut path) = (Cli::command(), vec!["kedactl"]);
    for argument in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        let Some(found) = command.find_subcommand(argument).cloned() else { continue };
        path.push(argument);
        command = found;
    }
    path.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> Error {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let error = command().try_get_matches_from(&arguments).expect_err(line);
        match unparsed(&error, &arguments) {
            Unparsed::Error(error) => error,
            Unparsed::Text { plain, .. } => panic!("{line} printed {plain}"),
        }
    }

    #[test]
    fn the_command_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_wrong_flag_is_answered_with_what_was_meant() {
        let error = refused("kedactl produce --cuont 3");
        assert_eq!(error.exit_code(), 2);
        assert_eq!(error.to_string(), "unexpected argument '--cuont' found");
        assert_eq!(error.hint.as_deref(), Some("did you mean `--count`?"));
        assert_eq!(refused("kedactl prodcue").hint.as_deref(), Some("did you mean `produce`?"));
    }

    #[test]
    fn a_refused_value_keeps_the_hint_of_whoever_refused_it() {
        let error = refused("kedactl produce --count 0");
        assert_eq!(error.to_string(), "invalid --count `0`: it must be a whole number from 1 to 1000000");
        assert_eq!(error.hint.as_deref(), Some("for example `--count 10`"));
    }

    #[test]
    fn without_a_better_hint_the_verbs_own_help_is_named() {
        assert_eq!(refused("kedactl local serve --nonsense-beyond-guessing").hint.as_deref(), Some("see `kedactl local serve --help`"));
    }
}
