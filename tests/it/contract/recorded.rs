//! What the adapters put on the wire: a server that takes every request down, and answers as it was told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, body::Bytes, extract::State, http::HeaderMap};
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

/// A server that answers a request by its target and body.
async fn server(answer: fn(&str, &Value) -> Value) -> (String, Taken) {
    let taken = Taken::default();
    let state = (taken.clone(), answer);
    let take = |State((taken, answer)): State<Told>, headers: HeaderMap, body: Bytes| async move {
        let body: Value = serde_json::from_slice(&body).expect("a JSON body");
        let target = headers["x-amz-target"].to_str().expect("text").to_owned();
        let answer = answer(&target, &body);
        taken.lock().expect("unpoisoned").push((target, body));
        Json(answer)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take).with_state(state)).await });
    (url, taken)
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
