//! `setup --trigger`, by the real binary: source, policy and manifest of each AWS trigger, what is read there, and nothing left.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_dynamodb::types::AttributeValue;
use kedactl::backend::aws::config::{Wire, administrator, configure};
use serde_json::{Value, json};

use crate::support::{Server, Stack};

/// A trigger, by its short name and its own; the objects of its stack; what is to be read at its source, and what Next says.
struct Case {
    short: &'static str,
    kind: &'static str,
    source: Option<(&'static str, &'static str)>,
    value: f64,
    next: &'static str,
}

const CASES: [Case; 5] = [
    Case { short: "sqs", kind: "aws-sqs-queue", source: None, value: 2.0, next: "kedactl produce --count 10" },
    Case {
        short: "kinesis",
        kind: "aws-kinesis-stream",
        source: Some(("kinesis stream", "test-stream")),
        value: 1.0,
        next: "kedactl produce --to kinesis://test-stream",
    },
    Case {
        short: "dynamodb",
        kind: "aws-dynamodb",
        source: Some(("dynamodb table", "test-table")),
        value: 3.0,
        next: "kedactl produce --to 'dynamodb://test-table?pk=pending'",
    },
    Case {
        short: "dynamodb-streams",
        kind: "aws-dynamodb-streams",
        source: Some(("dynamodb table", "test-table")),
        value: 1.0,
        next: "kedactl produce --to 'dynamodb://test-table?pk=pending'",
    },
    Case {
        short: "cloudwatch",
        kind: "aws-cloudwatch",
        source: None,
        value: 4.0,
        next: "kedactl produce --to 'cloudwatch://kedactl/demo/Backlog?Stack=demo' --value 10",
    },
];

fn sdk(url: &str) -> SdkConfig {
    configure(&Wire::network(Some(url.to_owned())), "us-east-1", Some(administrator()))
}

/// Puts something at the source of each trigger, as whoever works with it would.
fn feed(stack: &Stack, case: &Case) {
    let server = Server::start(stack);
    let sdk = sdk(&server.url);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        match case.short {
            "sqs" => drop(stack.ok(["produce", "--count", "2"])),
            "dynamodb" => {
                let text = |text: &str| AttributeValue::S(text.to_owned());
                for (partition, sort) in [("pending", "1"), ("pending", "2"), ("pending", "3"), ("done", "4")] {
                    let put = aws_sdk_dynamodb::Client::new(&sdk).put_item().table_name("test-table");
                    put.item("pk", text(partition)).item("sk", text(sort)).send().await.expect("put");
                }
            }
            "cloudwatch" => {
                // The minute that is going on does not count.
                let past = (SystemTime::now() - Duration::from_secs(61)).into();
                let stack = Dimension::builder().name("Stack").value("demo").build();
                let datum = MetricDatum::builder().metric_name("Backlog").dimensions(stack).timestamp(past).value(4.0).build();
                let put = aws_sdk_cloudwatch::Client::new(&sdk).put_metric_data().namespace("kedactl/demo");
                put.metric_data(datum).send().await.expect("put");
            }
            _ => {}
        }
    });
}

/// The first poll of a watch.
fn first_poll(stack: &Stack) -> Value {
    let watched = stack.ok(["watch", "--for", "2s", "--output", "json"]);
    let mut events = watched.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.find(|event| event["event"] == "polled").unwrap_or_else(|| panic!("no poll: {watched}"))
}

fn works(case: &Case) {
    let stack = Stack::new();
    let place = case.kind;
    let made = stack.ok(["setup", "--trigger", case.short, "--polling-interval", "1", "--work-seconds", "1"]);
    assert!(made.stderr.lines().last().is_some_and(|line| line == format!("Next: {}", case.next)), "{place}: {made}");
    assert_eq!(stack.run(["setup", "--plan"]).code, Some(0), "{place}: a second run has nothing to do");
    let steps = stack.json(["setup", "--plan"])["steps"].clone();
    let source = case.source.map(|(kind, name)| json!({ "kind": kind, "name": name }));
    let steps = steps.as_array().expect("steps").iter().map(|step| json!({ "kind": step["kind"], "name": step["name"] }));
    let sources: Vec<Value> = steps.filter(|id| id["kind"] == "kinesis stream" || id["kind"] == "dynamodb table").collect();
    assert_eq!(sources, Vec::from_iter(source), "{place}");
    assert_eq!(stack.json(["doctor"])["failed"], 0, "{place}");

    feed(&stack, case);
    let found = stack.json(["status"])["source"].clone();
    if case.short == "sqs" {
        assert_eq!(found, Value::Null);
    } else {
        assert_eq!((&found["trigger"], &found["value"]), (&json!(case.kind), &json!(case.value)), "{place}: {found}");
    }
    let poll = first_poll(&stack);
    let reading = &poll["decision"]["triggers"][0];
    assert_eq!(
        (&reading["value"], &reading["target"], &reading["active"]),
        (&json!(case.value), &json!(1.0), &json!(true)),
        "{place}: {poll:#}"
    );

    let torn = stack.ok(["teardown", "--shared"]);
    assert!(torn.stdout.contains("0 left"), "{place}: {torn}");
    let objects = stack.json(["status"])["objects"].clone();
    assert_eq!((&objects["ready"], &objects["drifted"]), (&json!(0), &json!(0)), "{place}: {objects}");
    let server = Server::start(&stack);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let sdk = sdk(&server.url);
        let streams = aws_sdk_kinesis::Client::new(&sdk).list_streams().send().await.expect("listed").stream_names;
        let tables = aws_sdk_dynamodb::Client::new(&sdk).list_tables().send().await.expect("listed").table_names;
        assert_eq!((streams, tables.unwrap_or_default()), (vec![], vec![]), "{place}");
    });
}

