//! `produce`, by the real binary: every message is accounted for, and bad input is refused before anything is sent.

use std::{collections::BTreeSet, fs};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, StreamSpecification, StreamViewType,
};
use kedactl::backend::{
    aws::config::{Wire, administrator, configure},
    emulator::Emulator,
};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Output, Stack};

/// The way around the binary, to the embedded service of `stack`.
fn sdk(stack: &Stack) -> SdkConfig {
    let emulator = Emulator::open(&stack.dir().join("aws.db")).expect("opened");
    configure(&Wire::over(emulator.http_client()), "us-east-1", Some(administrator()))
}

async fn make_stream(stack: &Stack, name: &str) {
    let client = aws_sdk_kinesis::Client::new(&sdk(stack));
    client.create_stream().stream_name(name).shard_count(3).send().await.expect("created");
}

/// A table of orders by customer, with a stream.
async fn make_table(stack: &Stack, name: &str) {
    let attribute = AttributeDefinition::builder().attribute_name("customer").attribute_type(ScalarAttributeType::S).build();
    let number = AttributeDefinition::builder().attribute_name("number").attribute_type(ScalarAttributeType::N).build();
    let key = |name: &str, kind: KeyType| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete");
    let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::KeysOnly).build();
    let request = aws_sdk_dynamodb::Client::new(&sdk(stack)).create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let request = request.attribute_definitions(attribute.expect("complete")).attribute_definitions(number.expect("complete"));
    let request = request.key_schema(key("customer", KeyType::Hash)).key_schema(key("number", KeyType::Range));
    request.stream_specification(stream.expect("complete")).send().await.expect("created");
}

/// Every event that `produce` wrote to the journal, run after run, in the order of writing.
fn journal(stack: &Stack) -> Vec<Value> {
    let dir = stack.stack_dir().join("journal");
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains("produce")).collect();
    files.sort();
    let texts: Vec<String> = files.iter().map(|path| fs::read_to_string(path).expect("our own journal is readable")).collect();
    texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).expect("each line is an event")).collect()
}

fn named<'a>(events: &'a [Value], event: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |one| one["event"] == event)
}

fn ids(events: &[Value]) -> BTreeSet<&str> {
    named(events, "sent").filter_map(|event| event["message_id"].as_str()).collect()
}

fn refused(output: &Output, words: &[&str]) {
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{output}");
    for word in words {
        assert!(output.stderr.contains(word), "`{word}` is not said: {output}");
    }
    assert!(output.stderr.contains("hint: "), "{output}");
}

