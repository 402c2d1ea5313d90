//! The examples in each verb's help. A test parses every one of them.

use clap::Command;

/// Adds the examples of the verb at `path` (such as `local serve`; empty for kedactl itself) to the end of its help,
/// unless the verb brings its own.
pub(crate) fn added(command: Command, path: &str) -> Command {
    let own = command.get_after_help().map(ToString::to_string);
    let examples = of(path);
    if examples.is_empty() || own.as_ref().is_some_and(|own| own.contains("Examples:")) {
        return command;
    }
    let own = own.map(|own| format!("{own}\n\n")).unwrap_or_default();
    command.after_help(format!("{own}Examples:\n  {}", examples.join("\n  ")))
}

/// The end of a verb's help: its other paragraphs, and its examples.
pub(crate) fn shown(command: &Command) -> (Vec<String>, Vec<String>) {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (mut others, mut examples) = (Vec::new(), Vec::new());
    for paragraph in after.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        match paragraph.strip_prefix("Examples:") {
            Some(lines) => examples.extend(lines.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())),
            None => others.push(paragraph.to_owned()),
        }
    }
    (others, examples)
}

fn of(path: &str) -> &'static [&'static str] {
    match path {
        "" => &["kedactl demo", "kedactl setup && kedactl produce --count 10 && kedactl watch && kedactl report"],
        "setup" => &["kedactl setup"],
        "produce" => &[
            "kedactl produce --count 100",
            "kedactl produce --count 600 --rate 50/s",
            r#"kedactl produce --count 1 --body '{"video":"holiday.mp4","quality":"4k","n":1}'"#,
            "ls *.mp4 | kedactl produce --body-file -",
            "kedactl produce --to kinesis://clicks --count 1000 --rate 100/s",
            "kedactl produce --to 'dynamodb://orders?customer=ann' --count 25",
            "kedactl produce --to 'cloudwatch://Shop/Waiting?Queue=a' --value 1,5,3 --rate 1/m",
        ],
        "watch" => &["kedactl watch"],
        "run" => &[
            "kedactl run -f scaled-job.yaml --once",
            "kedactl run -f examples/ --once --create-sources",
            "kedactl run -f manifests/ --assume orders=250 --assume orders=0@1m --until-drained",
            "kedactl run -f scaled-job.yaml --for 5m -- ./examples/encode.sh",
        ],
        "report" => &["kedactl report", "kedactl report --messages", "kedactl report --output json | jq .verdict"],
        "demo" => &["kedactl demo"],
        "status" => &["kedactl status"],
        "teardown" => &["kedactl teardown"],
        "render" => &["kedactl render"],
        "consume" => &[
            "kedactl consume",
            "kedactl consume --work-seconds 1 --artifacts s3://my-bucket/encoded",
            "kedactl consume -- ./examples/encode.sh",
        ],
        "analyzer" => &["kedactl analyzer", "kedactl analyzer --listen 127.0.0.1:9000"],
        "local serve" => &["kedactl local serve", "kedactl local serve --listen 127.0.0.1:0"],
        "completions" => &[
            "kedactl completions bash > ~/.local/share/bash-completion/completions/kedactl",
            "kedactl completions zsh > ~/.zfunc/_kedactl",
            "kedactl completions fish > ~/.config/fish/completions/kedactl.fish",
        ],
        "man" => &["kedactl man watch | man -l -", "kedactl man --dir ~/.local/share/man/man1"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::usage::command;

    /// Every verb that is not only a group of others, by its path.
    fn verbs<'a>(command: &'a Command, path: &str, found: &mut Vec<(String, &'a Command)>) {
        if !command.is_subcommand_required_set() || path == "kedactl" {
            found.push((path.to_owned(), command));
        }
        for verb in command.get_subcommands() {
            verbs(verb, &format!("{path} {}", verb.get_name()), found);
        }
    }

    /// The words of each kedactl command in a line of shell; single quotes hold a word together.
    fn commands(line: &str) -> Vec<Vec<String>> {
        let parts = line.split(" | ").flat_map(|part| part.split(" && ")).filter(|part| part.starts_with("kedactl "));
        let words = |part: &str| {
            let part = part.split(" > ").next().unwrap_or_default();
            let quoted = part.split('\'').enumerate();
            quoted
                .flat_map(
                    |(index, text)| {
                        if index % 2 == 1 { vec![text.to_owned()] } else { text.split_whitespace().map(str::to_owned).collect() }
                    },
                )
                .collect()
        };
        parts.map(words).collect()
    }

    #[test]
    fn every_verb_has_an_example_and_every_example_parses() {
        let (tree, mut found) = (command(), Vec::new());
        verbs(&tree, "kedactl", &mut found);
        assert!(found.len() > 12, "{found:?}");
        for (path, verb) in found {
            let commands: Vec<Vec<String>> = shown(verb).1.iter().flat_map(|line| commands(line)).collect();
            assert!(commands.iter().any(|words| words.join(" ").starts_with(&path)), "`{path}` has no example of itself");
            for words in commands {
                let parsed = command().try_get_matches_from(&words);
                assert!(parsed.is_ok(), "{words:?}: {}", parsed.expect_err("refused"));
            }
        }
    }
}
