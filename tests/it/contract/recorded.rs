//! What the adapters put on the wire: a server that takes every request down, and answers as it was told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_smithy_cbor::{Decoder, Encoder, data::Type};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Uri},
};
use kedactl::{
    backend::journal::Memory,
    core::{keda::manifest::Trigger, ports::Asked},
};
use serde_json::{Value, json};

use super::World;

/// Target and body of each request.
type Taken = Arc<Mutex<Vec<(String, Value)>>>;

/// What the server takes down, and how it answers.
type Told = (Taken, fn(&str, &Value) -> Value);

/// A server that answers a request by its target and body, in the language of the request: JSON, or Smithy's CBOR.
async fn server(answer: fn(&str, &Value) -> Value) -> (String, Taken) {
    let taken = Taken::default();
    let state = (taken.clone(), answer);
    let take = |State((taken, answer)): State<Told>, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let kind = headers["content-type"].clone();
        let is_cbor = kind == "application/cbor";
        let (target, body) = if is_cbor {
            (uri.path().to_owned(), from_cbor(&mut Decoder::new(&body)))
        } else {
            (headers["x-amz-target"].to_str().expect("text").to_owned(), serde_json::from_slice(&body).expect("a JSON body"))
        };
        let answer = answer(&target, &body);
        taken.lock().expect("unpoisoned").push((target, body));
        let bytes = if is_cbor {
            let mut encoder = Encoder::new(Vec::new());
            to_cbor(&mut encoder, &answer);
            encoder.into_writer()
        } else {
            answer.to_string().into_bytes()
        };
        ([("content-type", kind), ("smithy-protocol", "rpc-v2-cbor".parse().expect("a header"))], bytes)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take).with_state(state)).await });
    (url, taken)
}

/// A document of Smithy's CBOR as JSON; times are seconds.
fn from_cbor(decoder: &mut Decoder<'_>) -> Value {
    match decoder.datatype().expect("a type") {
        Type::Bool => decoder.boolean().expect("a boolean").into(),
        Type::String | Type::StringIndef => decoder.str().expect("text").into_owned().into(),
        Type::Tag => decoder.timestamp().expect("a time").secs().into(),
        Type::F16 | Type::F32 | Type::F64 => decoder.double().expect("a number").into(),
        Type::Array | Type::ArrayIndef => {
            let length = decoder.list().expect("a list");
            let mut members = Vec::new();
            while goes_on(decoder, length, members.len()) {
                members.push(from_cbor(decoder));
            }
            members.into()
        }
        Type::Map | Type::MapIndef => {
            let length = decoder.map().expect("a map");
            let mut fields = serde_json::Map::new();
            while goes_on(decoder, length, fields.len()) {
                let name = decoder.str().expect("a name").into_owned();
                fields.insert(name, from_cbor(decoder));
            }
            fields.into()
        }
        _ => decoder.long().expect("an integer").into(),
    }
}

/// Whether another member follows; one of unknown length ends with a break.
fn goes_on(decoder: &mut Decoder<'_>, length: Option<u64>, read: usize) -> bool {
    let ends = length.is_none() && decoder.datatype().expect("a type") == Type::Break;
    if ends {
        decoder.skip().expect("a break");
    }
    length.map_or(!ends, |length| length > read as u64)
}

fn to_cbor(encoder: &mut Encoder, value: &Value) {
    match value {
        Value::Object(fields) => {
            encoder.map(fields.len());
            for (name, value) in fields {
                encoder.str(name);
                to_cbor(encoder, value);
            }
        }
        Value::Array(members) => {
            encoder.array(members.len());
            for member in members {
                to_cbor(encoder, member);
            }
        }
        Value::String(text) => drop(encoder.str(text)),
        other => drop(encoder.double(other.as_f64().expect("a number"))),
    }
}

