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
    let mut text = String::from("# Reference\n\nGenerated from the program itself: every verb, every flag, every exit code.\n");
    verb(&command, "kedactl", &mut text);
    text.push_str("\n## Exit codes\n\n| code | meaning |\n| ---: | --- |\n");
    for (code, meaning) in exit::table() {
        text.push_str(&format!("| {code} | {meaning} |\n"));
    }
    text
}

fn verb(command: &Command, name: &str, text: &mut String) {
    text.push_str(&format!("\n## {name}\n\n"));
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        text.push_str(&format!("{}\n\n", about.to_string().trim()));
    }
    text.push_str(&format!("```text\n{}\n```\n", command.clone().render_usage().to_string().trim_start_matches("Usage: ").trim()));
    // Flags that every verb takes are told of once, at the top.
    let top = name == "kedactl";
    let own = |arg: &&Arg| !arg.is_hide_set() && (top || !arg.is_global_set()) && arg.get_id() != "help" && arg.get_id() != "version";
    let arguments: Vec<String> = command.get_arguments().filter(own).map(argument).collect();
    if !arguments.is_empty() {
        text.push_str(&format!("\n{}\n", arguments.join("\n")));
    }
    let examples = examples::of(name.trim_start_matches("kedactl").trim());
    if !examples.is_empty() {
        text.push_str(&format!("\n```sh\n{}\n```\n", examples.join("\n")));
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        verb(sub, &format!("{name} {}", sub.get_name()), text);
    }
}

fn argument(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let mut line = format!("- `{}`: {help}", shape(arg));
    let values: Vec<String> = arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if !values.is_empty() && arg.get_action().takes_values() {
        line.push_str(&format!("; one of {}", values.join(", ")));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        line.push_str(&format!("; default `{}`", defaults.join(" ")));
    }
    if let Some(variable) = arg.get_env() {
        line.push_str(&format!("; or the variable `{}`", variable.to_string_lossy()));
    }
    line
}

/// `-n, --count <N>`, `<SHELL>`, `[VERB]...`
fn shape(arg: &Arg) -> String {
    // What clap shows as `--count <N>` lacks the short flag.
    match arg.get_short() {
        Some(short) if arg.get_long().is_some() => format!("-{short}, {arg}"),
        _ => arg.to_string(),
    }
}
