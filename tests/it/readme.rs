//! Every console block of README.md is run, in order, on one fresh stack.
//!
//! In a block fenced as `console`, a line that begins with `$ ` is a command; it must end well. `cargo run --release --` and
//! `./target/release/kedactl` stand for the binary under test. A block after a comment `<!-- not run: REASON -->` is left out.

use std::fs;

use crate::support::{BINARY, Running, Stack};

/// One command of the README and its line.
#[derive(Debug)]
struct Shown {
    line: usize,
    command: String,
}

/// The commands of all blocks that are run, and how many blocks were left out.
fn commands(text: &str) -> Vec<Shown> {
    let mut shown = Vec::new();
    let (mut inside, mut left_out) = (false, false);
    for (index, line) in text.lines().enumerate() {
        match line.trim() {
            "```console" => inside = true,
            line if line.starts_with("```") => (inside, left_out) = (false, false),
            line if line.starts_with("<!-- not run: ") => left_out = true,
            line if inside && !left_out => {
                shown.extend(line.strip_prefix("$ ").map(|command| Shown { line: index + 1, command: command.to_owned() }));
            }
            _ => {}
        }
    }
    shown
}

#[test]
fn every_command_of_the_readme_works() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let text = fs::read_to_string(format!("{root}README.md")).expect("README.md is there");
    let shown = commands(&text);
    assert!(shown.len() >= 4, "the README shows the demo: {shown:?}");
    let stack = Stack::new();
    let folder = std::path::Path::new(BINARY).parent().expect("the binary is in a folder").display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    for Shown { line, command } in shown {
        let ours = command.replace("cargo run --release --", "kedactl").replace("./target/release/kedactl", "kedactl");
        let mut shell = stack.program("bash", ["-ec", &ours]);
        shell.env("PATH", &path).current_dir(root);
        let output = Running::start(shell, b"").wait();
        assert_eq!(output.code, Some(0), "README.md:{line}: {command}: {output}");
    }
}

#[test]
fn blocks_marked_as_not_run_are_left_out() {
    let text = "```console\n$ a\nout\n$ b\n```\n<!-- not run: it takes an account -->\n```console\n$ c\n```\n```sh\n$ d\n```\n```console\n$ e\n```\n";
    let found: Vec<_> = commands(text).into_iter().map(|shown| (shown.line, shown.command)).collect();
    assert_eq!(found, [(2, "a".to_owned()), (4, "b".to_owned()), (14, "e".to_owned())]);
}
