//! The demo from outside: four commands as four processes, in one go, and across kill -9.

use std::{fs, time::Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{Running, Stack, wait_until};

fn total(report: &Value, name: &str) -> u64 {
    report["totals"][name].as_u64().unwrap_or_else(|| panic!("no total `{name}` in {report:#}"))
}

/// Asserts that `count` messages were each processed exactly once.
fn proven(stack: &Stack, count: u64) {
    let report = stack.json(["report"]);
    assert_eq!(report["verdict"], "proven", "{report:#}");
    for name in ["sent", "received", "deleted", "counted"] {
        assert_eq!(total(&report, name), count, "{name} in {report:#}");
    }
    for name in ["lost", "duplicated", "unfinished", "dead_lettered", "strangers", "refused"] {
        assert_eq!(total(&report, name), 0, "{name} in {report:#}");
    }
}

/// Waits until `running` has reported an event called `name`.
fn event(running: &mut Running, name: &str) -> Value {
    running.line(&format!("the event `{name}`"), |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        (value["event"] == name).then_some(value)
    })
}

#[test]
fn four_commands_as_four_processes() {
    let stack = Stack::new();
    let setup = stack.ok(["setup"]);
    assert!(setup.stderr.contains("Next: kedactl produce"), "{setup}");
    let produce = stack.ok(["produce", "--count", "10"]);
    assert!(produce.stderr.contains("Next: kedactl watch"), "{produce}");
    let watch = stack.ok(["watch", "--pace", "30"]);
    assert!(watch.stderr.contains("Next: kedactl report"), "{watch}");
    let report = stack.ok(["report"]);
    assert!(report.stdout.contains(" - processed count 10"), "{report}");
    proven(&stack, 10);
}

#[test]
fn the_first_poll_explains_its_arithmetic_in_one_line() {
    let stack = Stack::ready();
    stack.ok(["produce", "--count", "10"]);
    let watch = stack.ok(["watch", "--pace", "30"]);
    let text = format!("{}{}", watch.stdout, watch.stderr);
    assert!(text.contains("10 visible + 0 in flight = 10; target 1 -> 10; running 0; default: min(10, 100-0) -> create 10"), "{watch}");
}

#[test]
fn the_demo_in_one_go_is_quick_and_proven() {
    let stack = Stack::new();
    let begun = Instant::now();
    let demo = stack.ok(["demo", "--pace", "30"]);
    assert!(begun.elapsed().as_secs() < 30, "{} s: {demo}", begun.elapsed().as_secs());
    assert!(demo.stdout.contains("processed count 10"), "{demo}");
    proven(&stack, 10);
}

#[test]
fn the_demo_can_be_run_again() {
    let stack = Stack::new();
    stack.ok(["demo", "--pace", "100"]);
    stack.ok(["demo", "--pace", "100"]);
    proven(&stack, 20);
}

#[test]
fn a_second_setup_changes_nothing_and_says_so() {
    let stack = Stack::ready();
    let plan = stack.run(["setup", "--plan", "-o", "json", "--work-seconds", "1"]);
    assert_eq!(plan.code, Some(0), "{plan}");
    let changes = |plan: &Value| -> Vec<String> {
        let steps = plan["steps"].as_array().unwrap_or_else(|| panic!("no steps in {plan:#}"));
        assert!(steps.len() >= 10, "{plan:#}");
        steps.iter().filter(|step| step["action"] != "keep").map(ToString::to_string).collect()
    };
    assert!(changes(&plan.json()).is_empty(), "{plan}");
    let fresh = Stack::new().run(["setup", "--plan", "-o", "json"]);
    assert_eq!(fresh.code, Some(3), "a plan with changes has its own exit code: {fresh}");
    assert!(!changes(&fresh.json()).is_empty(), "{fresh}");
}

#[test]
fn a_plan_makes_nothing() {
    let stack = Stack::new();
    stack.run(["setup", "--plan"]);
    let again = stack.run(["setup", "--plan", "-o", "json"]);
    let steps = again.json()["steps"].as_array().expect("steps").clone();
    assert!(steps.iter().all(|step| step["action"] == "create"), "{steps:#?}");
}

