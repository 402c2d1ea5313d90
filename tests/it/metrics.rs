//! `--metrics`: KEDA's own metrics, scraped from the real binary while it runs, beside the events of the same run.

use std::{fs, net::TcpListener};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Page, Running, Stack, get, wait_for};

/// The metrics that a scaler of a ScaledJob serves: type, and labels in alphabetical order.
const SERVED: &[(&str, &str, &[&str])] = &[
    ("keda_build_info", "gauge", &["git_commit", "goarch", "goos", "goversion", "version"]),
    ("keda_internal_scale_loop_latency_seconds", "gauge", &["namespace", "resource", "type"]),
    ("keda_resource_registered_total", "gauge", &["namespace", "type"]),
    ("keda_scaled_job_errors_total", "counter", &["namespace", "scaledJob"]),
    ("keda_scaler_active", "gauge", TRIGGER),
    ("keda_scaler_detail_errors_total", "counter", TRIGGER),
    ("keda_scaler_metrics_latency_seconds", "gauge", TRIGGER),
    ("keda_scaler_metrics_value", "gauge", TRIGGER),
    ("keda_trigger_registered_total", "gauge", &["type"]),
];
const TRIGGER: &[&str] = &["metric", "namespace", "scaledObject", "scaler", "triggerIndex", "type"];

fn shape(page: &Page) -> Vec<(&str, &str, Vec<&str>)> {
    let labels = |name: &str| page.families[name].samples[0].0.keys().map(String::as_str).collect();
    page.families.iter().map(|(name, family)| (name.as_str(), family.nature.as_str(), labels(name))).collect()
}

/// The polls that `running` told so far.
fn polls(running: &Running) -> Vec<Value> {
    let text = running.stdout();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let events = whole.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events.filter(|event| event["event"] == "polled").collect()
}

/// A page on which `wanted` holds.
fn page(address: &str, what: &str, wanted: impl Fn(&Page) -> bool) -> Page {
    wait_for(what, || Some(Page::fetch(address)).filter(|page| wanted(page)))
}

#[test]
fn a_watch_serves_what_it_reads_and_decides_under_kedas_names() {
    let stack = Stack::ready();
    stack.ok(["produce", "--count", "3"]);
    let mut watch = stack.spawn(["watch", "--metrics", "127.0.0.1:0", "--follow", "--pace", "10", "-o", "json"]);
    let address = Page::address(&mut watch);
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let trigger = [
        ("triggerIndex", "0"),
        ("scaler", "awsSqsQueueScaler"),
        ("type", "scaledjob"),
        ("namespace", "default"),
        ("scaledObject", "video-processor"),
    ];
    let value = |page: &Page| page.value("keda_scaler_metrics_value", &trigger);
    page(&address, "the first poll is on the page", |page| value(page).is_some());
    wait_for("a poll finds the queue empty", || {
        polls(&watch).iter().rev().find(|poll| poll["decision"]["triggers"][0]["value"] == 0.0).cloned()
    });
    let page = page(&address, "the page says so", |page| value(page) == Some(0.0));
    assert_eq!(shape(&page), SERVED.iter().map(|(name, nature, labels)| (*name, *nature, labels.to_vec())).collect::<Vec<_>>());
    assert_eq!(page.value("keda_scaler_active", &trigger), Some(0.0));
    assert_eq!(page.value("keda_scaled_job_errors_total", &[("namespace", "default"), ("scaledJob", "video-processor")]), Some(0.0));
    assert_eq!(page.value("keda_trigger_registered_total", &[("type", "aws-sqs-queue")]), Some(1.0));
    assert_eq!(page.value("keda_resource_registered_total", &[("type", "scaled_job"), ("namespace", "default")]), Some(1.0));
    assert_eq!(page.value("keda_resource_registered_total", &[("type", "trigger_authentication")]), Some(1.0));
    assert_eq!(page.value("keda_build_info", &[("version", env!("CARGO_PKG_VERSION")), ("goversion", "")]), Some(1.0));
    let latency = page.value("keda_scaler_metrics_latency_seconds", &trigger).expect("a latency");
    assert!(latency > 0.0 && latency < 60.0, "{latency}");
    assert!(get(&address, "/").0.starts_with("HTTP/1.0 404"));
    watch.signal(Signal::SIGINT);
    assert_eq!(watch.wait().code, Some(130));
}

#[test]
fn a_watch_of_a_scaled_object_serves_its_pause_and_its_errors() {
    let stack = Stack::new();
    stack.ok(["setup", "--kind", "scaled-object", "--work-seconds", "1"]);
    stack.ok(["produce", "--count", "2"]);
    let mut watch = stack.spawn(["watch", "--metrics", "127.0.0.1:0", "--follow", "--pace", "10", "-o", "json"]);
    let address = Page::address(&mut watch);
    let trigger = [("triggerIndex", "0"), ("scaler", "awsSqsQueueScaler"), ("type", "scaledobject"), ("scaledObject", "video-processor")];
    page(&address, "the queue holds messages", |page| page.value("keda_scaler_active", &trigger) == Some(1.0));
    let page = page(&address, "the queue is empty again", |page| page.value("keda_scaler_active", &trigger) == Some(0.0));
    let object = [("namespace", "default"), ("scaledObject", "video-processor")];
    assert_eq!(page.value("keda_scaled_object_paused", &object), Some(0.0));
    assert_eq!(page.value("keda_scaled_object_errors_total", &object), Some(0.0));
    assert_eq!(page.value("keda_scaler_detail_errors_total", &trigger), Some(0.0));
    assert_eq!(page.value("keda_resource_registered_total", &[("type", "scaled_object"), ("namespace", "default")]), Some(1.0));
    assert_eq!(page.families.get("keda_scaled_job_errors_total"), None);
    watch.signal(Signal::SIGINT);
    assert_eq!(watch.wait().code, Some(130));
}