#[test]
fn every_message_is_sent_and_its_id_is_in_the_journal() {
    let stack = Stack::ready();
    let sent = stack.json(["produce", "--count", "25"]);
    assert_eq!((&sent["sent"], &sent["failed"], &sent["unsent"]), (&25.into(), &0.into(), &0.into()));
    let events = journal(&stack);
    assert_eq!(ids(&events).len(), 25);
    let numbers: BTreeSet<u64> = named(&events, "sent").filter_map(|event| event["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=25).collect());
    let announced: BTreeSet<u64> =
        named(&events, "sending").flat_map(|event| event["numbers"].as_array().expect("numbers")).filter_map(Value::as_u64).collect();
    assert_eq!(announced, numbers);
    assert!(named(&events, "sending").all(|event| event["run"] == sent["run"]));
    assert_eq!(events.last().expect("events")["event"], "produce-finished");
}

#[test]
fn the_summary_is_the_result_and_the_next_command_the_last_line() {
    let stack = Stack::ready();
    let output = stack.ok(["produce"]);
    assert!(output.stdout.starts_with("Sent 10 messages in "), "{output}");
    assert_eq!(output.stderr, "Next: kedactl watch\n");
    let quiet = stack.ok(["produce", "--quiet", "--count", "1"]);
    assert!(quiet.stdout.starts_with("Sent 1 message in ") && quiet.stderr.is_empty(), "{quiet}");
}

#[test]
fn two_runs_have_ids_of_their_own() {
    let stack = Stack::ready();
    stack.ok(["produce", "--count", "12"]);
    stack.ok(["produce", "--count", "12"]);
    let events = journal(&stack);
    assert_eq!(ids(&events).len(), 24);
    let runs: BTreeSet<_> = named(&events, "sent").filter_map(|event| event["run"].as_str()).collect();
    assert_eq!(runs.len(), 2);
}

#[test]
fn each_line_of_stdin_is_a_message() {
    let stack = Stack::ready();
    let output = stack.feed("one\ntwo\n\nthree\n", ["produce", "--body-file", "-", "--output", "json"]);
    assert_eq!(output.json()["sent"], 3, "{output}");
}

#[test]
fn a_bad_line_stops_everything_before_anything_is_sent() {
    let stack = Stack::ready();
    refused(&stack.feed("one\ntwo\u{0}\n", ["produce", "--body-file", "-"]), &["line 2", "U+0000"]);
    refused(&stack.feed("", ["produce", "--body-file", "-"]), &["no line"]);
    refused(&stack.feed("one\n", ["produce", "--body-file", "-", "--count", "1"]), &["--count"]);
    assert!(journal(&stack).is_empty());
}

#[test]
fn counts_that_cannot_be_meant_are_refused_with_the_limit() {
    let stack = Stack::new();
    for count in ["0", "1000000000", "-5", "ten"] {
        refused(&stack.run(["produce", "--count", count]), &["--count", count, "1000000"]);
    }
    assert_eq!(fs::read_dir(stack.dir()).expect("readable").count(), 0, "nothing was made");
}

#[test]
fn bodies_that_sqs_refuses_are_refused_first() {
    let stack = Stack::new();
    fs::write(stack.dir().join("large"), "x".repeat(1_048_577)).expect("writable");
    refused(&stack.run(["produce", "--body-file", "large"]), &["large", "1048577 bytes", "1048576"]);
    fs::write(stack.dir().join("binary"), [0xff, 0xfe]).expect("writable");
    refused(&stack.run(["produce", "--body-file", "binary"]), &["binary", "UTF-8"]);
    refused(&stack.run(["produce", "--body-file", "absent"]), &["absent", "cannot be read"]);
    refused(&stack.run(["produce", "--body", ""]), &["empty"]);
    refused(&stack.run(["produce", "--body", "a\u{1}"]), &["U+0001"]);
    refused(&stack.run(["produce", "--rate", "5/fortnight"]), &["--rate", "5/fortnight"]);
    refused(&stack.run(["produce", "--delay", "901"]), &["--delay", "901"]);
}

#[test]
fn a_body_of_a_mebibyte_travels_alone_and_arrives() {
    let stack = Stack::ready();
    fs::write(stack.dir().join("largest"), "x".repeat(1_048_576)).expect("writable");
    assert_eq!(stack.json(["produce", "--count", "2", "--body-file", "largest"])["sent"], 2);
    assert_eq!(named(&journal(&stack), "sending").count(), 2);
}

#[test]
fn without_setup_the_way_out_is_named() {
    let output = Stack::new().run(["produce"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("hint: run `kedactl setup`"), "{output}");
}

#[test]
fn a_rate_is_kept() {
    let stack = Stack::ready();
    let sent = stack.json(["produce", "--count", "11", "--rate", "10/s"]);
    assert!(sent["seconds"].as_f64().expect("a number") >= 1.0, "{sent}");
}

#[test]
fn ctrl_c_sends_what_is_on_the_wire_and_reports() {
    let stack = Stack::ready();
    let mut running = stack.spawn(["produce", "--count", "100000", "--rate", "20/s", "--output", "json"]);
    crate::support::wait_until("messages are sent", || !ids(&journal(&stack)).is_empty());
    running.signal(Signal::SIGINT);
    let output = running.wait();
    assert_eq!(output.code, Some(130), "{output}");
    let sent = output.json();
    let events = journal(&stack);
    assert_eq!(sent["sent"].as_u64(), Some(ids(&events).len() as u64));
    assert_eq!(sent["sent"].as_u64().expect("a number") + sent["unsent"].as_u64().expect("a number"), 100_000);
    assert_eq!(events.last().expect("events")["event"], "produce-finished");
}

#[test]
fn fifo_messages_have_a_group_and_are_not_taken_for_duplicates() {
    let stack = Stack::new();
    stack.ok(["setup", "--yes", "--queue", "jobs.fifo"]);
    for _ in 0..2 {
        assert_eq!(stack.json(["produce", "--count", "12", "--body", "same", "--group", "videos"])["sent"], 12);
    }
    assert_eq!(ids(&journal(&stack)).len(), 24);
    refused(&stack.run(["produce", "--delay", "5"]), &["--delay", "FIFO"]);
}

/// One ScaledJob with a trigger for each source that `produce --to` feeds; a trigger in an hour's window sees what was put just now.
const MANIFEST: &str = r##"
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: all, namespace: default}
spec:
  jobTargetRef: {template: {spec: {containers: [{name: c, image: c, env: [{name: ID, value: AKIAKEDACTLADMIN0000}, {name: KEY, value: local}]}]}}}
  triggers:
  - type: aws-sqs-queue
    metadata: {awsRegion: us-east-1, awsAccessKeyIDFromEnv: ID, awsSecretAccessKeyFromEnv: KEY, queueURL: https://sqs.us-east-1.amazonaws.com/000000000000/other}
  - type: aws-kinesis-stream
    metadata: {awsRegion: us-east-1, awsAccessKeyIDFromEnv: ID, awsSecretAccessKeyFromEnv: KEY, streamName: clicks}
  - type: aws-dynamodb
    metadata:
      {awsRegion: us-east-1, awsAccessKeyIDFromEnv: ID, awsSecretAccessKeyFromEnv: KEY, tableName: orders, targetValue: "4",
       keyConditionExpression: "#c = :c", expressionAttributeNames: '{"#c": "customer"}', expressionAttributeValues: '{":c": {"S": "ann"}}'}
  - type: aws-dynamodb-streams
    metadata: {awsRegion: us-east-1, awsAccessKeyIDFromEnv: ID, awsSecretAccessKeyFromEnv: KEY, tableName: orders}
  - type: aws-cloudwatch
    metadata:
      {awsRegion: us-east-1, awsAccessKeyIDFromEnv: ID, awsSecretAccessKeyFromEnv: KEY, namespace: Shop, metricName: Waiting, dimensionName: Queue,
       dimensionValue: a, targetMetricValue: "3", minMetricValue: "0", metricStat: Maximum, metricStatPeriod: "3600",
       metricCollectionTime: "3600", metricEndTimeOffset: "-3600"}
"##;

#[tokio::test]
async fn every_trigger_sees_what_was_produced_for_it_without_any_stack() {
    let stack = Stack::new();
    make_stream(&stack, "clicks").await;
    make_table(&stack, "orders").await;
    let sqs = aws_sdk_sqs::Client::new(&sdk(&stack));
    let url = sqs.create_queue().queue_name("other").send().await.expect("created").queue_url.expect("a URL");
    for (to, args, sent) in [
        ("sqs://other", &["--count", "7"][..], 7),
        ("kinesis://clicks", &["--count", "1200"], 1200),
        ("dynamodb://orders?customer=ann", &["--count", "30"], 30),
        ("cloudwatch://Shop/Waiting?Queue=a", &["--value", "1,5,-3"], 3),
    ] {
        let answer = stack.json(["produce", "--to", to].into_iter().chain(args.iter().copied()));
        assert_eq!((&answer["sent"], &answer["to"]), (&sent.into(), &to.into()));
        let told = journal(&stack);
        assert_eq!(named(&told, "sent").filter(|event| event["to"] == to).count(), sent, "{to}");
    }
    fs::write(stack.dir().join("all.yaml"), MANIFEST.replace("https://sqs.us-east-1.amazonaws.com/000000000000/other", &url))
        .expect("written");
    let seen = stack.json(["run", "-f", "all.yaml", "--once"]);
    let values: Vec<f64> =
        seen[0]["decision"]["triggers"].as_array().expect("triggers").iter().filter_map(|one| one["value"].as_f64()).collect();
    assert_eq!(values.len(), 5, "{seen}");
    assert_eq!((values[0], values[1], values[2], values[4]), (7.0, 3.0, 30.0, 5.0), "{seen}");
    assert!(values[3] >= 1.0, "{seen}");
}

#[tokio::test]
async fn what_went_elsewhere_is_said_and_reports_leave_it_aside() {
    let stack = Stack::ready();
    make_stream(&stack, "clicks").await;
    let output = stack.ok(["produce", "--to", "kinesis://clicks"]);
    assert!(output.stdout.starts_with("Sent 10 records to kinesis://clicks in "), "{output}");
    assert_eq!(output.stderr, "Next: kedactl watch\n");
    let own = stack.json(["produce", "--to", "sqs://test-queue", "--count", "3"]);
    assert_eq!((&own["sent"], own.get("to")), (&3.into(), None));
    assert_eq!(stack.run(["report", "--output", "json"]).json()["totals"]["sent"], 3);
    let fresh = Stack::new();
    make_stream(&fresh, "clicks").await;
    assert_eq!(fresh.ok(["produce", "--to", "kinesis://clicks"]).stderr, "Next: kedactl run -f FILE\n");
    let absent = fresh.run(["produce", "--to", "kinesis://nobody"]);
    assert_eq!(absent.code, Some(1), "{absent}");
    assert!(absent.stderr.contains("stream `nobody`") && absent.stderr.contains("hint: make the stream first"), "{absent}");
}

#[test]
fn destinations_that_cannot_be_meant_are_refused_with_the_forms() {
    let stack = Stack::new();
    let forms = ["kinesis://STREAM", "dynamodb://TABLE", "cloudwatch://NAMESPACE/METRIC"];
    for bad in ["clicks", "kafka://topic", "kinesis://a/b", "cloudwatch://Shop", "dynamodb://orders?customer"] {
        refused(&stack.run(["produce", "--to", bad]), &[&["--to", bad][..], &forms].concat());
    }
    let metric = "cloudwatch://Shop/Waiting";
    refused(&stack.run(["produce", "--to", metric, "--value", "1,ten"]), &["--value", "ten", "no number"]);
    refused(&stack.run(["produce", "--to", metric, "--body", "ten"]), &["ten", "no number"]);
    refused(&stack.run(["produce", "--value", "1"]), &["--value", "only a metric"]);
    refused(&stack.run(["produce", "--to", "dynamodb://orders", "--group", "g"]), &["--group", "neither tables"]);
    refused(&stack.run(["produce", "--to", "kinesis://clicks", "--delay", "5"]), &["--delay", "only queues"]);
    refused(&stack.run(["produce", "--to", "kinesis://clicks", "--queue-url", "http://127.0.0.1/1/q"]), &["--queue-url", "--to"]);
    let piped = stack.feed("1\n2\nx\n", ["produce", "--to", metric, "--body-file", "-"]);
    refused(&piped, &["line 3", "no number"]);
    assert_eq!(fs::read_dir(stack.dir()).expect("readable").count(), 0, "nothing was made");
}