#[test]
fn a_teardown_leaves_nothing_and_can_be_repeated() {
    let stack = Stack::ready();
    stack.ok(["produce", "--count", "3"]);
    for _ in 0..2 {
        let teardown = stack.ok(["teardown", "--yes"]);
        assert!(format!("{}{}", teardown.stdout, teardown.stderr).contains("0 left"), "{teardown}");
    }
    assert!(stack.processes().is_empty());
}

#[test]
fn teardown_stops_the_jobs_of_every_scaled_job_and_the_watch_that_scales_it() {
    let stack = Stack::new();
    stack.ok(["setup"]);
    stack.ok(["produce", "--count", "2"]);
    let manifest = stack.dir().join("objects.yaml");
    stack.ok(["render", stack.dir().to_str().expect("text")]);
    let rendered = fs::read_to_string(stack.dir().join("scaled-job-consumer.yaml")).expect("rendered");
    fs::write(&manifest, rendered.replace("\"video-processor\"", "\"another\"")).expect("written");
    let watch = stack.spawn(["watch", "--file", manifest.to_str().expect("text")]);
    wait_until("two consumers run", || stack.consumers().len() == 2);
    let ended = stack.ok(["teardown"]);
    assert!(ended.stdout.contains("and 2 jobs") && ended.stdout.contains("0 left"), "{ended}");
    assert!(stack.consumers().is_empty(), "no consumer is left");
    let watch = watch.wait();
    assert_eq!(watch.code, Some(1), "{watch}");
    assert!(watch.stderr.contains("ScaledJob `another`"), "{watch}");
}

#[test]
fn a_torn_down_stack_can_be_set_up_again() {
    let stack = Stack::ready();
    stack.ok(["teardown", "--yes"]);
    stack.ok(["demo", "--pace", "100", "--count", "2"]);
}

#[test]
fn stacks_do_not_see_each_other() {
    let stack = Stack::ready();
    stack.ok(["setup", "--stack", "orders", "--work-seconds", "1"]);
    stack.ok(["produce", "--stack", "orders", "--count", "2"]);
    stack.ok(["teardown", "--yes"]);
    stack.ok(["watch", "--stack", "orders", "--pace", "30"]);
    let report = stack.json(["report", "--stack", "orders"]);
    assert_eq!((&report["verdict"], total(&report, "counted")), (&Value::from("proven"), 2), "{report:#}");
}

#[test]
fn jobs_outlive_a_killed_watch_and_the_next_watch_finds_them() {
    let stack = Stack::new();
    stack.ok(["setup", "--work-seconds", "20"]);
    stack.ok(["produce", "--count", "5"]);
    let mut watch = stack.spawn(["watch", "--pace", "10", "-o", "json"]);
    wait_until("five consumers run", || stack.consumers().len() == 5);
    watch.kill();
    assert_eq!(stack.consumers().len(), 5, "the jobs run on");
    let again = stack.ok(["watch", "--pace", "10", "-o", "json"]);
    let created = again.json_lines().iter().filter(|event| event["event"] == "job-created").count();
    assert_eq!(created, 0, "the jobs of the first watch are counted, so none is created: {again}");
    proven(&stack, 5);
}

#[test]
fn a_consumer_that_is_killed_gives_its_message_back_after_the_visibility_timeout() {
    let stack = Stack::new();
    stack.ok(["setup", "--work-seconds", "20", "--visibility-timeout", "2"]);
    stack.ok(["produce", "--count", "1"]);
    let mut watch = stack.spawn(["watch", "--pace", "10", "-o", "json"]);
    wait_until("the message is received", || stack.journal().iter().any(|event| event["event"] == "received"));
    let consumers = stack.consumers();
    assert_eq!(consumers.len(), 1, "{consumers:?}");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(consumers[0]), Signal::SIGKILL).expect("our own process");
    event(&mut watch, "drained");
    let ended = watch.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    let report = stack.json(["report"]);
    assert_eq!(report["verdict"], "proven", "{report:#}");
    assert_eq!((total(&report, "redelivered"), total(&report, "killed")), (1, 1), "{report:#}");
}