/// A ScaledJob of one trigger of that type, with these metadata.
fn scaled_job(name: &str, namespace: &str, kind: &str, metadata: &str) -> String {
    format!(
        "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  pollingInterval: 1\n  \
         maxReplicaCount: 1\n  jobTargetRef: {{template: {{spec: {{containers: [{{name: c, image: c, env: [{{name: ID, value: AKIAKEDACTLADMIN0000}}, \
         {{name: KEY, value: local}}]}}]}}}}}}\n  triggers:\n  - {{type: {kind}, metadata: {{{metadata}}}}}\n"
    )
}

#[test]
fn a_run_serves_each_object_and_counts_what_failed() {
    let stack = Stack::new();
    let missing = "awsRegion: us-east-1, awsAccessKeyIDFromEnv: ID, awsSecretAccessKeyFromEnv: KEY, queueURL: nobody";
    let text = scaled_job("orders", "a", "kafka", "lagThreshold: \"50\"") + &scaled_job("orders", "b", "aws-sqs-queue", missing);
    fs::write(stack.dir().join("all.yaml"), text).expect("written");
    let mut run =
        stack.spawn(["run", "-f", "all.yaml", "--assume", "kafka=120.5/50", "--metrics", "127.0.0.1:0", "-o", "json", "--", "sleep", "60"]);
    let address = Page::address(&mut run);
    let failed = [("namespace", "b"), ("scaledJob", "orders")];
    let errors = |page: &Page| page.value("keda_scaled_job_errors_total", &failed);
    page(&address, "two reads have failed", |page| errors(page) >= Some(2.0));
    page(&address, "the other object was polled", |page| page.value("keda_scaler_metrics_value", &[("namespace", "a")]).is_some());
    let told = |run: &Running, about: &str| polls(run).into_iter().filter(|poll| poll["about"] == about).collect::<Vec<_>>();
    let before = told(&run, "b/orders").len();
    let now = Page::fetch(&address);
    run.signal(Signal::SIGINT);
    let ended = run.wait();
    let after: Vec<Value> =
        ended.json_lines().into_iter().filter(|event| event["event"] == "polled" && event["about"] == "b/orders").collect();
    assert!(after.iter().all(|poll| poll["decision"]["is_error"] == true), "{after:?}");
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let between = (before as f64..=after.len() as f64).contains(&errors(&now).expect("counted"));
    assert!(between, "{:?} is not between {before} and {}", errors(&now), after.len());
    let trigger = [("namespace", "a"), ("scaledObject", "orders"), ("scaler", "kafkaScaler"), ("triggerIndex", "0"), ("type", "scaledjob")];
    assert_eq!(now.value("keda_scaler_metrics_value", &trigger), Some(120.5));
    assert_eq!(now.value("keda_scaler_active", &trigger), Some(1.0));
    assert_eq!(now.value("keda_scaled_job_errors_total", &[("namespace", "a")]), Some(0.0));
    assert_eq!(now.value("keda_scaler_metrics_value", &[("namespace", "b")]), None, "what was never read has no value");
    let late = |about: &str| {
        now.value("keda_internal_scale_loop_latency_seconds", &[("namespace", about), ("resource", "orders"), ("type", "scaledjob")])
    };
    assert!(late("a") >= Some(0.0) && late("b") >= Some(0.0));
    for (kind, count) in [("kafka", 1.0), ("aws-sqs-queue", 1.0)] {
        assert_eq!(now.value("keda_trigger_registered_total", &[("type", kind)]), Some(count), "{kind}");
    }
}

#[test]
fn addresses_that_cannot_be_had_are_refused_before_anything_starts() {
    let stack = Stack::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("bound").to_string();
    fs::write(stack.dir().join("all.yaml"), scaled_job("orders", "a", "kafka", "lagThreshold: \"50\"")).expect("written");
    for (address, why) in
        [(taken.as_str(), "in use"), ("9090", "no port"), ("127.0.0.1:http", "no port"), ("host.invalid:80", "cannot be resolved")]
    {
        for verb in [&["watch"][..], &["run", "-f", "all.yaml"]] {
            let output = stack.run(verb.iter().chain(&["--metrics", address]));
            assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{output}");
            assert!(output.stderr.contains("--metrics") && output.stderr.contains(why) && output.stderr.contains("hint: "), "{output}");
        }
    }
    let once = stack.run(["run", "-f", "all.yaml", "--once", "--metrics", ":0"]);
    assert!(once.code == Some(2) && once.stderr.contains("--metrics"), "{once}");
}
