//! `kedactl teardown` beyond one run on one machine: tags, expiry, what is left.

use serde_json::Value;

use crate::support::{Server, Stack};

/// A queue that bears the default stack's tag under a name that no setup derives.
fn stray_queue(stack: &Stack, server: &Server, name: &str) {
    let sdk = sdk(&server.url);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _ = stack;
    runtime.block_on(async {
        let request = aws_sdk_sqs::Client::new(&sdk).create_queue().queue_name(name).tags("kedactl:stack", "demo");
        request.send().await.expect("created");
    });
}

fn sdk(url: &str) -> aws_config::SdkConfig {
    use kedactl::backend::aws::config::{Wire, administrator, configure};
    configure(&Wire::network(Some(url.to_owned())), "us-east-1", Some(administrator()))
}

#[test]
fn what_bears_the_tag_under_another_name_is_named_as_left() {
    let stack = Stack::new();
    let server = Server::start(&stack);
    let stack = Stack::new().with("KEDACTL_ENDPOINT_URL", &server.url);
    stack.ok(["setup"]);
    stray_queue(&stack, &server, "renamed");
    let torn = stack.run(["teardown", "--output", "json"]);
    assert_eq!(torn.code, Some(1), "{torn}");
    assert_eq!(torn.json()["left"], serde_json::json!([{ "kind": "sqs queue", "name": "renamed" }]));
    assert!(torn.stderr.contains("1 left"), "{torn}");
    assert!(stack.stack_dir().exists(), "what is left is not forgotten");
}

#[test]
fn the_second_look_counts_every_kind_that_bears_tags() {
    let stack = Stack::ready();
    let torn = stack.ok(["teardown", "--output", "json"]).json();
    assert_eq!((&torn["left"], &torn["unchecked"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    assert!(torn["kinds_checked"].as_u64() >= Some(9), "{torn}");
}

#[test]
fn only_what_has_expired_is_torn_down_and_the_rest_is_named() {
    let stack = Stack::new();
    stack.ok(["setup", "--expires-at", "2020-01-02T03:04:05Z", "--stack", "old"]);
    stack.ok(["setup", "--ttl", "2h", "--stack", "new"]);
    stack.ok(["setup", "--stack", "eternal"]);
    let done = stack.ok(["teardown", "--expired"]);
    assert!(done.stdout.contains("Stack `old` had expired"), "{done}");
    assert!(done.stdout.contains("Stack `new` expires in 1 h") && done.stdout.contains("Stack `eternal` never expires"), "{done}");
    let remembered = stack.json(["target", "--all"]);
    let names: Vec<&str> = remembered.as_array().expect("a list").iter().filter_map(|one| one["stack"].as_str()).collect();
    assert_eq!(names, ["eternal", "new"]);
    assert_eq!(stack.json(["status", "--stack", "new"])["is_set_up"], true);
    let again = stack.ok(["teardown", "--expired", "--output", "json"]).json();
    assert_eq!((again["outcomes"].as_array().map(Vec::len), again["others"].as_array().map(Vec::len)), (Some(0), Some(2)));
}
