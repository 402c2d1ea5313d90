//! DynamoDB and its streams, driven by the official SDKs in process.

use std::{collections::HashMap, sync::atomic::Ordering};

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        PutRequest, ReturnValue, ScalarAttributeType, Select, StreamSpecification, StreamViewType, Tag, WriteRequest,
    },
};
use aws_sdk_dynamodbstreams::types::{ShardIteratorType, StreamDescription};

use crate::backend::emulator::world::{World, admin, fault};

const ARN: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/jobs";

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("complete")
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete")
}

fn streamed(view: StreamViewType) -> StreamSpecification {
    StreamSpecification::builder().stream_enabled(true).stream_view_type(view).build().expect("complete")
}

/// The table `jobs`: partitions by `queue`, sorted by the number `at`, with a global index by `state`.
async fn jobs(world: &World) -> Client {
    let client = world.dynamodb(admin());
    let index = GlobalSecondaryIndex::builder()
        .index_name("by-state")
        .key_schema(key("state", KeyType::Hash))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
        .expect("complete");
    let create = client.create_table().table_name("jobs").billing_mode(BillingMode::PayPerRequest);
    let create = create.key_schema(key("queue", KeyType::Hash)).key_schema(key("at", KeyType::Range)).global_secondary_indexes(index);
    let create = create
        .attribute_definitions(attribute("queue", ScalarAttributeType::S))
        .attribute_definitions(attribute("at", ScalarAttributeType::N))
        .attribute_definitions(attribute("state", ScalarAttributeType::S));
    create.tags(Tag::builder().key("k").value("v").build().expect("complete")).send().await.expect("made");
    client
}

async fn put(client: &Client, queue: &str, at: i64, state: &str) {
    let put = client.put_item().table_name("jobs").item("queue", text(queue)).item("at", number(at)).item("state", text(state));
    put.item("pad", text("x")).send().await.expect("put");
}

fn ats(items: &[HashMap<String, AttributeValue>]) -> Vec<String> {
    items.iter().filter_map(|item| item.get("at")?.as_n().ok().cloned()).collect()
}

#[tokio::test]
async fn a_table_lives_from_create_to_delete() {
    let world = World::empty();
    let client = jobs(&world).await;
    put(&client, "a", 1, "new").await;
    let found = client.describe_table().table_name("jobs").send().await.expect("found");
    let table = found.table().expect("answered");
    assert_eq!((table.table_arn(), table.item_count()), (Some(ARN), Some(1)));
    assert_eq!(table.table_status().map(|status| status.as_str().to_owned()), Some("ACTIVE".to_owned()));
    assert_eq!(table.global_secondary_indexes()[0].index_arn(), Some(format!("{ARN}/index/by-state").as_str()));
    assert_eq!(table.latest_stream_arn(), None);
    assert_eq!(client.list_tables().send().await.expect("listed").table_names(), ["jobs"]);
    let again = client.create_table().table_name("jobs").billing_mode(BillingMode::PayPerRequest);
    let again = again.key_schema(key("queue", KeyType::Hash)).attribute_definitions(attribute("queue", ScalarAttributeType::S));
    assert_eq!(
        fault(&again.send().await.expect_err("taken")),
        ("ResourceInUseException".to_owned(), "Table already exists: jobs".to_owned())
    );
    client.delete_table().table_name("jobs").send().await.expect("deleted");
    let gone = client.describe_table().table_name("jobs").send().await.expect_err("gone");
    assert_eq!(fault(&gone), ("ResourceNotFoundException".to_owned(), "Requested resource not found: Table: jobs not found".to_owned()));
    let gone = client.get_item().table_name("jobs").key("queue", text("a")).send().await.expect_err("gone");
    assert_eq!(fault(&gone), ("ResourceNotFoundException".to_owned(), "Requested resource not found".to_owned()));
}

