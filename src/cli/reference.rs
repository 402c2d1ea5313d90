//! `kedactl reference`, hidden: writes everything that is generated from the command tree and the events.

use std::{path::Path, process::ExitCode};

use clap::{Arg, Command};
use clap_complete::Shell;
use kedactl::core::{
    error::{Error, Result},
    event::Event,
};

use super::{completions, examples, exit, exit::Exit, files, man, ui::Ui, usage};

/// Writes completions, man pages, the reference and the schema of events below `dir`, and prints each file's name.
pub(crate) fn write(ui: &Ui, dir: &Path) -> ExitCode {
    let written = generated()
        .and_then(|all| all.iter().try_for_each(|(name, text)| files::write(&dir.join(name), text).and_then(|()| ui.print(name))));
    match written {
        Ok(()) => Exit::DONE.into(),
        Err(error) => ui.fail(&error),
    }
}

/// Every generated file: its path and its text.
fn generated() -> Result<Vec<(String, String)>> {
    let schema = serde_json::to_value(schemars::schema_for!(Event)).and_then(|schema| serde_json::to_string_pretty(&sorted(schema)));
    let schema = schema.map_err(|error| Error::failed("could not write the schema", error))?;
    let mut files = vec![
        ("docs/reference.md".to_owned(), reference()),
        ("docs/events.schema.json".to_owned(), schema + "\n"),
        ("completions/kedactl.bash".to_owned(), completions::script(Shell::Bash)),
        ("completions/_kedactl".to_owned(), completions::script(Shell::Zsh)),
        ("completions/kedactl.fish".to_owned(), completions::script(Shell::Fish)),
    ];
    files.extend(man::pages().into_iter().map(|(name, text)| (format!("completions/man/{name}"), text)));
    Ok(files)
}

/// With every object's keys in order, so that the file does not depend on how JSON maps are built.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn reference() -> String {
    let mut command = usage::command();
    command.build();
    let mut parts =
        vec!["# Reference".to_owned(), "Generated from the program itself: every verb, every flag, every exit code.".to_owned()];
    verb(&command, "kedactl", &mut parts);
    let rows: Vec<String> = exit::table().iter().map(|(code, meaning)| format!("| {code} | {meaning} |")).collect();
    parts.push("## Exit codes".to_owned());
    parts.push(format!("| code | meaning |\n| ---: | --- |\n{}", rows.join("\n")));
    parts.join("\n\n") + "\n"
}

/// Adds the paragraphs on the verb called `name`, and on those below it.
fn verb(command: &Command, name: &str, parts: &mut Vec<String>) {
    parts.push(format!("## {name}"));
    parts.extend(command.get_long_about().or_else(|| command.get_about()).map(|about| about.to_string().trim().to_owned()));
    let usage = command.clone().render_usage().to_string();
    parts.push(format!("```text\n{}\n```", usage.trim_start_matches("Usage: ").trim()));
    // Flags that every verb takes are told of once, at the top.
    let top = name == "kedactl";
    let own = |arg: &&Arg| !arg.is_hide_set() && (top || !arg.is_global_set()) && arg.get_id() != "help" && arg.get_id() != "version";
    let arguments: Vec<String> = command.get_arguments().filter(own).map(argument).collect();
    if !arguments.is_empty() {
        parts.push(arguments.join("\n"));
    }
    let (others, examples) = examples::shown(command);
    // Exit codes stand at the end, as a table.
    parts.extend(others.into_iter().filter(|paragraph| !(top && paragraph.starts_with("Exit codes:"))));
    if !examples.is_empty() {
        parts.push(format!("```sh\n{}\n```", examples.join("\n")));
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        verb(sub, &format!("{name} {}", sub.get_name()), parts);
    }
}

fn argument(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let takes = arg.get_action().takes_values();
    let values: Vec<String> = arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let values = (takes && !values.is_empty()).then(|| format!("one of {}", values.join(", ")));
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let defaults = (takes && !defaults.is_empty()).then(|| format!("default `{}`", defaults.join(" ")));
    let variable = arg.get_env().map(|variable| format!("or the variable `{}`", variable.to_string_lossy()));
    let facts: Vec<String> = [Some(help), values, defaults, variable].into_iter().flatten().collect();
    format!("- `{}`: {}", shape(arg), facts.join("; "))
}

/// `-n, --count <N>`, `<SHELL>`, `[VERB]...`
fn shape(arg: &Arg) -> String {
    // What clap shows as `--count <N>` lacks the short flag.
    match arg.get_short() {
        Some(short) if arg.get_long().is_some() => format!("-{short}, {arg}"),
        _ => arg.to_string(),
    }
}
