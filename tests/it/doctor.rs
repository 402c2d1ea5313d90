//! `kedactl doctor`: what it looks at, what it calls wrong, and with which exit code.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::support::{Server, Space, Stack};

fn check<'a>(found: &'a Value, name: &str) -> &'a Value {
    let parts = found["parts"].as_array().expect("parts");
    let mut checks = parts.iter().flat_map(|part| part["checks"].as_array().expect("checks"));
    checks.find(|check| check["name"].as_str().is_some_and(|text| text.contains(name))).unwrap_or_else(|| panic!("no {name}: {found:#}"))
}

#[test]
fn on_this_machine_nothing_is_wrong_before_setup_and_after_it() {
    let stack = Stack::new();
    assert_eq!(stack.json(["doctor"])["failed"], 0);
    stack.ok(["setup"]);
    let told = stack.ok(["doctor"]);
    assert!(told.stdout.contains("✓ ok") && told.stdout.contains("Nothing is wrong"), "{told}");
}

#[test]
fn a_state_folder_that_others_may_read_is_wrong_and_its_repair_repairs_it() {
    let stack = Stack::ready();
    fs::set_permissions(stack.dir().join("stacks"), fs::Permissions::from_mode(0o755)).expect("changed");
    let found = stack.run(["doctor", "--output", "json"]);
    assert_eq!(found.code, Some(3), "{found}");
    let found = found.json();
    let repair = check(&found, "private")["repair"].as_str().expect("a repair").to_owned();
    assert!(stack.program("sh", ["-c", &repair]).status().expect("sh runs").success(), "{repair}");
    assert_eq!(stack.json(["doctor"])["failed"], 0);
}

#[test]
fn the_first_broken_link_of_an_identity_chain_is_named_with_its_repair() {
    let stack = Stack::ready();
    let server = Server::start(&stack);
    detach(&server.url, "keda-operator", "arn:aws:iam::123456789012:policy/keda-scaler");
    let found = stack.run(["doctor", "--output", "json"]);
    assert_eq!(found.code, Some(3), "{found}");
    let found = found.json();
    let broken = check(&found, "scaler: role keda-operator may use the queue");
    assert_eq!(broken["state"], "failed", "{broken}");
    assert!(broken["repair"].as_str().is_some_and(|repair| repair.contains("keda-operator-policy.json")), "{broken}");
    assert_eq!(check(&found, "iam attachment")["repair"], "kedactl setup");
    stack.ok(["setup"]);
    assert_eq!(stack.json(["doctor"])["failed"], 0);
}

/// Takes the policy off the role behind kedactl's back.
fn detach(url: &str, role: &str, policy: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let wire = kedactl::backend::aws::config::Wire::network(Some(url.to_owned()));
        let sdk = kedactl::backend::aws::config::configure(&wire, "us-east-1", Some(kedactl::backend::aws::config::administrator()));
        aws_sdk_iam::Client::new(&sdk).detach_role_policy().role_name(role).policy_arn(policy).send().await.expect("detached");
    });
}

#[test]
fn objects_of_an_expired_stack_are_a_warning_with_the_command_that_removes_them() {
    let stack = Stack::ready();
    stack.ok(["setup", "--stack", "old", "--expires-at", "2020-01-02T03:04:05Z"]);
    let found = stack.json(["doctor"]);
    let leftovers = check(&found, "expired stacks");
    assert_eq!((&leftovers["state"], &leftovers["repair"]), (&"warned".into(), &"kedactl teardown --expired".into()));
}

#[test]
fn an_endpoint_that_does_not_answer_is_wrong() {
    let stack = Stack::new().with("KEDACTL_ENDPOINT_URL", "http://127.0.0.1:9");
    let found = stack.run(["doctor", "--output", "json"]);
    assert_eq!(found.code, Some(3), "{found}");
    assert_eq!(check(&found.json(), "credentials are accepted")["state"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_cluster_rights_version_and_namespace_are_looked_at() {
    let Some(space) = Space::new().await else { return };
    let own = Stack::new();
    let server = Server::start(&own);
    let stack = space.stack(&server.url).with("KEDACTL_REGION", "us-east-1");
    let found = stack.run(["doctor", "--output", "json"]).json();
    for name in ["cluster can be reached", "Kubernetes allows", "agrees with the API server", "can be used"] {
        assert_eq!(check(&found, name)["state"], "passed", "{found:#}");
    }
    assert_ne!(check(&found, "AWS allows what setup needs")["state"], "failed", "{found:#}");
}
