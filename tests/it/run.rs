//! `run`: manifests from files, tried on this machine.

use std::fs;

use crate::support::{Output, Stack};

/// A ScaledJob of one `kafka` trigger called `lag`, as text.
fn kafka(name: &str, namespace: &str) -> String {
    format!(
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  pollingInterval: 1\n  \
         jobTargetRef: {{template: {{spec: {{containers: [{{name: c, image: c, env: [{{name: COLOUR, value: blue}}]}}]}}}}}}\n  \
         triggers:\n  - {{type: kafka, name: lag, metadata: {{lagThreshold: \"50\"}}}}\n"
    )
}

/// `run` on a file that holds `text`.
fn run(stack: &Stack, text: &str, args: &[&str]) -> Output {
    let path = stack.dir().join("manifest.yaml");
    fs::write(&path, text).expect("written");
    let mut all = vec!["run", "-f", path.to_str().expect("UTF-8")];
    all.extend_from_slice(args);
    stack.run(all)
}

#[test]
fn once_says_what_keda_would_do_and_makes_nothing() {
    let stack = Stack::new();
    let output = run(&stack, &kafka("orders", "default"), &["--once", "--assume", "lag=120"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("value 120; target 50 -> 3; running 0; default: min(3, 100-0) -> create 3"), "{}", output.stdout);
    let json = run(&stack, &kafka("orders", "default"), &["--once", "--assume", "lag=120", "-o", "json"]).json();
    assert_eq!((&json[0]["object"], &json[0]["decision"]["create"]), (&"default/orders".into(), &3.into()));
    let left: Vec<_> = stack.files().into_iter().filter(|path| path.components().any(|part| part.as_os_str() == "runs")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_trigger_that_cannot_be_read_is_named_and_the_exit_code_says_so() {
    let stack = Stack::new();
    let output = run(&stack, &kafka("orders", "default"), &["--once"]);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(output.stdout.contains("`kafka`"), "{}", output.stdout);
}

#[test]
fn an_assumption_about_no_trigger_is_a_usage_error() {
    let stack = Stack::new();
    let output = run(&stack, &kafka("orders", "default"), &["--once", "--assume", "lga=1"]);
    assert_eq!(output.code, Some(2), "{}", output.stdout);
    assert!(output.stderr.contains("there are kafka, lag"), "{}", output.stderr);
}

#[test]
fn a_manifest_without_anything_to_run_is_a_usage_error() {
    let stack = Stack::new();
    let output = run(&stack, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n", &["--once"]);
    assert_eq!(output.code, Some(2), "{}", output.stdout);
}

#[test]
fn fields_that_nobody_knows_are_warned_about_with_line_and_nearest() {
    let stack = Stack::new();
    let text = kafka("orders", "default").replace("image: c", "imag: c");
    let output = run(&stack, &text, &["--once", "--assume", "lag=0"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("spec.jobTargetRef.template.spec.containers[0].imag ("), "{}", output.stderr);
    assert!(output.stderr.contains("line 6") && output.stderr.contains("did you mean `image`?"), "{}", output.stderr);
}

#[test]
fn jobs_get_their_containers_environment_but_no_credentials_and_end_with_the_run() {
    let stack = Stack::new().with("AWS_SECRET_ACCESS_KEY", "s3cr3t");
    let script = "echo \"$COLOUR ${AWS_SECRET_ACCESS_KEY:-none}\" >> seen; exec sleep 600";
    let args = ["--assume", "lag=120", "--for", "2s", "-o", "json", "--", "sh", "-c", script];
    let text = format!("{}---\n{}", kafka("orders", "a"), kafka("orders", "b"));
    let output = run(&stack, &text, &args);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let events = output.json_lines();
    for about in ["a/orders", "b/orders"] {
        let created = events.iter().filter(|event| event["event"] == "job-created" && event["about"] == about).count();
        assert_eq!(created, 3, "{about}");
    }
    let seen = fs::read_to_string(stack.dir().join("seen")).expect("the jobs ran");
    assert!(seen.lines().all(|line| line == "blue none") && seen.lines().count() == 6, "{seen}");
    assert!(stack.processes().is_empty(), "jobs are left");
    assert!(output.stderr.contains("Stopped 6 running jobs"), "{}", output.stderr);
}

#[test]
fn the_next_run_clears_what_a_killed_one_left() {
    let stack = Stack::new();
    let path = stack.dir().join("manifest.yaml");
    fs::write(&path, kafka("orders", "default")).expect("written");
    let path = path.to_str().expect("UTF-8");
    let mut first = stack.spawn(["run", "-f", path, "--assume", "lag=120", "-o", "json"]);
    first.line("a job is created", |line| line.contains("job-created").then_some(()));
    first.kill();
    let output = stack.run(["run", "-f", path, "--assume", "lag=0", "--once"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let locks = fs::read_dir(stack.dir().join("runs")).expect("there").flatten();
    assert_eq!(locks.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "lock")).count(), 0);
    assert!(stack.processes().is_empty(), "jobs are left");
}

#[test]
fn a_watch_takes_assumptions_in_place_of_its_queue() {
    let stack = Stack::ready();
    let output = stack.run(["watch", "--assume", "aws-sqs-queue=2", "--for", "2s", "-o", "json"]);
    assert_eq!(output.code, Some(0), "{output}");
    let events = output.json_lines();
    let polled = events.iter().find(|event| event["event"] == "polled").expect("a poll");
    assert_eq!((&polled["decision"]["triggers"][0]["value"], &polled["decision"]["create"]), (&2.0.into(), &2.into()), "{output}");
    let stray = stack.run(["watch", "--assume", "kafka=2", "--for", "2s"]);
    assert_eq!(stray.code, Some(2), "{stray}");
    assert!(stray.stderr.contains("there are aws-sqs-queue"), "{stray}");
}

#[test]
fn a_refused_authentication_names_object_and_way_out_and_no_secret() {
    let stack = Stack::new();
    let trigger = "{type: aws-sqs-queue, authenticationRef: {name: ta}, metadata: {queueURL: q, awsRegion: eu-central-1}}";
    let text = format!(
        "{}---\napiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {{name: ta, namespace: work}}\nspec:\n  secretTargetRef:\n  \
         - {{parameter: awsAccessKeyID, name: keys, key: id}}\n  - {{parameter: awsSecretAccessKey, name: keys, key: secrte}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: keys, namespace: work}}\nstringData: {{id: AKIATRIGGER, secret: s3cr3t}}\n",
        kafka("orders", "work").replace("{type: kafka, name: lag, metadata: {lagThreshold: \"50\"}}", trigger)
    );
    let output = run(&stack, &text, &["--once", "-o", "json"]);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(output.stdout.contains("awsSecretAccessKey not found"), "{}", output.stdout);
    assert!(output.stdout.contains("Secret `keys` in namespace `work` has no key `secrte`"), "{}", output.stdout);
    let drawn = run(&stack, &text, &["--once"]);
    for said in [&output.stdout, &output.stderr, &drawn.stdout, &drawn.stderr] {
        assert!(!said.contains("s3cr3t"), "{said}");
    }
}

#[test]
fn a_trigger_authentication_is_checked_as_kedas_webhook_checks_it() {
    let stack = Stack::new();
    let with = |identity: &str| {
        format!(
            "{}---\napiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {{name: ta}}\nspec:\n  podIdentity: {identity}\n",
            kafka("orders", "default")
        )
    };
    for (identity, field) in [
        ("{provider: aws, roleArn: arn, identityOwner: workload}", "spec.podIdentity.roleArn"),
        ("{provider: aws, externalID: x}", "spec.podIdentity.externalID"),
        ("{provider: amazon}", "must be one of"),
    ] {
        let output = run(&stack, &with(identity), &["--once", "--assume", "lag=0"]);
        assert_eq!(output.code, Some(2), "{}", output.stdout);
        assert!(output.stderr.contains(field), "{}", output.stderr);
    }
    let output = run(&stack, &with("{provider: aws, roleARN: arn}"), &["--once", "--assume", "lag=0"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("spec.podIdentity.roleARN (") && output.stderr.contains("did you mean `roleArn`?"), "{}", output.stderr);
}

/// A ScaledObject of one `kafka` trigger called `lag`, with its Deployment.
fn object(name: &str, target: &str) -> String {
    format!(
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{name: {name}}}\nspec:\n  pollingInterval: 1\n  cooldownPeriod: 1\n  \
         scaleTargetRef: {{name: {target}}}\n  triggers:\n  - {{type: kafka, name: lag, metadata: {{lagThreshold: \"50\"}}}}\n"
    )
}

fn deployment(name: &str, replicas: u32) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: {replicas}\n  \
         selector: {{matchLabels: {{app: w}}}}\n  template:\n    metadata: {{labels: {{app: w}}}}\n    \
         spec: {{containers: [{{name: c, image: c, env: [{{name: COLOUR, value: blue}}]}}]}}\n"
    )
}

#[test]
fn a_scaled_object_of_a_file_wakes_its_target_and_puts_it_to_rest_and_nothing_is_left() {
    let stack = Stack::new();
    let script = "echo \"$COLOUR\" >> seen; trap 'echo ended >> seen; exit 0' TERM; while :; do sleep 0.05; done";
    let text = object("web", "workers") + &deployment("workers", 0);
    let args = ["--assume", "lag=60", "--assume", "lag=0@2s", "--for", "7s", "-o", "json", "--", "sh", "-c", script];
    let output = run(&stack, &text, &args);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let events = output.json_lines();
    let scaled: Vec<_> = events.iter().filter(|event| event["event"] == "scaled").collect();
    let steps: Vec<_> = scaled.iter().map(|event| (event["from"].as_i64(), event["to"].as_i64(), event["by"].as_str())).collect();
    assert_eq!(steps, [(Some(0), Some(1), Some("keda")), (Some(1), Some(0), Some("keda"))]);
    assert!(scaled.iter().all(|event| event["about"] == "default/web"), "{scaled:?}");
    let seen = fs::read_to_string(stack.dir().join("seen")).expect("a replica ran");
    assert_eq!(seen, "blue\nended\n");
    assert!(stack.processes().is_empty(), "replicas are left");
}

#[test]
fn replicas_end_with_the_run_and_the_next_run_clears_what_a_killed_one_left() {
    let stack = Stack::new();
    let text = object("web", "workers") + &deployment("workers", 2);
    let output = run(&stack, &text, &["--assume", "lag=100", "--for", "2s"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("Stopped 2 running jobs and replicas"), "{}", output.stderr);
    assert!(stack.processes().is_empty(), "replicas are left");
    let path = stack.dir().join("manifest.yaml");
    let path = path.to_str().expect("UTF-8");
    let mut first = stack.spawn(["run", "-f", path, "--assume", "lag=100", "-o", "json"]);
    first.line("replicas are ready", |line| (line.contains("replicas-changed") && line.contains("\"ready\":2")).then_some(()));
    first.kill();
    assert!(!stack.processes().is_empty(), "replicas outlive a run that is killed");
    let output = stack.run(["run", "-f", path, "--assume", "lag=0", "--once"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(stack.processes().is_empty(), "replicas are left");
}

#[test]
fn once_foretells_both_halves_of_a_scaled_object_and_what_pods_use_can_be_assumed() {
    let stack = Stack::new();
    let cpu = "  - {type: cpu, metricType: Utilization, metadata: {value: \"50\"}}\n";
    let workers = deployment("workers", 3).replace("image: c", "image: c, resources: {requests: {cpu: 100m}}");
    let text = object("web", "workers") + cpu + &workers;
    let output = run(&stack, &text, &["--once", "--assume", "lag=100"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("default/web") && output.stdout.contains("so"), "{}", output.stdout);
    let json = run(&stack, &text, &["--once", "--assume", "lag=100", "-o", "json"]).json();
    assert_eq!(json[0]["decision"]["poll"]["current"], 3, "{json}");
    assert_eq!(json[0]["decision"]["hpa"]["proposals"].as_array().map(Vec::len), Some(1), "{json}");
    let json = run(&stack, &text, &["--once", "--assume", "lag=100", "--assume", "cpu=90", "-o", "json"]).json();
    assert_eq!(json[0]["decision"]["hpa"]["proposals"][1]["metric"], "cpu", "{json}");
}

#[test]
fn what_the_webhook_would_refuse_beside_the_others_is_a_usage_error() {
    let stack = Stack::new();
    let text = object("first", "workers") + "---\n" + &object("second", "workers") + &deployment("workers", 1);
    let output = run(&stack, &text, &["--once", "--assume", "lag=0"]);
    assert_eq!(output.code, Some(2), "{}", output.stdout);
    assert!(output.stderr.contains("already scaled by the ScaledObject `first`"), "{}", output.stderr);
    let output = run(&stack, &object("first", "nowhere"), &["--assume", "lag=0", "--for", "1s"]);
    assert_ne!(output.code, Some(0), "{}", output.stdout);
    assert!(output.stderr.contains("Deployment `nowhere`"), "{}", output.stderr);
}
