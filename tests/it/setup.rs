//! `setup`, `teardown`, `render` and `status`, by the real binary.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Output, Server, Stack};

/// The words of a run, without what differs from machine to machine.
fn words(stack: &Stack, output: &Output) -> String {
    let text = format!("{}--- stderr\n{}", output.stdout, output.stderr);
    text.replace(&stack.dir().display().to_string(), "DIR").lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn the_plan_is_shown_and_nothing_is_made() {
    let stack = Stack::new();
    let output = stack.run(["setup", "--plan"]);
    assert_eq!(output.code, Some(3), "{output}");
    assert_snapshot!("plan", words(&stack, &output));
    assert_eq!(stack.json(["status"])["objects"], json!({ "ready": 0, "drifted": 0, "absent": 15, "foreign": 0 }));
    assert!(!stack.stack_dir().exists(), "a plan remembers nothing");
}

#[test]
fn each_step_names_the_commands_that_it_replaces() {
    let stack = Stack::new();
    let output = stack.run(["setup", "--plan", "--explain"]);
    assert_snapshot!("explain", words(&stack, &output));
}

#[test]
fn the_plan_is_data() {
    let stack = Stack::new();
    let output = stack.run(["setup", "--plan", "--output", "json"]);
    assert_eq!(output.code, Some(3), "{output}");
    let plan = output.json();
    assert_eq!((&plan["applied"], &plan["changes"]), (&json!(false), &json!(15)));
    assert_eq!(plan["steps"][3]["action"], "create");
    assert_eq!(plan["steps"][3]["name"], "test-queue");
}

#[test]
fn a_second_setup_changes_nothing_and_says_so() {
    let stack = Stack::new();
    assert_snapshot!("first", words(&stack, &stack.ok(["setup"])));
    assert_snapshot!("second", words(&stack, &stack.ok(["setup"])));
    assert_eq!(stack.run(["setup", "--plan"]).code, Some(0));
}

#[test]
fn drift_is_shown_field_by_field_and_repaired() {
    let stack = Stack::new();
    stack.ok(["setup"]);
    let output = stack.run(["setup", "--plan", "--visibility-timeout", "90", "--max-replica-count", "5"]);
    assert_eq!(output.code, Some(3), "{output}");
    assert_snapshot!("drift", words(&stack, &output));
    stack.ok(["setup", "--visibility-timeout", "90", "--max-replica-count", "5"]);
    assert_eq!(stack.json(["setup"])["changes"], 0, "what was chosen is remembered");
    let object = fs::read_to_string(stack.stack_dir().join("objects/ScaledJob/video-processor.json")).expect("stored");
    let object: serde_json::Value = serde_json::from_str(&object).expect("JSON");
    assert_eq!((&object["spec"]["maxReplicaCount"], &object["metadata"]["generation"]), (&json!(5), &json!(2)));
}

#[test]
fn what_another_stack_made_stands_in_the_way_and_is_left_alone() {
    let stack = Stack::new();
    stack.ok(["setup", "--stack", "mine", "--queue", "jobs"]);
    // The default stack's queue has the very name that the other stack derived.
    let output = stack.run(["setup", "--queue", "mine-jobs"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert_snapshot!("foreign", words(&stack, &output));
    assert!(!stack.stack_dir().exists(), "nothing was begun");
    let output = stack.run(["teardown"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(stack.json(["status", "--stack", "mine"])["objects"]["ready"], 15);
}

#[test]
fn a_stack_that_is_set_up_does_not_move() {
    let stack = Stack::new();
    stack.ok(["setup"]);
    let output = stack.run(["setup", "--queue", "other"]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("invalid --queue `other`: stack `demo` is set up with `test-queue`"), "{output}");
}

#[test]
fn teardown_leaves_nothing_and_proves_it() {
    let stack = Stack::new();
    stack.ok(["setup"]);
    stack.ok(["produce", "--count", "3"]);
    assert_snapshot!("teardown", words(&stack, &stack.ok(["teardown"])));
    assert!(!stack.stack_dir().exists());
    assert_snapshot!("teardown shared", words(&stack, &stack.ok(["teardown", "--shared"])));
    assert_snapshot!("teardown again", words(&stack, &stack.ok(["teardown", "--shared"])));
    stack.ok(["setup"]);
}

#[test]
fn teardown_of_one_stack_leaves_the_other() {
    let stack = Stack::new();
    stack.ok(["setup"]);
    stack.ok(["setup", "--stack", "orders"]);
    stack.ok(["teardown", "--shared", "--stack", "orders"]);
    assert_eq!(stack.json(["status"])["objects"]["ready"], 15);
}

#[test]
fn status_tells_what_there_is() {
    let stack = Stack::new();
    assert_snapshot!("status of nothing", words(&stack, &stack.ok(["status"])));
    stack.ok(["setup"]);
    stack.ok(["produce", "--count", "12"]);
    let output = stack.ok(["status"]);
    insta::with_settings!({ filters => vec![(r"\d+s ago", "[age] ago")] }, {
        assert_snapshot!("status", words(&stack, &output));
    });
    let status = stack.json(["status"]);
    assert_eq!(status["queue"]["depth"], json!({ "visible": 12, "in_flight": 0, "delayed": 0 }));
    assert_eq!((&status["is_set_up"], &status["scaler"]), (&json!(true), &json!(null)));
}

#[test]
fn render_writes_every_file_filled_in() {
    let stack = Stack::new();
    let output = stack.ok(["render", "out"]);
    assert_snapshot!("render", words(&stack, &output));
    for entry in fs::read_dir(stack.dir().join("out")).expect("made") {
        let path = entry.expect("entry").path();
        let text = fs::read_to_string(&path).expect("text");
        assert!(!["replace-with", "put-your", "{{", "}}"].iter().any(|placeholder| text.contains(placeholder)), "{}", path.display());
    }
    let read = |name: &str| fs::read_to_string(stack.dir().join("out").join(name)).expect("written");
    assert_snapshot!("trust-policy.json", read("trust-policy.json"));
    assert_snapshot!("scaled-job-consumer.yaml", read("scaled-job-consumer.yaml"));
}

#[test]
fn render_keeps_what_a_person_changed() {
    let stack = Stack::new();
    stack.ok(["render", "out"]);
    let path = stack.dir().join("out/producer.yaml");
    fs::write(&path, "mine").expect("written");
    fs::remove_file(stack.dir().join("out/trust-policy.json")).expect("removed");
    let output = stack.run(["render", "out"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("these files differ: producer.yaml") && output.stderr.contains("--force"), "{output}");
    assert_eq!(fs::read_to_string(&path).expect("read"), "mine");
    assert!(!stack.dir().join("out/trust-policy.json").exists(), "nothing was written at all");
    stack.ok(["render", "out", "--force"]);
    assert_ne!(fs::read_to_string(&path).expect("read"), "mine");
}

#[test]
fn an_endpoint_that_could_cost_money_is_asked_about() {
    let aws = Stack::new();
    let server = Server::start(&aws);
    // This machine under a name that does not say so.
    let endpoint = server.url.replace("127.0.0.1", "0.0.0.0");
    let stack = Stack::new().with("AWS_ACCESS_KEY_ID", "x").with("AWS_SECRET_ACCESS_KEY", "x");
    let output = stack.run(["setup", "--endpoint-url", &endpoint]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("may cost money") && output.stderr.contains("--yes"), "{output}");
    stack.ok(["setup", "--endpoint-url", &endpoint, "--yes"]);
    let output = stack.run(["teardown"]);
    assert_eq!(output.code, Some(2), "{output}");
    assert_eq!(stack.json(["status"])["objects"]["ready"], 15, "nothing was deleted");
    stack.ok(["teardown", "--yes"]);
}

#[test]
fn an_endpoint_that_nobody_serves_is_said_so() {
    let stack = Stack::new();
    let output = stack.run(["setup", "--endpoint-url", "http://127.0.0.1:9"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("onnection refused"), "{output}");
    assert!(!stack.stack_dir().exists(), "nothing was begun");
}