#[tokio::test]
async fn a_table_that_makes_no_sense_is_refused() {
    let world = World::empty();
    let client = world.dynamodb(admin());
    let create = |mode: BillingMode, defined: &str| {
        let create = client.create_table().table_name("jobs").billing_mode(mode).key_schema(key("pk", KeyType::Hash));
        create.attribute_definitions(attribute(defined, ScalarAttributeType::S)).send()
    };
    let (code, message) = fault(&create(BillingMode::Provisioned, "pk").await.expect_err("no throughput"));
    assert_eq!(code, "ValidationException");
    assert!(message.contains("ReadCapacityUnits and WriteCapacityUnits must both be specified"), "{message}");
    let (_, message) = fault(&create(BillingMode::PayPerRequest, "other").await.expect_err("undefined"));
    assert!(message.contains("Some index key attributes are not defined in AttributeDefinitions. Keys: [pk]"), "{message}");
}

#[tokio::test]
async fn a_table_is_tagged_by_its_arn() {
    let world = World::empty();
    let client = jobs(&world).await;
    let tag = Tag::builder().key("K").value("w").build().expect("complete");
    client.tag_resource().resource_arn(ARN).tags(tag).send().await.expect("tagged");
    client.untag_resource().resource_arn(ARN).tag_keys("k").send().await.expect("untagged");
    let tags = client.list_tags_of_resource().resource_arn(ARN).send().await.expect("listed");
    assert_eq!(tags.tags().iter().map(|tag| (tag.key(), tag.value())).collect::<Vec<_>>(), [("K", "w")]);
    let none = client.list_tags_of_resource().resource_arn(format!("{ARN}s")).send().await.expect_err("none");
    assert_eq!(fault(&none).0, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_query_reads_a_stretch_of_one_partition_in_the_order_of_numbers() {
    let world = World::empty();
    let client = jobs(&world).await;
    for at in [-3, 1, 20, 100] {
        put(&client, "a", at, if at > 10 { "late" } else { "early" }).await;
    }
    put(&client, "b", 5, "late").await;
    let query = |condition: &str| {
        let query = client.query().table_name("jobs").key_condition_expression(format!("queue = :q {condition}"));
        query.expression_attribute_values(":q", text("a"))
    };
    let all = query("").send().await.expect("queried");
    assert_eq!((ats(all.items()), all.count(), all.scanned_count()), (vec!["-3".into(), "1".into(), "20".into(), "100".into()], 4, 4));
    let some = query("AND #at BETWEEN :x AND :y").expression_attribute_names("#at", "at");
    let some = some.expression_attribute_values(":x", number(1)).expression_attribute_values(":y", number("2e1"));
    assert_eq!(ats(some.send().await.expect("queried").items()), ["1", "20"]);
    let less = query("AND #at < :x").expression_attribute_names("#at", "at").expression_attribute_values(":x", number(1));
    assert_eq!(ats(less.scan_index_forward(false).send().await.expect("queried").items()), ["-3"]);
    let late = query("").filter_expression("#s = :s").expression_attribute_names("#s", "state");
    let late = late.expression_attribute_values(":s", text("late")).select(Select::Count).send().await.expect("queried");
    assert_eq!((late.count(), late.scanned_count(), late.items().len()), (2, 4, 0));
}

#[tokio::test]
async fn a_query_goes_on_where_its_page_ended() {
    let world = World::empty();
    let client = jobs(&world).await;
    for at in 0..5 {
        put(&client, "a", at, "new").await;
    }
    for forward in [true, false] {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let query = client.query().table_name("jobs").key_condition_expression("queue = :q");
            let query = query.expression_attribute_values(":q", text("a")).limit(2).scan_index_forward(forward);
            let page = query.set_exclusive_start_key(start).send().await.expect("queried");
            found.extend(ats(page.items()));
            start = page.last_evaluated_key().cloned();
            if start.is_none() {
                break;
            }
        }
        let mut wanted = ["0", "1", "2", "3", "4"];
        if !forward {
            wanted.reverse();
        }
        assert_eq!(found, wanted);
    }
}

#[tokio::test]
async fn a_page_ends_at_a_megabyte_before_any_filter() {
    let world = World::empty();
    let client = jobs(&world).await;
    for at in 0..4 {
        let put = client.put_item().table_name("jobs").item("queue", text("a")).item("at", number(at));
        put.item("pad", text(&"x".repeat(350 * 1024))).send().await.expect("put");
    }
    let query = client.query().table_name("jobs").key_condition_expression("queue = :q").filter_expression("attribute_exists(gone)");
    let page = query.expression_attribute_values(":q", text("a")).send().await.expect("queried");
    assert_eq!((page.count(), page.scanned_count(), page.last_evaluated_key().is_some()), (0, 2, true));
}

#[tokio::test]
async fn an_index_shows_what_has_its_key_and_follows_the_items() {
    let world = World::empty();
    let client = jobs(&world).await;
    put(&client, "a", 1, "new").await;
    put(&client, "b", 2, "new").await;
    put(&client, "b", 2, "done").await;
    let bare = client.put_item().table_name("jobs").item("queue", text("c")).item("at", number(3));
    bare.send().await.expect("put");
    let query = |state: &str| {
        let query = client.query().table_name("jobs").index_name("by-state").key_condition_expression("#s = :s");
        query.expression_attribute_names("#s", "state").expression_attribute_values(":s", text(state))
    };
    let new = query("new").send().await.expect("queried");
    assert_eq!(ats(new.items()), ["1"]);
    assert!(!new.items()[0].contains_key("pad"), "keys only");
    client.delete_item().table_name("jobs").key("queue", text("b")).key("at", number(2)).send().await.expect("deleted");
    assert_eq!(query("done").send().await.expect("queried").count(), 0);
    assert_eq!(client.scan().table_name("jobs").index_name("by-state").send().await.expect("scanned").count(), 1);
    let (code, message) = fault(&query("new").consistent_read(true).send().await.expect_err("not here"));
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("ValidationException", "Consistent reads are not supported on global secondary indexes")
    );
    let wrong = client.put_item().table_name("jobs").item("queue", text("d")).item("at", number(4)).item("state", number(1));
    let (_, message) = fault(&wrong.send().await.expect_err("a number"));
    assert!(message.contains("Type mismatch for Index Key state Expected: S Actual: N IndexName: by-state"), "{message}");
}