#[test]
fn a_consumer_that_is_told_to_stop_releases_its_message_at_once_and_counts_the_kill() {
    let stack = Stack::new();
    // So long a visibility timeout that only a release can bring the message back within the test.
    stack.ok(["setup", "--work-seconds", "30", "--visibility-timeout", "3600"]);
    stack.ok(["produce", "--count", "1"]);
    let mut consume = stack.spawn(["consume"]);
    wait_until("the message is received", || stack.journal().iter().any(|event| event["event"] == "received"));
    consume.signal(Signal::SIGTERM);
    let ended = consume.wait();
    assert_ne!(ended.code, Some(0), "{ended}");
    let released = stack.journal();
    assert!(released.iter().any(|event| event["event"] == "released-message" && event["reason"] == "signal"), "{released:#?}");
    stack.ok(["watch", "--pace", "100"]);
    let report = stack.ok(["report"]);
    assert!(report.stdout.contains("kill count 1"), "{report}");
    assert!(report.stdout.contains("processed count 1"), "{report}");
}

#[test]
fn an_idle_consumer_ends_well() {
    let stack = Stack::ready();
    let idle = stack.ok(["consume", "--idle-timeout", "1"]);
    assert!(stack.journal().iter().any(|event| event["event"] == "idle"), "{idle}");
}

#[test]
fn work_can_be_any_command_and_its_exit_code_decides() {
    let stack = Stack::ready();
    stack.ok(["produce", "--count", "1", "--body", "hello"]);
    let failed = stack.run(["consume", "--", "sh", "-c", "exit 3"]);
    assert_eq!(failed.code, Some(1), "{failed}");
    assert!(failed.stderr.contains('3'), "{failed}");
    stack.ok(["consume", "--", "sh", "-c", "read -r body; test \"$body\" = hello"]);
    proven(&stack, 1);
}

#[test]
fn one_watch_scales_and_a_second_only_looks() {
    let stack = Stack::new();
    stack.ok(["setup", "--work-seconds", "20"]);
    stack.ok(["produce", "--count", "3"]);
    let mut first = stack.spawn(["watch", "--pace", "10", "-o", "json"]);
    assert_eq!(event(&mut first, "lease")["held"], true);
    let mut second = stack.spawn(["watch", "--pace", "10", "-o", "json"]);
    assert_eq!(event(&mut second, "lease")["held"], false);
    let (first, second) = (first.wait(), second.wait());
    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first}\n{second}");
    proven(&stack, 3);
    assert_eq!(total(&stack.json(["report"]), "jobs"), 3);
}

#[test]
fn the_lease_of_a_killed_watch_lapses() {
    let stack = Stack::ready();
    let mut first = stack.spawn(["watch", "--follow", "-o", "json"]);
    assert_eq!(event(&mut first, "lease")["held"], true);
    first.kill();
    let mut second = stack.spawn(["watch", "--follow", "-o", "json"]);
    assert_eq!(event(&mut second, "lease")["held"], true);
}

#[test]
fn an_interrupted_watch_ends_with_130_and_leaves_its_jobs() {
    let stack = Stack::new();
    stack.ok(["setup", "--work-seconds", "20"]);
    stack.ok(["produce", "--count", "2"]);
    let mut watch = stack.spawn(["watch", "--pace", "10"]);
    wait_until("two consumers run", || stack.consumers().len() == 2);
    watch.signal(Signal::SIGINT);
    let ended = watch.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    stack.ok(["watch", "--pace", "10"]);
    proven(&stack, 2);
}

#[test]
fn an_interrupted_demo_ends_with_130_and_leaves_its_jobs() {
    let stack = Stack::new();
    let mut demo = stack.spawn(["demo", "--count", "2"]);
    wait_until("two consumers run", || stack.consumers().len() == 2);
    demo.signal(Signal::SIGINT);
    let ended = demo.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    assert!(ended.stderr.contains("`kedactl watch` finds them again"), "{ended}");
    stack.ok(["teardown"]);
}

#[test]
fn the_demo_as_json_is_a_stream_that_ends_with_the_report() {
    let stack = Stack::new();
    let lines = stack.ok(["demo", "--pace", "100", "--output", "json"]).json_lines();
    let last = lines.last().expect("lines");
    assert_eq!((last["verdict"].as_str(), lines[0]["event"].as_str()), (Some("proven"), Some("lease")));
}

