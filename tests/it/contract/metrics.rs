//! Triggers beside SQS, read from real services: what each adapter counts, and what it says when it cannot.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit},
};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use kedactl::{
    backend::journal::Memory,
    core::{
        error::{Kind, Result},
        keda::{decision::TriggerReading, manifest::Trigger},
        ports::{Asked, Metric},
    },
};

use crate::support::skipped;

use super::{World, worlds};

/// What reads a trigger of type `kind` with the parameters `pairs`, under keys that may everything.
async fn metric(world: &World, kind: &str, pairs: &[(&str, &str)]) -> Result<Arc<dyn Metric>> {
    let region = world.settings().place.region.clone();
    let common = [("awsRegion", region.as_str()), ("awsAccessKeyIDFromEnv", "ID"), ("awsSecretAccessKeyFromEnv", "SECRET")];
    let texts = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let mut trigger = Trigger { kind: kind.to_owned(), metadata: texts(&common), ..Trigger::default() };
    trigger.metadata.extend::<BTreeMap<_, _>>(texts(pairs));
    let env = texts(&[("ID", "AKIAKEDACTLADMIN0000"), ("SECRET", "local")]);
    let scalers = world.backend.scalers().await.expect("scalers");
    let built = scalers
        .build(Asked {
            owner: "scaledjob.default.test",
            index: 0,
            trigger: &trigger,
            env: &env,
            pod: &serde_json::Value::Null,
            reporter: &Memory::default(),
        })
        .await?;
    Ok(built.unwrap_or_else(|| panic!("{}: {kind} has a metric", world.name)))
}

async fn read(world: &World, kind: &str, pairs: &[(&str, &str)]) -> TriggerReading {
    let reading = async { metric(world, kind, pairs).await?.read().await };
    reading.await.unwrap_or_else(|error| panic!("{}: {kind} {pairs:?}: {error}", world.name))
}

/// Value and activity.
pub(super) async fn outcome(world: &World, kind: &str, pairs: &[(&str, &str)]) -> (f64, bool) {
    let reading = read(world, kind, pairs).await;
    (reading.value, reading.active)
}

/// A name that no other test has.
pub(super) fn unique(world: &World, name: &str) -> String {
    format!("{}-{name}", world.settings().names.queue)
}

#[tokio::test]
async fn kinesis_counts_open_shards_through_split_and_merge() {
    for world in worlds().await {
        let client = aws_sdk_kinesis::Client::new(&world.sdk);
        let stream = unique(&world, "clicks");
        client.create_stream().stream_name(&stream).shard_count(2).send().await.expect("created");
        let trigger = [("streamName", stream.as_str()), ("activationShardCount", "2")];
        assert_eq!(outcome(&world, "aws-kinesis-stream", &trigger).await, (2.0, false), "{}", world.name);
        if world.name == "moto" {
            // Its summary does not count what was split or merged; KEDA would read the same.
            continue;
        }
        let shards = client.list_shards().stream_name(&stream).send().await.expect("listed").shards.unwrap_or_default();
        let (first, second) = (shards[0].shard_id(), shards[1].shard_id());
        client.split_shard().stream_name(&stream).shard_to_split(first).new_starting_hash_key("1000").send().await.expect("split");
        assert_eq!(outcome(&world, "aws-kinesis-stream", &trigger).await, (3.0, true), "{}", world.name);
        let shards = client.list_shards().stream_name(&stream).send().await.expect("listed").shards.unwrap_or_default();
        let upper = shards.iter().find(|shard| shard.hash_key_range.as_ref().is_some_and(|range| range.starting_hash_key == "1000"));
        let upper = upper.expect("the upper half").shard_id();
        client.merge_shards().stream_name(&stream).shard_to_merge(upper).adjacent_shard_to_merge(second).send().await.expect("merged");
        assert_eq!(outcome(&world, "aws-kinesis-stream", &trigger).await, (2.0, false), "{}", world.name);
    }
}