#[tokio::test]
async fn key_conditions_that_no_key_can_meet_are_refused() {
    let world = World::empty();
    let client = jobs(&world).await;
    for (condition, wanted) in [
        ("extra = :v", "Query condition missed key schema element: queue"),
        ("queue > :v", "Query key condition not supported"),
        ("queue <> :v", "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: <>"),
        ("queue = :v OR extra = :v", "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: OR"),
        ("queue = :v AND extra = :v", "Query condition missed key schema element: at"),
        ("queue = :v AND queue = :v", "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"),
        (
            "queue = :w",
            "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: :w",
        ),
    ] {
        let query = client.query().table_name("jobs").key_condition_expression(condition).expression_attribute_values(":v", text("a"));
        assert_eq!(fault(&query.send().await.expect_err(condition)), ("ValidationException".to_owned(), wanted.to_owned()), "{condition}");
    }
    let query = client.query().table_name("jobs").key_condition_expression("queue = :v").expression_attribute_values(":v", number(1));
    let (_, message) = fault(&query.send().await.expect_err("a number"));
    assert_eq!(message, "One or more parameter values were invalid: Condition parameter type does not match schema type");
    let query = client.query().table_name("jobs").key_condition_expression("queue = :v").filter_expression("queue = :v");
    let (_, message) = fault(&query.expression_attribute_values(":v", text("a")).send().await.expect_err("a key"));
    assert_eq!(message, "Filter Expression can only contain non-primary key attributes: Primary key attribute: queue");
}