#[test]
fn each_trigger_is_set_up_read_and_torn_down_with_a_scaled_job() {
    for case in &CASES {
        works(case);
    }
}

#[test]
fn each_trigger_is_set_up_and_torn_down_with_a_scaled_object() {
    for case in &CASES {
        let stack = Stack::new();
        stack.ok(["setup", "--trigger", case.kind, "--kind", "scaled-object"]);
        assert_eq!(stack.run(["setup", "--plan"]).code, Some(0), "{}", case.kind);
        let object = std::fs::read_to_string(stack.stack_dir().join("objects/ScaledObject/video-processor.json")).expect("stored");
        let object: Value = serde_json::from_str(&object).expect("JSON");
        assert_eq!(object["spec"]["triggers"][0]["type"], case.kind);
        let torn = stack.ok(["teardown", "--shared"]);
        assert!(torn.stdout.contains("0 left"), "{}: {torn}", case.kind);
    }
}

#[test]
fn another_trigger_is_a_change_like_any_other_unless_its_source_would_be_left() {
    let stack = Stack::new();
    stack.ok(["setup"]);
    let plan = stack.run(["setup", "--plan", "--trigger", "kinesis", "--output", "json"]).json();
    let changes = |plan: &Value| -> Vec<String> {
        let steps = plan["steps"].as_array().expect("steps").iter().filter(|step| step["action"] != "keep");
        steps.map(|step| format!("{} {}", step["action"], step["kind"]).replace('"', "")).collect()
    };
    assert_eq!(changes(&plan), ["create kinesis stream", "update iam policy", "update scaledjob"]);
    stack.ok(["setup", "--trigger", "kinesis"]);
    assert_eq!(stack.json(["setup"])["changes"], 0, "the trigger is remembered");
    for other in ["sqs", "dynamodb", "cloudwatch"] {
        let output = stack.run(["setup", "--trigger", other]);
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains("is set up with `aws-kinesis-stream`") && output.stderr.contains("kedactl teardown"), "{output}");
    }
    stack.ok(["teardown"]);
    stack.ok(["setup", "--trigger", "dynamodb"]);
    let plan = stack.run(["setup", "--plan", "--trigger", "dynamodb-streams", "--output", "json"]).json();
    assert_eq!(changes(&plan), ["update dynamodb table", "update iam policy", "update scaledjob"]);
}

#[test]
fn a_source_that_is_gone_is_missed_by_status_and_doctor_and_made_again() {
    let stack = Stack::new();
    stack.ok(["setup", "--trigger", "kinesis"]);
    let told = stack.ok(["status"]);
    assert!(told.stdout.contains("stream test-stream: 1 open shard\n"), "{told}");
    let server = Server::start(&stack);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let kinesis = aws_sdk_kinesis::Client::new(&sdk(&server.url));
    runtime.block_on(async { kinesis.delete_stream().stream_name("test-stream").send().await.expect("deleted") });
    let told = stack.ok(["status"]);
    assert!(told.stdout.contains("stream test-stream: absent"), "{told}");
    assert!(told.stderr.contains("Next: kedactl setup"), "{told}");
    assert_eq!(stack.run(["doctor"]).code, Some(3), "the stream is missed");
    stack.ok(["setup"]);
    assert_eq!(stack.json(["doctor"])["failed"], 0);
}

#[test]
fn the_demo_is_the_queues_own() {
    let stack = Stack::new();
    stack.ok(["setup", "--trigger", "dynamodb"]);
    let output = stack.run(["demo", "--pace", "100"]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("invalid --trigger `aws-dynamodb`"), "{output}");
}

#[test]
fn a_trigger_that_there_is_not_is_refused_with_those_that_there_are() {
    let output = Stack::new().run(["setup", "--trigger", "kafka"]);
    assert_eq!(output.code, Some(2), "{output}");
    let words = "invalid --trigger `kafka`: it must be one of aws-sqs-queue, aws-kinesis-stream, aws-dynamodb, aws-dynamodb-streams";
    assert!(output.stderr.contains(words), "{output}");
}
