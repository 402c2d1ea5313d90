//! `run --create-sources`: what triggers name is made in the embedded service, and only that goes with the run.

use std::fs;

use serde_json::Value;

use crate::{
    examples::{owner, send},
    support::{Output, Stack, wait_until},
};

/// Every queue and role that there is.
async fn inventory(stack: &Stack) -> Vec<String> {
    let sdk = owner(stack);
    let queues = aws_sdk_sqs::Client::new(&sdk).list_queues().send().await.expect("listed").queue_urls.unwrap_or_default();
    let roles = aws_sdk_iam::Client::new(&sdk).list_roles().send().await.expect("listed").roles;
    let clusters = aws_sdk_eks::Client::new(&sdk).list_clusters().send().await.expect("listed").clusters.unwrap_or_default();
    let mut all: Vec<String> = queues.iter().filter_map(|url| url.rsplit('/').next()).map(|name| format!("queue {name}")).collect();
    all.extend(roles.into_iter().map(|role| format!("role {}", role.role_name)));
    all.extend(clusters.into_iter().map(|name| format!("cluster {name}")));
    all.sort();
    all
}

/// A ScaledJob of one queue, read in KEDA's own name.
fn manifest(stack: &Stack, queue: &str) -> String {
    let text = format!(
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {{name: {queue}}}\nspec:\n  pollingInterval: 1\n  \
         jobTargetRef: {{template: {{spec: {{containers: [{{name: c, image: c}}]}}}}}}\n  triggers:\n  - type: aws-sqs-queue\n    \
         metadata: {{queueURL: {queue}, awsRegion: us-east-1, identityOwner: operator}}\n"
    );
    let path = stack.dir().join(format!("{queue}.yaml"));
    fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

fn once(stack: &Stack, path: &str, more: &[&str]) -> Output {
    stack.run(["run", "-f", path, "--once", "--create-sources"].iter().chain(more))
}

#[tokio::test]
async fn what_was_made_is_listed_and_gone_afterwards() {
    let stack = Stack::new();
    let output = once(&stack, &manifest(&stack, "orders"), &[]);
    assert_eq!(output.code, Some(0), "{output}");
    for part in ["sqs queue", "demo-run-keda-operator", "created", "0 visible + 0 in flight = 0"] {
        assert!(output.stdout.contains(part), "{part}: {output}");
    }
    assert!(output.stderr.contains("Removed what was made for the triggers"), "{output}");
    assert!(inventory(&stack).await.is_empty(), "{:?}", inventory(&stack).await);
}

#[tokio::test]
async fn what_was_kept_serves_later_runs_and_goes_with_a_teardown() {
    let stack = Stack::new();
    let path = manifest(&stack, "orders");
    let output = once(&stack, &path, &["--keep"]);
    assert!(output.stderr.contains("Next: kedactl teardown --stack demo-run"), "{output}");
    send(&owner(&stack), "orders", 7).await;
    let second = once(&stack, &path, &["-o", "json"]).json();
    assert_eq!(second["objects"][0]["decision"]["create"], 2, "{second}");
    assert!(second["sources"].as_array().expect("a list").iter().all(|one| one["state"] == "kept"), "{second}");
    let other = once(&stack, &manifest(&stack, "others"), &["-o", "json"]).json();
    let made: Vec<&Value> = other["sources"].as_array().expect("a list").iter().filter(|one| one["state"] == "created").collect();
    assert_eq!((made.len(), &made[0]["name"]), (1, &"others".into()), "{other}");
    assert_eq!(inventory(&stack).await, ["cluster demo-run", "queue orders", "role demo-run-keda-operator"]);
    stack.ok(["teardown", "--stack", "demo-run"]);
    assert!(inventory(&stack).await.is_empty(), "{:?}", inventory(&stack).await);
}

#[tokio::test]
async fn a_queue_that_was_there_is_used_as_it_is_until_it_is_drained_and_stays() {
    let stack = Stack::new();
    let sqs = aws_sdk_sqs::Client::new(&owner(&stack));
    let url = sqs.create_queue().queue_name("orders").send().await.expect("made").queue_url.expect("a URL");
    send(&owner(&stack), "orders", 7).await;
    let path = manifest(&stack, "orders");
    let args = ["run", "-f", &path, "--create-sources", "--until-drained", "-o", "json", "--", "true"];
    let mut running = stack.spawn(args);
    running.line("a job is done", |line| (line.contains("job-changed") && line.contains("complete")).then_some(()));
    sqs.purge_queue().queue_url(&url).send().await.expect("emptied");
    let output = running.wait();
    assert_eq!(output.code, Some(0), "{output}");
    let events = output.json_lines();
    let count = |event: &str, field: &str, value: &str| events.iter().filter(|one| one["event"] == event && one[field] == value).count();
    assert!(count("job-changed", "state", "complete") >= 2 && count("job-changed", "state", "failed") == 0, "{output}");
    assert_eq!(events.iter().filter(|one| one["event"] == "drained").count(), 1, "{output}");
    assert!(count("step-done", "action", "create") > 0 && count("step-done", "action", "create") == count("step-done", "action", "delete"));
    assert!(!events.iter().any(|one| one["event"] == "step-done" && one["resource"] == "sqs queue orders"), "{output}");
    assert_eq!(inventory(&stack).await, ["queue orders"]);
}

#[tokio::test]
async fn one_run_at_a_time_makes_sources_and_what_a_killed_one_left_goes_with_the_next() {
    let stack = Stack::new();
    let mut first = stack.spawn(["run", "-f", &manifest(&stack, "orders"), "--create-sources", "-o", "json"]);
    first.line("it polls", |line| line.contains("polled").then_some(()));
    let second = once(&stack, &manifest(&stack, "others"), &[]);
    assert_eq!(second.code, Some(1), "{second}");
    assert!(second.stderr.contains("another run makes sources for the stack `demo`") && second.stderr.contains("--stack"), "{second}");
    first.kill();
    wait_until("its jobs are gone", || stack.processes().is_empty());
    assert_eq!(inventory(&stack).await, ["cluster demo-run", "queue orders", "role demo-run-keda-operator"]);
    let third = once(&stack, &manifest(&stack, "others"), &[]);
    assert_eq!(third.code, Some(0), "{third}");
    assert!(inventory(&stack).await.is_empty(), "{:?}", inventory(&stack).await);
}

#[test]
fn nothing_is_made_in_an_account_where_it_costs_money() {
    let account = |stack: Stack| stack.with("KEDACTL_ACCOUNT", "123456789012").with("KEDACTL_REGION", "us-east-1");
    let real = account(Stack::new().with("KEDACTL_TARGET", "cluster"));
    for stack in [Stack::new().with("KEDACTL_ENDPOINT_URL", "http://127.0.0.1:9"), real] {
        let output = once(&stack, &manifest(&stack, "orders"), &[]);
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains("--create-sources") && output.stderr.contains("cost money"), "{output}");
    }
}

