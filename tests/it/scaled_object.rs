//! A ScaledObject scaled by the real binary: what becomes of busy replicas, of a watch that dies, and of a trigger that cannot be read.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Output, Stack, wait_until};

/// The settings of the comparison: four busy replicas come to meet a wish for two.
const WORK: [&str; 6] = ["--queue-length", "2", "--max-replica-count", "4", "--work-seconds", "600"];

fn set_up(stack: &Stack, kind: &str, settings: &[&str]) {
    stack.ok(["setup", "--kind", kind].iter().chain(settings));
}

/// What the target was told, in order.
fn scaled(events: &[Value]) -> Vec<(i64, i64, &str)> {
    let number = |event: &Value, field: &str| event[field].as_i64().expect("a number");
    let scaled = events.iter().filter(|event| event["event"] == "scaled");
    scaled.map(|event| (number(event, "from"), number(event, "to"), event["by"].as_str().expect("by whom"))).collect()
}

fn of(report: &Value, name: &str) -> u64 {
    report["totals"][name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {report:#}"))
}

/// Does the same work with `kind`: the watch's events and the report.
fn worked(kind: &str) -> (Vec<Value>, Value) {
    let stack = Stack::new();
    set_up(&stack, kind, &WORK);
    stack.ok(["produce", "--count", "8"]);
    let watched: Output = stack.ok(["watch", "--pace", "100", "-o", "json"]);
    let report = stack.json(["report"]);
    assert_eq!(report["verdict"], "proven", "{report:#}");
    let events = watched.json_lines();
    let end = events.last().expect("events");
    assert_eq!((&end["event"], &end["done"]), (&json!("drained"), &json!(8)), "{watched}");
    assert!(stack.consumers().is_empty(), "nothing runs on");
    let ended = stack.ok(["teardown"]);
    assert!(ended.stdout.contains("0 left"), "{ended}");
    (events, report)
}

#[test]
fn where_a_scaled_object_scales_in_busy_replicas_are_killed_and_nothing_is_lost() {
    let (events, report) = worked("scaled-object");
    let steps = scaled(&events);
    assert_eq!(steps[..2], [(0, 1, "keda"), (1, 4, "hpa")], "{steps:?}");
    assert!(steps.iter().any(|(from, to, by)| from > to && *by == "hpa"), "{steps:?}");
    assert_eq!(steps.last().map(|(_, to, by)| (*to, *by)), Some((0, "keda")), "{steps:?}");
    assert!(of(&report, "kills") >= 2, "{report:#}");
    assert_eq!(["lost", "unfinished", "duplicated"].map(|name| of(&report, name)), [0, 0, 0], "{report:#}");
    assert!(of(&report, "redelivered") >= of(&report, "kills"), "each kill gave its message back: {report:#}");
    let told = events.iter().filter(|event| event["event"] == "released-message" && event["reason"] == "signal").count();
    assert_eq!(u64::try_from(told), Ok(of(&report, "kills")), "the watch saw each of them");
}

#[test]
fn the_same_work_in_jobs_is_never_killed() {
    let (_, report) = worked("scaled-job");
    assert_eq!(["kills", "killed", "redelivered"].map(|name| of(&report, name)), [0, 0, 0], "{report:#}");
}

#[test]
fn a_watch_that_is_killed_is_resumed_by_the_next_and_its_replicas_work_on() {
    let stack = Stack::new();
    set_up(&stack, "scaled-object", &["--max-replica-count", "4", "--work-seconds", "200"]);
    stack.ok(["produce", "--count", "12"]);
    let mut first = stack.spawn(["watch", "--pace", "100", "-o", "json"]);
    first.line("four are wanted", |line| (line.contains(r#""event":"scaled""#) && line.contains(r#""to":4"#)).then_some(()));
    wait_until("four work", || stack.consumers().len() == 4);
    first.kill();
    assert_eq!(stack.consumers().len(), 4, "they outlive it");
    let path = stack.stack_dir().join("objects/ScaledObject/video-processor.json");
    let object: Value = serde_json::from_str(&fs::read_to_string(path).expect("it is there")).expect("JSON");
    assert!(object["status"]["lastActiveTime"].is_string(), "{object:#}");

    let second = stack.ok(["watch", "--pace", "100", "-o", "json"]).json_lines();
    let steps = scaled(&second);
    assert!(steps.iter().all(|(from, _, _)| *from > 0), "it begins with those that run: {steps:?}");
    assert_eq!(second.last().map(|end| &end["event"]), Some(&json!("drained")));
    let report = stack.json(["report"]);
    assert_eq!((&report["verdict"], of(&report, "counted")), (&json!("proven"), 12), "{report:#}");
    assert!(stack.consumers().is_empty(), "nothing runs on");
}

#[test]
fn a_trigger_that_cannot_be_read_is_replaced_by_the_fallback() {
    let stack = Stack::new();
    set_up(&stack, "scaled-object", &[]);
    let path = stack.stack_dir().join("objects/ScaledObject/video-processor.json");
    let mut object: Value = serde_json::from_str(&fs::read_to_string(path).expect("it is there")).expect("JSON");
    let url = &mut object["spec"]["triggers"][0]["metadata"]["queueURL"];
    *url = json!(url.as_str().expect("a URL").replace("test-queue", "gone-queue"));
    object["spec"]["fallback"] = json!({ "failureThreshold": 2, "replicas": 3 });
    let file = stack.dir().join("object.json");
    fs::write(&file, object.to_string()).expect("written");
    let file = file.to_str().expect("UTF-8");
    let watched = stack.ok(["watch", "-f", file, "--pace", "100", "--for", "2s", "-o", "json"]);
    let events = watched.json_lines();
    assert_eq!(scaled(&events), [(0, 1, "keda"), (1, 3, "hpa")], "{watched}");
    let why: Vec<&str> =
        events.iter().filter(|event| event["event"] == "object-polled").filter_map(|event| event["why"].as_str()).collect();
    assert!(why[0].contains("1 in a row; left to the fallback: stays at 0"), "{why:?}");
    assert!(why.iter().any(|why| why.contains("3 in a row: the fallback says 3, target 1; active: 0 -> 1")), "{why:?}");
    let status = stack.json(["status"]);
    assert_eq!((&status["replicas"]["wanted"], &status["replicas"]["ready"]), (&json!(3), &json!(3)), "{status}");
    let ended = stack.ok(["teardown"]);
    assert!(ended.stdout.contains("0 left") && stack.consumers().is_empty(), "{ended}");
}

#[test]
fn the_demo_shows_either_kind_whole() {
    let stack = Stack::new();
    let shown = stack.ok(["demo", "--kind", "scaled-object", "--count", "3", "--pace", "100", "-o", "json"]);
    let lines = shown.json_lines();
    let report = lines.last().expect("a report");
    assert_eq!((&report["verdict"], of(report, "counted")), (&json!("proven"), 3), "{report:#}");
    assert_eq!(scaled(&lines).first(), Some(&(0, 1, "keda")));
}
