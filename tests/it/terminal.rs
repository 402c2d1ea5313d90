//! What a person sees: help, colours, errors, and pipes that close.

use std::process::Stdio;

use crate::support::{Running, Stack, skipped};

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

/// A stack with `count` messages waiting.
fn loaded(count: u32) -> Stack {
    let stack = Stack::ready();
    stack.ok(["produce", "--count", &count.to_string()]);
    stack
}

#[test]
fn without_a_terminal_watch_prints_plain_lines_and_a_summary() {
    let output = loaded(3).ok(["watch", "--pace", "10"]);
    assert!(!output.stdout.contains('\u{1b}'), "{output}");
    let lines: Vec<&str> = output.stdout.lines().collect();
    let about = |word: &str| lines.iter().filter(|line| line.split_whitespace().nth(1) == Some(word)).count();
    assert_eq!((about("lease"), about("drained")), (1, 1), "{output}");
    assert!(about("job") >= 6 && about("poll") >= 1, "{output}");
    assert!(output.stdout.contains("-> create 3"), "{output}");
    let [.., first, second] = lines.as_slice() else { panic!("{output}") };
    assert!(first.starts_with("Drained: 3 messages done in "), "{output}");
    assert!(second.starts_with("3 jobs created, 3 complete; "), "{output}");
    assert_eq!(output.stderr, "Next: kedactl report\n");
}

#[test]
fn with_json_watch_prints_one_event_on_each_line() {
    let output = loaded(2).ok(["watch", "--pace", "10", "--output", "json"]);
    let events: Vec<String> = output.json_lines().iter().map(|event| event["event"].as_str().expect("a tag").to_owned()).collect();
    for event in ["lease", "polled", "job-created", "job-changed", "drained"] {
        assert!(events.iter().any(|one| one == event), "no {event} in {events:?}");
    }
    assert_eq!(output.stderr, "");
}

#[test]
fn a_quiet_watch_prints_the_summary_only() {
    let output = loaded(1).ok(["watch", "--pace", "10", "--quiet"]);
    assert_eq!(output.stdout.lines().count(), 2, "{output}");
    assert_eq!(output.stderr, "");
}

#[test]
fn a_stream_that_nobody_reads_any_more_ends_quietly() {
    let stack = Stack::ready();
    let mut child = stack
        .command(["watch", "--follow", "--output", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("our own child can be waited for");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn on_a_terminal_watch_draws_in_place_and_leaves_it_as_it_was() {
    if std::process::Command::new("script").arg("--version").output().is_err() {
        return skipped("no `script`, which makes a terminal");
    }
    let stack = loaded(2);
    let mut command =
        stack.program("script", ["-qec", &format!("stty cols 80 rows 24; {} watch --pace 10", env!("CARGO_BIN_EXE_kedactl")), "/dev/null"]);
    command.env("TERM", "xterm").env("SHELL", "/bin/sh");
    let output = Running::start(command, b"").wait();
    assert_eq!(output.code, Some(0), "{output}");
    let screen = &output.stdout;
    let frames = screen.matches("\u{1b}[?2026h").count();
    assert!(frames > 1, "{frames} frames: {screen}");
    assert_eq!(screen.matches("\u{1b}[?2026l").count(), frames, "every frame is ended");
    assert_eq!(screen.matches("\u{1b}[?7l").count(), screen.matches("\u{1b}[?7h").count(), "lines wrap again");
    assert!(!screen.contains("\u{1b}[?25l") && !screen.contains("\u{1b}[?1049h"), "the cursor and the screen are left alone");
    assert!(screen.contains("2/2 messages") && screen.contains("Drained: 2 messages done"), "{screen}");
}