#[test]
fn a_stack_that_bears_the_name_of_the_sources_is_left_alone() {
    let stack = Stack::new();
    stack.ok(["setup", "--stack", "demo-run"]);
    let output = once(&stack, &manifest(&stack, "orders"), &[]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("a stack `demo-run` is set up"), "{output}");
}

#[test]
fn who_has_nothing_set_up_is_told_the_way_out() {
    let stack = Stack::new();
    let path = manifest(&stack, "orders");
    for args in [vec!["--once"], vec!["--for", "2s"]] {
        let output = stack.run(["run", "-f", &path].iter().copied().chain(args));
        assert_eq!(output.code, Some(1), "{output}");
        assert!(output.stderr.contains("--create-sources") && output.stderr.contains("--assume"), "{output}");
    }
}

#[test]
fn keys_that_no_table_can_have_are_refused_before_anything_is_made() {
    let stack = Stack::new();
    let text = fs::read_to_string(format!("{}/examples/03-dynamodb.yaml", env!("CARGO_MANIFEST_DIR"))).expect("readable");
    let path = stack.dir().join("wrong.yaml");
    fs::write(&path, text.replace("#state = :open AND due < :limit", "#state < :open")).expect("written");
    let output = once(&stack, path.to_str().expect("UTF-8"), &[]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("keyConditionExpression") && output.stderr.contains("compared by `=`"), "{output}");
}
