//! `examples/`: each manifest is run by the real binary, and is one that a real cluster takes.

use std::{collections::BTreeSet, fs, path::PathBuf};

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::DateTime;
use kedactl::backend::{
    aws::config::{Wire, administrator, configure},
    emulator::Emulator,
};
use serde_json::Value;

use crate::{manifests::schema::Schemas, support::Stack};

/// What is there before the look that counts.
#[derive(Debug, Clone, Copy)]
enum Fill {
    /// Nothing.
    Nothing,
    /// So many messages in the queue of this name.
    Messages(&'static str, usize),
    /// So many items in the partition `open` of the table `invoices`, and one in another.
    Invoices(usize),
    /// A value of the metric, two minutes ago.
    Backlog(f64),
}

/// A file, what is there, each metric with its value, and how many jobs or replicas are wanted.
type Example = (&'static str, Fill, &'static [(&'static str, f64)], u64);

const EXAMPLES: [Example; 17] = [
    ("01-sqs.yaml", Fill::Messages("orders", 12), &[("s0-aws-sqs-orders", 12.0)], 3),
    ("02-kinesis.yaml", Fill::Nothing, &[("s0-aws-kinesis-clicks", 1.0)], 1),
    ("03-dynamodb.yaml", Fill::Invoices(7), &[("s0-aws-dynamodb-invoices", 7.0)], 3),
    ("04-dynamodb-streams.yaml", Fill::Nothing, &[("s0-aws-dynamodb-streams-carts", 1.0)], 1),
    ("05-cloudwatch.yaml", Fill::Backlog(25.0), &[("s0-aws-cloudwatch", 25.0)], 3),
    ("06-cron.yaml", Fill::Nothing, &[("s0-cron-Etc-UTC-00xxx-5923xxx", 3.0)], 3),
    ("07-scaled-object.yaml", Fill::Messages("thumbnails", 12), &[("s0-aws-sqs-thumbnails", 12.0)], 3),
    ("08-several-triggers.yaml", Fill::Messages("ingest", 10), &[("s0-aws-sqs-ingest", 10.0), ("s1-aws-kinesis-ingest", 1.0)], 3),
    ("09-role.yaml", Fill::Messages("role", 6), &[("s0-aws-sqs-role", 6.0)], 2),
    ("10-workload-role.yaml", Fill::Messages("workload-role", 6), &[("s0-aws-sqs-workload-role", 6.0)], 2),
    ("11-external-id.yaml", Fill::Messages("external-id", 6), &[("s0-aws-sqs-external-id", 6.0)], 2),
    ("12-legacy-metadata.yaml", Fill::Messages("legacy-metadata", 6), &[("s0-aws-sqs-legacy-metadata", 6.0)], 2),
    ("13-legacy-operator.yaml", Fill::Messages("legacy-operator", 6), &[("s0-aws-sqs-legacy-operator", 6.0)], 2),
    ("14-secret.yaml", Fill::Messages("secret", 6), &[("s0-aws-sqs-secret", 6.0)], 2),
    ("15-env.yaml", Fill::Messages("env", 6), &[("s0-aws-sqs-env", 6.0)], 2),
    ("16-aws-eks.yaml", Fill::Messages("aws-eks", 6), &[("s0-aws-sqs-aws-eks", 6.0)], 2),
    ("17-cluster-authentication.yaml", Fill::Messages("cluster-authentication", 6), &[("s0-aws-sqs-cluster-authentication", 6.0)], 2),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The manifests that there are, by name.
fn manifests() -> Vec<String> {
    let names = fs::read_dir(folder()).expect("examples/ is there").flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.strip_suffix(".yaml").is_some()).collect();
    names.sort();
    names
}

/// The account's owner at the stack's own service.
pub(crate) fn owner(stack: &Stack) -> SdkConfig {
    let emulator = Emulator::open(&stack.dir().join("aws.db")).expect("opened");
    configure(&Wire::over(emulator.http_client()), "us-east-1", Some(administrator()))
}

/// Sends `count` messages to the queue called `name`.
pub(crate) async fn send(sdk: &SdkConfig, name: &str, count: usize) {
    let client = aws_sdk_sqs::Client::new(sdk);
    let url = client.get_queue_url().queue_name(name).send().await.expect("it was made").queue_url.expect("a URL");
    for number in 0..count {
        client.send_message().queue_url(&url).message_body(number.to_string()).send().await.expect("sent");
    }
}

async fn fill(sdk: &SdkConfig, fill: Fill) {
    match fill {
        Fill::Nothing => {}
        Fill::Messages(name, count) => send(sdk, name, count).await,
        Fill::Invoices(count) => {
            let client = aws_sdk_dynamodb::Client::new(sdk);
            for number in 0..=count {
                let state = if number == count { "paid" } else { "open" };
                let put = client.put_item().table_name("invoices").item("state", AttributeValue::S(state.to_owned()));
                put.item("due", AttributeValue::N(number.to_string())).send().await.expect("put");
            }
        }
        Fill::Backlog(value) => {
            let queue = Dimension::builder().name("Queue").value("renders").build();
            let then = DateTime::from_secs(jiff::Timestamp::now().as_second() - 120);
            let datum = MetricDatum::builder().metric_name("Backlog").dimensions(queue).value(value).timestamp(then).build();
            let client = aws_sdk_cloudwatch::Client::new(sdk);
            client.put_metric_data().namespace("Studio").metric_data(datum).send().await.expect("put");
        }
    }
}

/// Looks once at the manifest; everything that it names is made.
fn look(stack: &Stack, file: &str, more: &[&str]) -> Value {
    let path = folder().join(file);
    let args = ["run", "-f", path.to_str().expect("UTF-8"), "--once", "--create-sources", "-o", "json"];
    let output = stack.run(args.iter().chain(more));
    assert_eq!(output.code, Some(0), "{file}: {}{}", output.stdout, output.stderr);
    assert!(!output.stderr.contains("warning"), "{file}: {}", output.stderr);
    output.json()
}

async fn run(example: Example) {
    let (file, filled, readings, jobs) = example;
    let stack = Stack::new();
    let first = look(&stack, file, &["--keep"]);
    let states: Vec<&Value> = first["sources"].as_array().expect("a list").iter().map(|one| &one["state"]).collect();
    assert!(states.iter().all(|state| *state == "created"), "{file}: {first}");
    fill(&owner(&stack), filled).await;
    let second = look(&stack, file, &[]);
    assert_eq!(second["objects"].as_array().map(Vec::len), Some(1), "{file}: {second}");
    let decision = &second["objects"][0]["decision"];
    // A ScaledObject has KEDA's half of the decision, and the HPA's.
    let (read, told) = match &decision["hpa"] {
        Value::Null => (decision, &decision["create"]),
        hpa => (&decision["poll"], &hpa["result"]),
    };
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let found: Vec<(String, f64)> = read["triggers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|trigger| (text(&trigger["metric"]), trigger["value"].as_f64().expect("a number")))
        .collect();
    let wanted: Vec<(String, f64)> = readings.iter().map(|(metric, value)| ((*metric).to_owned(), *value)).collect();
    assert_eq!(format!("{found:?}"), format!("{wanted:?}"), "{file}");
    assert_eq!(told.as_u64(), Some(jobs), "{file}: {decision}");
}

#[tokio::test]
async fn each_is_read_in_the_name_that_it_says_and_wants_the_jobs_that_it_should() {
    for example in EXAMPLES {
        run(example).await;
    }
}

#[test]
fn each_is_run_and_listed_with_its_number() {
    let run: Vec<&str> = EXAMPLES.iter().map(|(file, ..)| *file).collect();
    assert_eq!(manifests(), run);
    let readme = fs::read_to_string(folder().join("README.md")).expect("examples/README.md is there");
    for (index, file) in run.iter().enumerate() {
        assert!(file.starts_with(&format!("{:02}-", index + 1)), "{file}");
        assert!(readme.contains(&format!("]({file})")), "examples/README.md does not list {file}");
    }
}

#[test]
fn a_cluster_takes_each_without_dropping_a_field() {
    let Some(schemas) = Schemas::of_keda() else { return crate::support::skipped("no CRDs of KEDA") };
    for file in manifests() {
        let text = fs::read_to_string(folder().join(&file)).expect("readable");
        let mut names = BTreeSet::new();
        for document in text.split("\n---\n") {
            let object: Value = serde_saphyr::from_str(document).unwrap_or_else(|error| panic!("{file}: {error}"));
            let faults = schemas.faults(&object);
            assert!(faults.is_empty(), "{file}: {faults:#?}");
            let id = format!("{}/{}", object["kind"], object["metadata"]["name"]);
            assert!(names.insert(id.clone()), "{file}: {id} is there twice");
        }
    }
}
