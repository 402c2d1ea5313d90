//! What a person sees: help, colours, errors, and pipes that close.

use std::process::Stdio;

use crate::support::Stack;

#[test]
fn without_arguments_the_help_is_printed() {
    let stack = Stack::new();
    let output = stack.ok([] as [&str; 0]);
    assert!(output.stdout.contains("Usage: kedactl") && output.stdout.contains("produce"), "{output}");
    assert_eq!(output.stderr, "");
    assert_eq!(stack.ok(["--help"]).stdout.lines().next(), output.stdout.lines().next());
}

#[test]
fn help_lists_every_exit_code() {
    let help = Stack::new().ok(["--help"]).stdout;
    for line in ["  0    done", "  1    failed", "  2    a flag", "  3    checks failed", "  10   report: lost", "  130  interrupted"] {
        assert!(help.contains(line), "`{line}` is not in {help}");
    }
}

#[test]
fn a_usage_error_is_one_error_with_a_hint() {
    let output = Stack::new().run(["produce", "--cuont", "3"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
    assert_eq!(output.stderr, "error: unexpected argument '--cuont' found\nhint: did you mean `--count`?\n");
}

#[test]
fn with_json_an_error_is_one_document_on_stderr() {
    for arguments in [&["produce", "--count", "0", "--output", "json"][..], &["-o", "json", "produce", "--count", "0"]] {
        let output = Stack::new().run(arguments);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{output}");
        let document: serde_json::Value = serde_json::from_str(&output.stderr).unwrap_or_else(|error| panic!("{error}: {output}"));
        assert_eq!(document["error"]["exit_code"], 2);
        assert_eq!(document["error"]["what"], "invalid --count `0`");
    }
}

#[test]
fn colours_come_when_forced_and_never_against_no_color() {
    let stack = Stack::new();
    let stderr = |set: &[(&str, &str)], arguments: &[&str]| {
        let mut command = stack.command(arguments);
        command.env_remove("NO_COLOR").envs(set.iter().copied());
        let output = command.output().expect("the binary starts");
        String::from_utf8(output.stderr).expect("text")
    };
    let wrong = ["produce", "--count", "0"];
    assert!(!stderr(&[], &wrong).contains('\u{1b}'), "no colour without a terminal");
    assert!(stderr(&[("CLICOLOR_FORCE", "1")], &wrong).contains('\u{1b}'));
    assert!(!stderr(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &wrong).contains('\u{1b}'));
    assert!(stderr(&[("NO_COLOR", "1")], &["produce", "--count", "0", "--color", "always"]).contains('\u{1b}'));
    assert!(!stderr(&[("CLICOLOR_FORCE", "1")], &["produce", "--count", "0", "--color=never"]).contains('\u{1b}'));
}

#[test]
fn a_closed_pipe_ends_any_output_quietly() {
    let stack = Stack::new();
    for arguments in [&["--help"][..], &["completions", "bash"], &["man"], &["--version"]] {
        let mut command = stack.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("our own child can be waited for");
        assert!(output.status.success(), "{arguments:?}: {:?}", output.status);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}