#[tokio::test]
async fn a_write_whose_condition_fails_changes_nothing() {
    let world = World::empty();
    let client = jobs(&world).await;
    put(&client, "a", 1, "new").await;
    let guarded = client.put_item().table_name("jobs").item("queue", text("a")).item("at", number(1));
    let refused = guarded.condition_expression("attribute_not_exists(queue)").send().await.expect_err("exists");
    assert_eq!(fault(&refused), ("ConditionalCheckFailedException".to_owned(), "The conditional request failed".to_owned()));
    let found = client.get_item().table_name("jobs").key("queue", text("a")).key("at", number("1.0")).send().await.expect("got");
    assert_eq!(found.item().and_then(|item| item.get("state")), Some(&text("new")));
    let update = client.update_item().table_name("jobs").key("queue", text("a")).key("at", number(1));
    let update = update.update_expression("SET n = if_not_exists(n, :zero) + :one").return_values(ReturnValue::UpdatedNew);
    let update = update.expression_attribute_values(":zero", number(0)).expression_attribute_values(":one", number(1));
    let updated = update.send().await.expect("updated");
    assert_eq!(updated.attributes().and_then(|item| item.get("n")), Some(&number(1)));
    let delete = client.delete_item().table_name("jobs").key("queue", text("a")).key("at", number(1)).return_values(ReturnValue::AllOld);
    assert_eq!(delete.send().await.expect("deleted").attributes().map(HashMap::len), Some(5));
}

#[tokio::test]
async fn a_batch_writes_up_to_25_items_each_once() {
    let world = World::empty();
    let client = jobs(&world).await;
    let write = |at: i64| {
        let put = PutRequest::builder().item("queue", text("a")).item("at", number(at)).build().expect("complete");
        WriteRequest::builder().put_request(put).build()
    };
    let batch = |writes: Vec<WriteRequest>| client.batch_write_item().request_items("jobs", writes).send();
    batch((0..25).map(write).collect()).await.expect("written");
    assert_eq!(client.scan().table_name("jobs").send().await.expect("scanned").count(), 25);
    assert_eq!(fault(&batch((0..26).map(write).collect()).await.expect_err("too many")).0, "ValidationException");
    let (_, message) = fault(&batch(vec![write(1), write(1)]).await.expect_err("twice"));
    assert_eq!(message, "Provided list of item keys contains duplicates");
}

#[tokio::test]
async fn a_scan_in_segments_finds_each_item_once() {
    let world = World::empty();
    let client = jobs(&world).await;
    for at in 0..12 {
        put(&client, &format!("q{at}"), at, "new").await;
    }
    let mut found = Vec::new();
    for segment in 0..3 {
        found.extend(ats(client.scan().table_name("jobs").segment(segment).total_segments(3).send().await.expect("scanned").items()));
    }
    found.sort_by_key(|at| at.parse::<i64>().ok());
    assert_eq!(found, (0..12).map(|at| at.to_string()).collect::<Vec<_>>());
}

async fn describe(world: &World, arn: &str) -> StreamDescription {
    let answer = world.dynamodb_streams(admin()).describe_stream().stream_arn(arn).send().await.expect("described");
    answer.stream_description().expect("answered").clone()
}

async fn start_stream(client: &Client) -> String {
    let update = client.update_table().table_name("jobs").stream_specification(streamed(StreamViewType::NewAndOldImages));
    let updated = update.send().await.expect("updated");
    updated.table_description().and_then(|table| table.latest_stream_arn()).expect("a stream").to_owned()
}