/// Value of a trigger of type `kind` at `url`, and what it asked.
async fn read(kind: &str, pairs: &[(&str, &str)], answer: fn(&str, &Value) -> Value) -> (f64, Vec<(String, Value)>) {
    let (url, taken) = server(answer).await;
    let world = World::embedded();
    let common = [
        ("awsRegion", "us-east-1"),
        ("awsEndpoint", url.as_str()),
        ("awsAccessKeyIDFromEnv", "ID"),
        ("awsSecretAccessKeyFromEnv", "SECRET"),
    ];
    let texts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let mut metadata = texts(&common);
    metadata.extend(texts(pairs));
    let trigger = Trigger { kind: kind.to_owned(), metadata, ..Trigger::default() };
    let env = texts(&[("ID", "AKIA"), ("SECRET", "s")]);
    let asked =
        Asked { owner: "scaledjob.default.test", index: 0, trigger: &trigger, env: &env, pod: &Value::Null, reporter: &Memory::default() };
    let metric = world.backend.scalers().await.expect("scalers").build(asked).await.expect("built").expect("a metric");
    let value = metric.read().await.expect("read").value;
    let taken = taken.lock().expect("unpoisoned").clone();
    (value, taken)
}

#[tokio::test]
async fn kinesis_asks_for_one_summary() {
    let (value, asked) = read("aws-kinesis-stream", &[("streamName", "s")], |_, _| {
        json!({ "StreamDescriptionSummary": {
            "StreamName": "s", "StreamARN": "arn:aws:kinesis:us-east-1:1:stream/s", "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 1.0, "EnhancedMonitoring": [], "OpenShardCount": 7 } })
    })
    .await;
    assert_eq!(value.to_string(), "7");
    assert_eq!(asked, [("Kinesis_20131202.DescribeStreamSummary".to_owned(), json!({ "StreamName": "s" }))]);
}

#[tokio::test]
async fn dynamodb_asks_one_query_and_counts_its_first_page_only() {
    let pairs = [
        ("tableName", "t"),
        ("indexName", "i"),
        ("keyConditionExpression", "#a = :a"),
        ("filterExpression", "#b = :b"),
        ("expressionAttributeNames", r##"{"#a": "a", "#b": "b"}"##),
        ("expressionAttributeValues", r#"{":a": {"B": "aGk="}, ":b": {"L": [{"NULL": false}, {"M": {"k": {"N": "1"}}}]}}"#),
        ("targetValue", "1"),
    ];
    let (value, asked) = read("aws-dynamodb", &pairs, |_, _| json!({ "Count": 3, "LastEvaluatedKey": { "a": { "S": "z" } } })).await;
    assert_eq!(value.to_string(), "3");
    let query = json!({
        "TableName": "t", "IndexName": "i", "KeyConditionExpression": "#a = :a", "FilterExpression": "#b = :b",
        "ExpressionAttributeNames": { "#a": "a", "#b": "b" },
        "ExpressionAttributeValues": { ":a": { "B": "YUdrPQ==" }, ":b": { "L": [{ "NULL": true }, { "M": { "k": { "N": "1" } } }] } },
    });
    assert_eq!(asked, [("DynamoDB_20120810.Query".to_owned(), query)]);
}

#[tokio::test]
async fn dynamodb_streams_follow_every_page_of_the_stream_that_was_found_first() {
    let (value, asked) =
        read("aws-dynamodb-streams", &[("tableName", "t")], |target, body| match (target, body["ExclusiveStartShardId"].as_str()) {
            ("DynamoDB_20120810.DescribeTable", _) => json!({ "Table": { "LatestStreamArn": "arn:stream" } }),
            (_, None) => json!({ "StreamDescription": { "Shards": [{}, {}], "LastEvaluatedShardId": "two" } }),
            (_, Some("two")) => json!({ "StreamDescription": { "Shards": [], "LastEvaluatedShardId": "none" } }),
            _ => json!({ "StreamDescription": { "Shards": [{}] } }),
        })
        .await;
    assert_eq!(value.to_string(), "3");
    let page = |after: Option<&str>| {
        let mut body = json!({ "StreamArn": "arn:stream" });
        if let Some(after) = after {
            body["ExclusiveStartShardId"] = after.into();
        }
        ("DynamoDBStreams_20120810.DescribeStream".to_owned(), body)
    };
    let table = ("DynamoDB_20120810.DescribeTable".to_owned(), json!({ "TableName": "t" }));
    assert_eq!(asked, [table, page(None), page(Some("two")), page(Some("none"))]);
}

const GET_METRIC_DATA: &str = "/service/GraniteServiceVersion20100801/operation/GetMetricData";

/// What the trigger asks of CloudWatch: the queries, and the window with how long before now it ends, in seconds.
async fn asked_of_cloudwatch(pairs: &[(&str, &str)]) -> (Value, i64, i64) {
    let common = [("targetMetricValue", "1"), ("minMetricValue", "0")];
    let pairs: Vec<_> = common.into_iter().chain(pairs.iter().copied()).collect();
    let (value, asked) = read(
        "aws-cloudwatch",
        &pairs,
        |_, _| json!({ "MetricDataResults": [{ "Id": "any", "Values": [7.5, 3.0] }, { "Id": "other", "Values": [9.0] }] }),
    )
    .await;
    assert_eq!(value.to_string(), "7.5", "the first value of the first result");
    let [(target, body)] = &asked[..] else { panic!("one request, not {asked:?}") };
    assert_eq!(target, GET_METRIC_DATA);
    let mut body = body.as_object().expect("an object").clone();
    assert_eq!(body.remove("ScanBy"), Some(json!("TimestampDescending")));
    let queries = body.remove("MetricDataQueries").expect("queries");
    let mut time = |name: &str| body.remove(name).and_then(|time| time.as_i64()).expect("a time");
    let (start, end) = (time("StartTime"), time("EndTime"));
    assert!(body.is_empty(), "nothing else is asked: {body:?}");
    (queries, end - start, jiff::Timestamp::now().as_second() - end)
}

#[tokio::test]
async fn cloudwatch_is_asked_for_one_statistic_in_kedas_window() {
    let metric = [
        ("namespace", "AWS/SQS"),
        ("metricName", "Waiting"),
        ("dimensionName", "Queue;Zone"),
        ("dimensionValue", "a;b"),
        ("metricStat", "p90"),
        ("metricStatPeriod", "60"),
        ("metricUnit", "Count"),
        ("metricCollectionTime", "600"),
        ("metricEndTimeOffset", "120"),
        ("awsAccountId", "123456789012"),
    ];
    let (queries, length, age) = asked_of_cloudwatch(&metric).await;
    let dimensions = json!([{ "Name": "Queue", "Value": "a" }, { "Name": "Zone", "Value": "b" }]);
    let stat = json!({
        "Metric": { "Namespace": "AWS/SQS", "MetricName": "Waiting", "Dimensions": dimensions }, "Period": 60, "Stat": "p90", "Unit": "Count",
    });
    assert_eq!(queries, json!([{ "Id": "c1", "MetricStat": stat, "ReturnData": true, "AccountId": "123456789012" }]));
    assert_eq!(length, 600);
    // The whole minute before two minutes ago; the request itself may take its time.
    assert!((120..240).contains(&age), "{age}");
}

#[tokio::test]
async fn cloudwatch_is_asked_with_kedas_defaults_where_nothing_is_said() {
    let metric = [("namespace", "n"), ("metricName", "m"), ("dimensionName", "d"), ("dimensionValue", "v")];
    let (queries, length, age) = asked_of_cloudwatch(&metric).await;
    let stat = json!({
        "Metric": { "Namespace": "n", "MetricName": "m", "Dimensions": [{ "Name": "d", "Value": "v" }] }, "Period": 300, "Stat": "Average",
    });
    assert_eq!(queries, json!([{ "Id": "c1", "MetricStat": stat, "ReturnData": true }]));
    assert_eq!(length, 300);
    assert!((0..360).contains(&age), "{age}");
}

#[tokio::test]
async fn cloudwatch_is_asked_for_an_expression_instead_of_a_metric() {
    let select = "SELECT MAX(\"Waiting\") FROM \"n\"";
    let metric = [
        ("expression", select),
        ("namespace", "n"),
        ("metricUnit", "nonsense"),
        ("metricStatPeriod", "60"),
        ("metricCollectionTime", "120"),
    ];
    let (queries, length, _) = asked_of_cloudwatch(&metric).await;
    assert_eq!(queries, json!([{ "Id": "q1", "Expression": select, "Period": 60 }]));
    assert_eq!(length, 120);
}
