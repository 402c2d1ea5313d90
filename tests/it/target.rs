//! `kedactl target`: what is shown, what is chosen, and what is refused.

use serde_json::Value;

use crate::support::Stack;

fn setting<'a>(found: &'a Value, name: &str) -> (&'a Value, &'a Value) {
    let settings = found["settings"].as_array().expect("a list");
    let one = settings.iter().find(|one| one["name"] == name).expect("every setting is listed");
    (&one["value"], &one["origin"])
}

#[test]
fn target_shows_each_setting_and_where_it_came_from() {
    let stack = Stack::new().with("KEDACTL_NAMESPACE", "video");
    let found = stack.json(["target"]);
    assert_eq!((&found["target"], &found["is_set_up"]), (&"local".into(), &false.into()));
    assert_eq!(setting(&found, "namespace"), (&"video".into(), &"environment".into()));
    assert_eq!(setting(&found, "region"), (&"us-east-1".into(), &"default".into()));
    let told = stack.ok(["target"]);
    assert!(told.stdout.contains("from the environment") && told.stderr.contains("kedactl setup"), "{told}");
}

#[test]
fn a_chosen_target_is_used_by_later_commands_until_setup_or_another_choice() {
    let stack = Stack::new();
    stack.ok(["target", "eks", "--cluster", "video", "--region", "eu-west-1", "--offline"]);
    let found = stack.json(["target"]);
    assert_eq!(found["target"], "eks");
    assert_eq!(setting(&found, "cluster"), (&"video".into(), &"chosen".into()));
    assert_eq!(found["is_set_up"], false);
    let listed = stack.json(["target", "--all"]);
    assert_eq!((&listed[0]["stack"], &listed[0]["cluster"]), (&"demo".into(), &"video".into()));
    stack.ok(["target", "local"]);
    assert_eq!(stack.json(["target"])["target"], "local");
    assert_eq!(stack.json(["target", "--all"]), Value::Array(vec![]));
    assert!(!stack.stack_dir().exists());
}

#[test]
fn a_flag_for_another_target_overrules_the_whole_choice() {
    let stack = Stack::new();
    stack.ok(["target", "eks", "--cluster", "video", "--region", "eu-west-1", "--offline"]);
    stack.ok(["setup", "--target", "local"]);
    let found = stack.json(["target"]);
    assert_eq!((&found["target"], &found["is_set_up"]), (&"local".into(), &true.into()));
}

#[test]
fn a_stack_that_is_set_up_is_not_moved() {
    let stack = Stack::ready();
    let refused = stack.run(["target", "eks", "--cluster", "video", "--region", "eu-west-1", "--offline"]);
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.stderr.contains("kedactl teardown") && refused.stderr.contains("--stack NAME"), "{refused}");
    assert_eq!(stack.json(["target"])["target"], "local");
    stack.ok(["target", "local"]);
    stack.ok(["target", "eks", "--cluster", "video", "--region", "eu-west-1", "--offline", "--stack", "orders"]);
}

#[test]
fn a_context_that_does_not_exist_is_refused_by_name() {
    let stack = Stack::new();
    let kubeconfig = stack.dir().join("config");
    std::fs::write(&kubeconfig, "apiVersion: v1\nkind: Config\ncontexts:\n- name: kind-video\n  context: {cluster: c, user: u}\n")
        .expect("written");
    let stack = stack.with("KUBECONFIG", kubeconfig.to_str().expect("text"));
    let refused = stack.run(["target", "cluster", "--context", "nobody", "--region", "eu-west-1"]);
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.stderr.contains("`nobody`") && refused.stderr.contains("kind-video"), "{refused}");
    assert_eq!(stack.json(["target"])["target"], "local");
}

#[test]
fn a_time_to_live_becomes_an_expiry_that_status_shows() {
    let stack = Stack::new();
    stack.ok(["setup", "--ttl", "2h"]);
    let expires_at: jiff::Timestamp = stack.json(["status"])["expires_at"].as_str().expect("an expiry").parse().expect("a time");
    let left = expires_at.duration_since(jiff::Timestamp::now()).as_mins();
    assert!((115..=120).contains(&left), "{left} min are left");
    let told = stack.ok(["status"]);
    assert!(told.stdout.contains("expires") && (told.stdout.contains("in 1 h 5") || told.stdout.contains("in 2 h 0 min")), "{told}");
    let refused = stack.run(["setup", "--ttl", "tomorrow"]);
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.stderr.contains("--ttl") && refused.stderr.contains("2h"), "{refused}");
    assert_eq!(stack.run(["setup", "--ttl", "2h", "--expires-at", "2030-01-02T15:04:05Z"]).code, Some(2));
}
