//! The examples in each verb's help. A test parses every one of them.

/// The examples of the verb at `path`, such as `local serve`; of kedactl itself when empty.
pub(crate) fn of(path: &str) -> &'static [&'static str] {
    match path {
        "" => &["kedactl demo", "kedactl setup && kedactl produce --count 10 && kedactl watch && kedactl report"],
        "setup" => &["kedactl setup"],
        "produce" => &[
            "kedactl produce --count 100",
            "kedactl produce --count 600 --rate 50/s",
            r#"kedactl produce --count 1 --body '{"video":"holiday.mp4","quality":"4k","n":1}'"#,
            "ls *.mp4 | kedactl produce --body-file -",
        ],
        "watch" => &["kedactl watch"],
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

/// The section of `--help` that shows `examples`.
pub(crate) fn section(examples: &[&str]) -> String {
    format!("Examples:\n  {}", examples.join("\n  "))
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;
    use crate::cli::usage::command;

    /// Every verb that is not only a group of others, by its path.
    fn paths(command: &Command, path: &str, found: &mut Vec<String>) {
        if !command.is_subcommand_required_set() || path.is_empty() {
            found.push(path.to_owned());
        }
        for verb in command.get_subcommands() {
            paths(verb, format!("{path} {}", verb.get_name()).trim(), found);
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
    fn every_verb_has_examples_and_every_example_parses() {
        let mut found = Vec::new();
        paths(&command(), "", &mut found);
        assert!(found.len() > 12, "{found:?}");
        for path in &found {
            assert!(!of(path).is_empty(), "`{path}` has no example");
            for example in of(path) {
                let commands = commands(example);
                assert!(!commands.is_empty(), "{example}");
                for words in commands {
                    let parsed = command().try_get_matches_from(&words);
                    assert!(parsed.is_ok(), "{example}: {}", parsed.expect_err("refused"));
                    assert!(words.join(" ").starts_with(format!("kedactl {path}").trim()), "{example} is no example of `{path}`");
                }
            }
        }
    }
}