/// A table of orders with an index by state, and a stream where asked.
pub(super) async fn table(world: &World, name: &str, stream: Option<StreamViewType>) -> aws_sdk_dynamodb::Client {
    let client = aws_sdk_dynamodb::Client::new(&world.sdk);
    let attribute = |name: &str, kind: ScalarAttributeType| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("complete")
    };
    let key = |name: &str, kind: KeyType| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete");
    let index = GlobalSecondaryIndex::builder().index_name("by-state").key_schema(key("state", KeyType::Hash));
    let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let request = request
        .attribute_definitions(attribute("customer", ScalarAttributeType::S))
        .attribute_definitions(attribute("number", ScalarAttributeType::N))
        .attribute_definitions(attribute("state", ScalarAttributeType::S))
        .key_schema(key("customer", KeyType::Hash))
        .key_schema(key("number", KeyType::Range))
        .global_secondary_indexes(index.projection(projection).build().expect("complete"))
        .set_stream_specification(
            stream.map(|view| StreamSpecification::builder().stream_enabled(true).stream_view_type(view).build().expect("complete")),
        );
    request.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", world.name));
    client
}

#[tokio::test]
async fn dynamodb_counts_what_the_query_finds_of_a_table_and_of_an_index() {
    for world in worlds().await {
        let name = unique(&world, "orders");
        let client = table(&world, &name, None).await;
        for number in 1..=6 {
            let state = if number % 3 == 0 { "paid" } else { "new" };
            let item = client.put_item().table_name(&name).item("customer", AttributeValue::S("ann".to_owned()));
            let item = item.item("number", AttributeValue::N(number.to_string())).item("state", AttributeValue::S(state.to_owned()));
            let item = item.item("rush", AttributeValue::Bool(number > 4)).item("note", AttributeValue::Null(true));
            item.send().await.expect("put");
        }
        let names = r##"{"#c": "customer"}"##;
        let base = [
            ("tableName", name.as_str()),
            ("keyConditionExpression", "#c = :c"),
            ("expressionAttributeNames", names),
            ("expressionAttributeValues", r#"{":c": {"S": "ann"}}"#),
            ("targetValue", "2"),
        ];
        let reading = read(&world, "aws-dynamodb", &base).await;
        assert_eq!((reading.value, reading.target, reading.active), (6.0, 2.0, true), "{}", world.name);
        let with = |more: &[(&'static str, &'static str)]| base.into_iter().chain(more.iter().copied()).collect::<Vec<_>>();
        for (more, expected) in [
            (vec![("activationTargetValue", "6")], (6.0, false)),
            (vec![("expressionAttributeValues", r#"{":c": {"S": "bob"}}"#)], (0.0, false)),
            (
                vec![
                    ("keyConditionExpression", "#c = :c AND #n > :n"),
                    ("expressionAttributeNames", r##"{"#c": "customer", "#n": "number"}"##),
                    ("expressionAttributeValues", r#"{":c": {"S": "ann"}, ":n": {"N": "2"}}"#),
                ],
                (4.0, true),
            ),
            (
                vec![("filterExpression", "rush = :r"), ("expressionAttributeValues", r#"{":c": {"S": "ann"}, ":r": {"BOOL": true}}"#)],
                (2.0, true),
            ),
            (
                vec![
                    ("indexName", "by-state"),
                    ("expressionAttributeNames", r##"{"#c": "state"}"##),
                    ("expressionAttributeValues", r#"{":c": {"S": "new"}}"#),
                ],
                (4.0, true),
            ),
        ] {
            assert_eq!(outcome(&world, "aws-dynamodb", &with(&more)).await, expected, "{}: {more:?}", world.name);
        }
    }
}

#[tokio::test]
async fn dynamodb_streams_count_the_shards_of_the_tables_stream() {
    for world in worlds().await {
        let name = unique(&world, "changes");
        let client = table(&world, &name, Some(StreamViewType::KeysOnly)).await;
        let arn = client.describe_table().table_name(&name).send().await.expect("described").table.expect("there").latest_stream_arn;
        let streams = aws_sdk_dynamodbstreams::Client::new(&world.sdk);
        let described = streams.describe_stream().stream_arn(arn.expect("a stream")).send().await.expect("described");
        let shards = described.stream_description.expect("there").shards.expect("shards").len();
        assert!(shards > 0, "{}", world.name);
        let reading = read(&world, "aws-dynamodb-streams", &[("tableName", &name), ("shardCount", "1")]).await;
        assert_eq!((reading.value.to_string(), reading.active), (shards.to_string(), true), "{}", world.name);
    }
}

#[tokio::test]
async fn a_table_without_stream_is_no_trigger() {
    for world in worlds().await {
        let name = unique(&world, "silent");
        table(&world, &name, None).await;
        let error = metric(&world, "aws-dynamodb-streams", &[("tableName", &name)]).await.err().expect("no stream");
        assert!(error.to_string().contains(&name) && error.hint.is_some(), "{}: {error}", world.name);
    }
}

#[tokio::test]
async fn cloudwatch_reads_the_newest_value_by_statistic_period_and_unit() {
    for world in worlds().await {
        if world.name == "moto" {
            skipped("CloudWatch on moto: it does not know the CBOR that the SDK speaks");
            continue;
        }
        let client = aws_sdk_cloudwatch::Client::new(&world.sdk);
        let namespace = unique(&world, "shop");
        let pairs = [("Queue", "a"), ("Zone", "b")].map(|(name, value)| Dimension::builder().name(name).value(value).build());
        // Within the last whole hour, whenever that ends: three minutes each with one value.
        let hour = jiff::Timestamp::now().as_second() / 3600 * 3600;
        for (minutes, value) in [(3, 2.5), (2, 5.0), (1, 12.5)] {
            let at = DateTime::from_secs(hour - minutes * 60);
            let datum = MetricDatum::builder().metric_name("Waiting").set_dimensions(Some(pairs.to_vec())).timestamp(at);
            let datum = datum.value(value).unit(StandardUnit::Count).build();
            client.put_metric_data().namespace(&namespace).metric_data(datum).send().await.expect("put");
        }
        let base = [
            ("namespace", namespace.as_str()),
            ("metricName", "Waiting"),
            ("dimensionName", "Queue;Zone"),
            ("dimensionValue", "a;b"),
            ("targetMetricValue", "0.5"),
            ("minMetricValue", "1.5"),
            ("metricStatPeriod", "3600"),
            ("metricCollectionTime", "3600"),
        ];
        let with = |more: &[(&'static str, &'static str)]| base.into_iter().chain(more.iter().copied()).collect::<Vec<_>>();
        for (more, expected) in [
            (vec![("metricStat", "Sum")], (20.0, true)),
            (vec![("metricStat", "Maximum"), ("activationTargetMetricValue", "12.5")], (12.5, false)),
            (vec![("metricStat", "SampleCount"), ("metricUnit", "Count")], (3.0, true)),
            (vec![], (6.667, true)),
            // No data: the minimum, which may be above the activation.
            (vec![("metricName", "Nobody")], (1.5, true)),
            (vec![("metricUnit", "Bytes"), ("activationTargetMetricValue", "2")], (1.5, false)),
        ] {
            let (value, active) = outcome(&world, "aws-cloudwatch", &with(&more)).await;
            assert!((value - expected.0).abs() < 1e-9 && active == expected.1, "{}: {more:?}: {value} {active}", world.name);
        }
        let nothing = with(&[("metricName", "Nobody"), ("ignoreNullValues", "false")]);
        let error = metric(&world, "aws-cloudwatch", &nothing).await.expect("built").read().await.expect_err("no value");
        assert!(error.to_string().contains("/Nobody"), "{}: {error}", world.name);
    }
}

#[tokio::test]
async fn what_is_absent_is_named_with_its_kind() {
    for world in worlds().await {
        let query = [
            ("tableName", "nobody"),
            ("keyConditionExpression", "#a = :a"),
            ("expressionAttributeNames", r##"{"#a": "a"}"##),
            ("expressionAttributeValues", r#"{":a": {"S": "a"}}"#),
            ("targetValue", "1"),
        ];
        for (kind, pairs, named) in [
            ("aws-kinesis-stream", &[("streamName", "nobody")][..], "stream `nobody`"),
            ("aws-dynamodb", &query[..], "table `nobody`"),
            ("aws-dynamodb-streams", &[("tableName", "nobody")][..], "table `nobody`"),
        ] {
            let read = async { metric(&world, kind, pairs).await?.read().await };
            let error = read.await.expect_err("absent");
            assert_eq!(error.kind, Kind::NotFound, "{}: {kind}: {error}", world.name);
            assert!(error.to_string().contains(named), "{}: {kind}: {error}", world.name);
        }
    }
}
