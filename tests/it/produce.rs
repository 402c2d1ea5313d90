//! `produce`, by the real binary: every message is accounted for, and bad input is refused before anything is sent.

use std::{collections::BTreeSet, fs};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Output, Stack};

/// Every event that `produce` wrote to the journal, run after run, in the order of writing.
fn journal(stack: &Stack) -> Vec<Value> {
    let dir = stack.stack_dir().join("journal");
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains("produce")).collect();
    files.sort();
    let texts: Vec<String> = files.iter().map(|path| fs::read_to_string(path).expect("our own journal is readable")).collect();
    texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).expect("each line is an event")).collect()
}

fn named<'a>(events: &'a [Value], event: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |one| one["event"] == event)
}

fn ids(events: &[Value]) -> BTreeSet<&str> {
    named(events, "sent").filter_map(|event| event["message_id"].as_str()).collect()
}

fn refused(output: &Output, words: &[&str]) {
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{output}");
    for word in words {
        assert!(output.stderr.contains(word), "`{word}` is not said: {output}");
    }
    assert!(output.stderr.contains("hint: "), "{output}");
}

#[test]
fn every_message_is_sent_and_its_id_is_in_the_journal() {
    let stack = Stack::ready();
    let sent = stack.json(["produce", "--count", "25"]);
    assert_eq!((&sent["sent"], &sent["failed"], &sent["unsent"]), (&25.into(), &0.into(), &0.into()));
    let events = journal(&stack);
    assert_eq!(ids(&events).len(), 25);
    let numbers: BTreeSet<u64> = named(&events, "sent").filter_map(|event| event["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=25).collect());
    let announced: BTreeSet<u64> =
        named(&events, "sending").flat_map(|event| event["numbers"].as_array().expect("numbers")).filter_map(Value::as_u64).collect();
    assert_eq!(announced, numbers);
    assert!(named(&events, "sending").all(|event| event["run"] == sent["run"]));
    assert_eq!(events.last().expect("events")["event"], "produce-finished");
}

#[test]
fn the_summary_is_the_result_and_the_next_command_the_last_line() {
    let stack = Stack::ready();
    let output = stack.ok(["produce"]);
    assert!(output.stdout.starts_with("Sent 10 messages in "), "{output}");
    assert_eq!(output.stderr, "Next: kedactl watch\n");
    let quiet = stack.ok(["produce", "--quiet", "--count", "1"]);
    assert!(quiet.stdout.starts_with("Sent 1 message in ") && quiet.stderr.is_empty(), "{quiet}");
}

#[test]
fn two_runs_have_ids_of_their_own() {
    let stack = Stack::ready();
    stack.ok(["produce", "--count", "12"]);
    stack.ok(["produce", "--count", "12"]);
    let events = journal(&stack);
    assert_eq!(ids(&events).len(), 24);
    let runs: BTreeSet<_> = named(&events, "sent").filter_map(|event| event["run"].as_str()).collect();
    assert_eq!(runs.len(), 2);
}

#[test]
fn each_line_of_stdin_is_a_message() {
    let stack = Stack::ready();
    let output = stack.feed("one\ntwo\n\nthree\n", ["produce", "--body-file", "-", "--output", "json"]);
    assert_eq!(output.json()["sent"], 3, "{output}");
}

#[test]
fn a_bad_line_stops_everything_before_anything_is_sent() {
    let stack = Stack::ready();
    refused(&stack.feed("one\ntwo\u{0}\n", ["produce", "--body-file", "-"]), &["line 2", "U+0000"]);
    refused(&stack.feed("", ["produce", "--body-file", "-"]), &["no line"]);
    refused(&stack.feed("one\n", ["produce", "--body-file", "-", "--count", "1"]), &["--count"]);
    assert!(journal(&stack).is_empty());
}

#[test]
fn counts_that_cannot_be_meant_are_refused_with_the_limit() {
    let stack = Stack::new();
    for count in ["0", "1000000000", "-5", "ten"] {
        refused(&stack.run(["produce", "--count", count]), &["--count", count, "1000000"]);
    }
    assert_eq!(fs::read_dir(stack.dir()).expect("readable").count(), 0, "nothing was made");
}

#[test]
fn bodies_that_sqs_refuses_are_refused_first() {
    let stack = Stack::new();
    fs::write(stack.dir().join("large"), "x".repeat(1_048_577)).expect("writable");
    refused(&stack.run(["produce", "--body-file", "large"]), &["large", "1048577 bytes", "1048576"]);
    fs::write(stack.dir().join("binary"), [0xff, 0xfe]).expect("writable");
    refused(&stack.run(["produce", "--body-file", "binary"]), &["binary", "UTF-8"]);
    refused(&stack.run(["produce", "--body-file", "absent"]), &["absent", "cannot be read"]);
    refused(&stack.run(["produce", "--body", ""]), &["empty"]);
    refused(&stack.run(["produce", "--body", "a\u{1}"]), &["U+0001"]);
    refused(&stack.run(["produce", "--rate", "5/fortnight"]), &["--rate", "5/fortnight"]);
    refused(&stack.run(["produce", "--delay", "901"]), &["--delay", "901"]);
}

#[test]
fn a_body_of_a_mebibyte_travels_alone_and_arrives() {
    let stack = Stack::ready();
    fs::write(stack.dir().join("largest"), "x".repeat(1_048_576)).expect("writable");
    assert_eq!(stack.json(["produce", "--count", "2", "--body-file", "largest"])["sent"], 2);
    assert_eq!(named(&journal(&stack), "sending").count(), 2);
}

#[test]
fn without_setup_the_way_out_is_named() {
    let output = Stack::new().run(["produce"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("hint: run `kedactl setup`"), "{output}");
}

#[test]
fn a_rate_is_kept() {
    let stack = Stack::ready();
    let sent = stack.json(["produce", "--count", "11", "--rate", "10/s"]);
    assert!(sent["seconds"].as_f64().expect("a number") >= 1.0, "{sent}");
}

#[test]
fn ctrl_c_sends_what_is_on_the_wire_and_reports() {
    let stack = Stack::ready();
    let mut running = stack.spawn(["produce", "--count", "100000", "--rate", "20/s", "--output", "json"]);
    crate::support::wait_until("messages are sent", || !ids(&journal(&stack)).is_empty());
    running.signal(Signal::SIGINT);
    let output = running.wait();
    assert_eq!(output.code, Some(130), "{output}");
    let sent = output.json();
    let events = journal(&stack);
    assert_eq!(sent["sent"].as_u64(), Some(ids(&events).len() as u64));
    assert_eq!(sent["sent"].as_u64().expect("a number") + sent["unsent"].as_u64().expect("a number"), 100_000);
    assert_eq!(events.last().expect("events")["event"], "produce-finished");
}

#[test]
fn fifo_messages_have_a_group_and_are_not_taken_for_duplicates() {
    let stack = Stack::new();
    stack.ok(["setup", "--yes", "--queue", "jobs.fifo"]);
    for _ in 0..2 {
        assert_eq!(stack.json(["produce", "--count", "12", "--body", "same", "--group", "videos"])["sent"], 12);
    }
    assert_eq!(ids(&journal(&stack)).len(), 24);
    refused(&stack.run(["produce", "--delay", "5"]), &["--delay", "FIFO"]);
}
