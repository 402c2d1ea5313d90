//! What a trigger watches: made once however often it is applied, repaired as far as AWS lets one, left alone when it is foreign.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use kedactl::{
    backend::aws::resources::{Issuer, source},
    core::{
        error::Kind,
        plan::Observed,
        ports::Resource,
        source::Source,
        table::{KeyAttribute, KeyKind, KeySchema, TableShape},
    },
};

use super::{World, worlds};

fn made(world: &World, wanted: &Source) -> Box<dyn Resource> {
    let settings = world.settings();
    source(&world.sdk, settings, &Issuer::new(&world.sdk, settings, None), wanted)
}

/// A name that no other test has on the same server.
fn name(world: &World, base: &str) -> String {
    format!("{}-{base}", world.settings().stack)
}

fn plain_table() -> TableShape {
    TableShape::new(KeyAttribute::new("pk", KeyKind::S), Some(KeyAttribute::new("sk", KeyKind::N)))
}

fn whole_table() -> TableShape {
    let index = KeySchema { partition: KeyAttribute::new("state", KeyKind::S), sort: None };
    TableShape { indexes: BTreeMap::from([("by-state".to_owned(), index)]), has_stream: true, ..plain_table() }
}

fn sources(world: &World) -> [Source; 4] {
    [
        Source::Queue { name: name(world, "orders") },
        Source::Queue { name: name(world, "orders.fifo") },
        Source::Stream { name: name(world, "clicks"), shards: 2 },
        Source::Table { name: name(world, "jobs"), shape: whole_table() },
    ]
}

async fn observe(world: &World, resource: &dyn Resource) -> Observed {
    resource.observe().await.unwrap_or_else(|error| panic!("{}: {}: {error}", world.name, resource.id()))
}

#[tokio::test]
async fn making_twice_is_making_once_and_deleting_twice_is_deleting_once() {
    for world in worlds().await {
        for wanted in sources(&world) {
            let (resource, place) = (made(&world, &wanted), format!("{}: {wanted}", world.name));
            assert_eq!(observe(&world, &*resource).await, Observed::Absent, "{place}");
            for _ in 0..2 {
                resource.apply().await.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_eq!(observe(&world, &*resource).await, Observed::Ready, "{place}");
            }
            for _ in 0..2 {
                resource.delete().await.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_eq!(observe(&world, &*resource).await, Observed::Absent, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_begins_with_its_shards_and_keeps_those_that_it_gets() {
    for world in worlds().await {
        let client = aws_sdk_kinesis::Client::new(&world.sdk);
        let stream = name(&world, "split");
        let resource = made(&world, &Source::Stream { name: stream.clone(), shards: 2 });
        resource.apply().await.expect("made");
        let shards = async || {
            let summary = client.describe_stream_summary().stream_name(&stream).send().await.expect("there");
            summary.stream_description_summary.expect("described").open_shard_count
        };
        assert_eq!(shards().await, 2, "{}", world.name);
        let more = client.update_shard_count().stream_name(&stream).target_shard_count(4);
        more.scaling_type(aws_sdk_kinesis::types::ScalingType::UniformScaling).send().await.expect("resharded");
        resource.apply().await.expect("as it should be");
        assert_eq!(shards().await, 4, "{}", world.name);
        resource.delete().await.expect("deleted");
    }
}

#[tokio::test]
async fn a_table_gets_the_stream_and_the_index_that_it_lacks_and_keeps_its_keys() {
    for world in worlds().await {
        let table = name(&world, "grown");
        made(&world, &Source::Table { name: table.clone(), shape: plain_table() }).apply().await.expect("made");
        let whole = made(&world, &Source::Table { name: table.clone(), shape: whole_table() });
        let Observed::Drifted { differences } = observe(&world, &*whole).await else { panic!("{}: nothing is lacking", world.name) };
        let fields: Vec<&str> = differences.iter().map(|difference| difference.field.as_str()).collect();
        assert_eq!(fields, ["StreamSpecification", "index by-state"], "{}", world.name);
        whole.apply().await.unwrap_or_else(|error| panic!("{}: {error}", world.name));
        assert_eq!(observe(&world, &*whole).await, Observed::Ready, "{}", world.name);
        let other = TableShape::new(KeyAttribute::new("id", KeyKind::B), None);
        let error = made(&world, &Source::Table { name: table, shape: other }).apply().await.expect_err("other keys");
        assert!(error.why.contains("its keys are pk (S), sk (N), not id (B)") && error.hint.is_some(), "{}: {error}", world.name);
        whole.delete().await.expect("deleted");
    }
}

#[tokio::test]
async fn what_somebody_else_made_is_left_alone() {
    for world in worlds().await {
        let (stream, table) = (name(&world, "theirs"), name(&world, "theirs"));
        aws_sdk_kinesis::Client::new(&world.sdk).create_stream().stream_name(&stream).shard_count(1).send().await.expect("made");
        let key = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build().expect("a key");
        let hash = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().expect("a key");
        let create = aws_sdk_dynamodb::Client::new(&world.sdk).create_table().table_name(&table).billing_mode(BillingMode::PayPerRequest);
        create.attribute_definitions(key).key_schema(hash).send().await.expect("made");
        for wanted in [Source::Stream { name: stream, shards: 1 }, Source::Table { name: table, shape: plain_table() }] {
            let (resource, place) = (made(&world, &wanted), format!("{}: {wanted}", world.name));
            assert!(matches!(observe(&world, &*resource).await, Observed::Foreign { .. }), "{place}");
            assert_eq!(resource.apply().await.expect_err(&place).kind, Kind::Foreign, "{place}");
            assert_eq!(resource.delete().await.expect_err(&place).kind, Kind::Foreign, "{place}");
            assert!(matches!(observe(&world, &*resource).await, Observed::Foreign { .. }), "{place}");
        }
    }
}

#[tokio::test]
async fn each_says_which_commands_it_replaces() {
    let world = World::embedded();
    let commands: Vec<String> = sources(&world).iter().flat_map(|wanted| made(&world, wanted).replaces()).collect();
    assert!(commands.iter().all(|command| command.starts_with("aws ")), "{commands:#?}");
    let table = commands.iter().find(|command| command.contains("create-table")).expect("a table");
    for part in ["AttributeName=state,AttributeType=S", "KeyType=RANGE", "StreamEnabled=true", "IndexName=by-state"] {
        assert!(table.contains(part), "{table}");
    }
}