#[test]
fn json_output_is_one_document_and_streams_are_lines() {
    let stack = Stack::new();
    stack.json(["setup"]);
    stack.json(["produce", "--count", "2"]);
    stack.json(["status"]);
    let watch = stack.ok(["watch", "--pace", "100", "-o", "json"]);
    let events = watch.json_lines();
    assert!(events.iter().all(|event| event["at"].is_string() && event["event"].is_string()), "{watch}");
    stack.json(["report"]);
    stack.json(["teardown", "--yes"]);
}

#[test]
fn no_output_and_no_file_shows_a_secret() {
    let stack = Stack::new();
    let mut text = String::new();
    for args in
        [&["setup"][..], &["produce", "--count", "2"], &["watch", "--pace", "100", "-o", "json"], &["report", "-o", "json"], &["status"]]
    {
        let output = stack.ok(args);
        text.push_str(&output.stdout);
        text.push_str(&output.stderr);
    }
    for path in stack.files() {
        // The services keep their own secrets in their own file, which only its owner can read.
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("aws.db")) {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(&path).expect("our own file")));
        }
    }
    for secret in ["SecretAccessKey", "SessionToken", "ReceiptHandle", "receipt_handle", "eyJhbGciOi", "ASIA"] {
        assert!(!text.contains(secret), "`{secret}` is shown: {text}");
    }
}

#[test]
fn state_is_private_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let stack = Stack::new();
    let dir = stack.dir().join("made");
    stack.ok(["demo", "--pace", "100", "--count", "1", "--state-dir", dir.to_str().expect("UTF-8")]);
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("our own file").permissions().mode() & 0o077;
    assert_eq!(mode(&dir), 0, "others may enter {}", dir.display());
    // Artifacts are for others to read, once they are copied out of a directory that only their owner may enter.
    let ours = |path: &std::path::Path| path.starts_with(&dir) && !path.components().any(|part| part.as_os_str() == "artifacts");
    let open: Vec<_> = stack.files().into_iter().filter(|path| ours(path) && mode(path) != 0).collect();
    assert!(open.is_empty(), "others may read {open:?}");
}

/// A manifest with the stack's queue and the hours of a `cron` trigger that is always active, combined by `mode`.
fn queue_and_hours(stack: &Stack, mode: &str) -> String {
    stack.ok(["render", stack.dir().to_str().expect("text")]);
    let rendered = fs::read_to_string(stack.dir().join("scaled-job-consumer.yaml")).expect("rendered");
    // It begins once a year and ends every minute, so that it always ends before it begins.
    let hours = "    - type: cron
      metadata:
        timezone: Europe/Berlin
        start: 59 23 31 12 *
        end: '* * * * *'
        desiredReplicas: \"2\"
  jobTargetRef:\n";
    let combined = format!("  scalingStrategy:\n    multipleScalersCalculation: {mode}\n");
    let manifest = rendered.replace("  jobTargetRef:\n", hours).replace("  scalingStrategy:\n", &combined);
    let path = stack.dir().join(format!("{mode}.yaml"));
    fs::write(&path, manifest).expect("written");
    path.to_str().expect("text").to_owned()
}

#[test]
fn several_triggers_are_combined_as_the_manifest_says() {
    for (mode, jobs) in [("max", 5), ("min", 2), ("avg", 4), ("sum", 7)] {
        let stack = Stack::ready();
        stack.ok(["produce", "--count", "5"]);
        let mut watch = stack.spawn(["watch", "--file", &queue_and_hours(&stack, mode), "--output", "json"]);
        let decision = watch.line("the first poll", |line| {
            let event: Value = serde_json::from_str(line).ok()?;
            (event["event"] == "polled").then(|| event["decision"].clone())
        });
        let seen: Vec<(&Value, &Value)> =
            decision["triggers"].as_array().expect("triggers").iter().map(|trigger| (&trigger["value"], &trigger["active"])).collect();
        assert_eq!(seen, [(&json!(5.0), &json!(true)), (&json!(2.0), &json!(true))], "{mode}");
        assert_eq!(decision["create"], jobs, "{mode}: {decision}");
        wait_until("the jobs of the first poll are created", || {
            watch.stdout().matches("\"job-created\"").count() >= usize::try_from(jobs).expect("fits")
        });
        drop(watch);
    }
}