#[tokio::test]
async fn a_stream_has_one_open_shard_and_closed_ones_after_hours() {
    let world = World::empty();
    let client = jobs(&world).await;
    let arn = start_stream(&client).await;
    assert_eq!(describe(&world, &arn).await.shards().len(), 1);
    world.time.fetch_add(9 * 3600, Ordering::SeqCst);
    let shards = describe(&world, &arn).await.shards().to_vec();
    let is_open = |shard: &aws_sdk_dynamodbstreams::types::Shard| {
        shard.sequence_number_range().is_some_and(|range| range.ending_sequence_number().is_none())
    };
    assert_eq!(shards.iter().map(is_open).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(shards[1].parent_shard_id(), shards[0].shard_id());
    let streams = world.dynamodb_streams(admin());
    let page = streams.describe_stream().stream_arn(&arn).limit(2).send().await.expect("described");
    let last = page.stream_description().and_then(|page| page.last_evaluated_shard_id()).expect("more");
    let rest = streams.describe_stream().stream_arn(&arn).exclusive_start_shard_id(last).send().await.expect("described");
    assert_eq!(rest.stream_description().map(|rest| rest.shards().len()), Some(1));
}

#[tokio::test]
async fn a_stream_that_is_made_again_has_a_new_label() {
    let world = World::empty();
    let client = jobs(&world).await;
    let first = start_stream(&client).await;
    let again = client.update_table().table_name("jobs").stream_specification(streamed(StreamViewType::KeysOnly));
    assert_eq!(fault(&again.send().await.expect_err("runs")).0, "ValidationException");
    client.delete_table().table_name("jobs").send().await.expect("deleted");
    assert_eq!(describe(&world, &first).await.stream_status().map(aws_sdk_dynamodbstreams::types::StreamStatus::as_str), Some("DISABLED"));
    let client = jobs(&world).await;
    assert_ne!(start_stream(&client).await, first);
    world.time.fetch_add(24 * 3600, Ordering::SeqCst);
    let gone = world.dynamodb_streams(admin()).describe_stream().stream_arn(&first).send().await.expect_err("gone");
    assert_eq!(fault(&gone).0, "ResourceNotFoundException");
    assert_eq!(world.dynamodb_streams(admin()).list_streams().send().await.expect("listed").streams().len(), 1);
}

#[tokio::test]
async fn every_change_of_an_item_is_in_the_stream_once() {
    let world = World::empty();
    let client = jobs(&world).await;
    let arn = start_stream(&client).await;
    for state in ["new", "new", "done"] {
        put(&client, "a", 1, state).await;
    }
    client.delete_item().table_name("jobs").key("queue", text("a")).key("at", number(1)).send().await.expect("deleted");
    let streams = world.dynamodb_streams(admin());
    let shard = describe(&world, &arn).await.shards()[0].shard_id().expect("an id").to_owned();
    let iterator = streams.get_shard_iterator().stream_arn(&arn).shard_id(shard).shard_iterator_type(ShardIteratorType::TrimHorizon);
    let iterator = iterator.send().await.expect("got").shard_iterator().expect("one").to_owned();
    let page = streams.get_records().shard_iterator(&iterator).send().await.expect("read");
    let events: Vec<_> = page.records().iter().filter_map(|record| Some(record.event_name()?.as_str().to_owned())).collect();
    assert_eq!(events, ["INSERT", "MODIFY", "REMOVE"]);
    let images = |index: usize| page.records()[index].dynamodb().map(|change| (change.old_image().is_some(), change.new_image().is_some()));
    assert_eq!([images(0), images(1), images(2)], [Some((false, true)), Some((true, true)), Some((true, false))]);
    let next = streams.get_records().shard_iterator(page.next_shard_iterator().expect("open")).send().await.expect("read");
    assert!(next.records().is_empty());
}

#[tokio::test]
async fn a_role_needs_the_right_to_the_table_or_to_its_index() {
    let world = World::new().await;
    let client = jobs(&world).await;
    let arn = start_stream(&client).await;
    let policy =
        format!(r#"{{"Effect":"Allow","Action":["dynamodb:Query","dynamodb:DescribeStream"],"Resource":["{ARN}","{ARN}/stream/*"]}}"#);
    world.role("scaler", "system:serviceaccount:keda:scaler", &policy).await;
    let token = world.token("scaler", crate::core::stack::AUDIENCE).await;
    let credentials = world.web_identity("scaler", &token).await.expect("assumed");
    let client = world.dynamodb(credentials.clone());
    let query = |index: Option<&str>| {
        let query = client.query().table_name("jobs").set_index_name(index.map(str::to_owned)).key_condition_expression("queue = :v");
        query.expression_attribute_values(":v", text("a")).send()
    };
    query(None).await.expect("allowed");
    let (code, message) = fault(&query(Some("by-state")).await.expect_err("not allowed"));
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains(&format!("dynamodb:Query on resource: {ARN}/index/by-state")), "{message}");
    world.dynamodb_streams(credentials.clone()).describe_stream().stream_arn(&arn).send().await.expect("allowed");
    let denied = world.dynamodb(credentials).describe_table().table_name("jobs").send().await.expect_err("not allowed");
    assert_eq!(fault(&denied).0, "AccessDeniedException");
}
