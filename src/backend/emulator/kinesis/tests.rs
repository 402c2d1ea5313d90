//! Kinesis, driven by the official SDK in process.

use std::sync::atomic::Ordering;

use aws_sdk_kinesis::{
    Client,
    primitives::Blob,
    types::{HashKeyRange, PutRecordsRequestEntry, Record, ScalingType, Shard, ShardIteratorType, StreamMode, StreamModeDetails},
};

use crate::backend::emulator::world::{World, admin, fault};

fn arn(name: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:123456789012:stream/{name}")
}

async fn stream(world: &World, name: &str, shards: i32) -> Client {
    let kinesis = world.kinesis(admin());
    kinesis.create_stream().stream_name(name).shard_count(shards).send().await.expect("made");
    kinesis
}

async fn open_shards(kinesis: &Client, name: &str) -> i32 {
    let summary = kinesis.describe_stream_summary().stream_name(name).send().await.expect("described");
    summary.stream_description_summary().expect("answered").open_shard_count()
}

async fn shards(kinesis: &Client, name: &str) -> Vec<Shard> {
    kinesis.list_shards().stream_name(name).send().await.expect("listed").shards().to_vec()
}

async fn split(kinesis: &Client, name: &str, shard: &str, key: &str) -> Result<(), (String, String)> {
    let split = kinesis.split_shard().stream_name(name).shard_to_split(shard).new_starting_hash_key(key);
    split.send().await.map(drop).map_err(|error| fault(&error))
}

async fn merge(kinesis: &Client, name: &str, shard: &str, other: &str) -> Result<(), (String, String)> {
    let merge = kinesis.merge_shards().stream_name(name).shard_to_merge(shard).adjacent_shard_to_merge(other);
    merge.send().await.map(drop).map_err(|error| fault(&error))
}

async fn read(kinesis: &Client, name: &str, shard: &str, kind: ShardIteratorType) -> Vec<Vec<u8>> {
    let iterator = kinesis.get_shard_iterator().stream_name(name).shard_id(shard).shard_iterator_type(kind).send().await.expect("got");
    let page = kinesis.get_records().shard_iterator(iterator.shard_iterator().expect("one")).send().await.expect("read");
    page.records().iter().map(|record| record.data().as_ref().to_vec()).collect()
}

const HALF: &str = "170141183460469231731687303715884105728";
const QUARTER: &str = "85070591730234615865843651857942052864";

#[tokio::test]
async fn a_stream_lives_from_create_to_delete() {
    let world = World::empty();
    let kinesis = stream(&world, "work", 2).await;
    let found = kinesis.describe_stream().stream_arn(arn("work")).send().await.expect("found");
    let found = found.stream_description().expect("answered");
    assert_eq!((found.stream_name(), found.stream_arn(), found.shards().len()), ("work", arn("work").as_str(), 2));
    assert_eq!((found.stream_status().as_str(), found.retention_period_hours(), found.has_more_shards()), ("ACTIVE", 24, false));
    let again = kinesis.create_stream().stream_name("work").shard_count(1).send().await.expect_err("taken");
    assert_eq!(fault(&again), ("ResourceInUseException".to_owned(), "Stream work under account 123456789012 already exists.".to_owned()));
    assert_eq!(kinesis.list_streams().send().await.expect("listed").stream_names(), ["work"]);
    kinesis.delete_stream().stream_name("work").send().await.expect("deleted");
    let gone = kinesis.describe_stream_summary().stream_name("work").send().await.expect_err("gone");
    assert_eq!(fault(&gone), ("ResourceNotFoundException".to_owned(), "Stream work under account 123456789012 not found.".to_owned()));
}

#[tokio::test]
async fn a_stream_on_demand_has_four_shards_and_is_not_resharded_by_hand() {
    let world = World::empty();
    let kinesis = world.kinesis(admin());
    let on_demand = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().expect("complete");
    kinesis.create_stream().stream_name("work").stream_mode_details(on_demand).send().await.expect("made");
    assert_eq!(open_shards(&kinesis, "work").await, 4);
    let refused = split(&kinesis, "work", "shardId-000000000000", "7").await.expect_err("on demand");
    assert_eq!(refused.0, "ValidationException");
}

#[tokio::test]
async fn a_stream_needs_a_count_that_the_account_may_have_and_a_legal_name() {
    let world = World::empty();
    let kinesis = world.kinesis(admin());
    let create = |name: &str, count: i32| kinesis.create_stream().stream_name(name).shard_count(count).send();
    assert_eq!(fault(&create("work", 20_001).await.expect_err("too many")).0, "LimitExceededException");
    let (code, message) = fault(&create("a b", 1).await.expect_err("a blank"));
    let wanted = "1 validation error detected: Value 'a b' at 'streamName' failed to satisfy constraint: \
                  Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
    assert_eq!((code.as_str(), message.as_str()), ("ValidationException", wanted));
    assert_eq!(fault(&create("work", 0).await.expect_err("none")).0, "ValidationException");
}

#[tokio::test]
async fn a_split_closes_the_parent_and_opens_two_children() {
    let world = World::empty();
    let kinesis = stream(&world, "work", 1).await;
    split(&kinesis, "work", "shardId-000000000000", HALF).await.expect("split");
    let all = shards(&kinesis, "work").await;
    let parents: Vec<_> = all.iter().map(Shard::parent_shard_id).collect();
    assert_eq!(parents, [None, Some("shardId-000000000000"), Some("shardId-000000000000")]);
    let ending = |shard: &Shard| shard.sequence_number_range().and_then(|range| range.ending_sequence_number()).is_some();
    assert_eq!(all.iter().map(ending).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(all[2].hash_key_range().map(HashKeyRange::starting_hash_key), Some(HALF));
    assert_eq!(open_shards(&kinesis, "work").await, 2);
    let closed = split(&kinesis, "work", "shardId-000000000000", "7").await.expect_err("closed");
    assert_eq!(closed.0, "InvalidArgumentException");
    let absent = split(&kinesis, "work", "shardId-000000000009", "7").await.expect_err("absent");
    assert_eq!(absent.0, "ResourceNotFoundException");
    for (key, code) in [("1", "InvalidArgumentException"), (HALF, "InvalidArgumentException"), ("x", "ValidationException")] {
        assert_eq!(split(&kinesis, "work", "shardId-000000000001", key).await.expect_err("no place to split").0, code);
    }
}

#[tokio::test]
async fn only_neighbours_are_merged() {
    let world = World::empty();
    let kinesis = stream(&world, "work", 3).await;
    let apart = merge(&kinesis, "work", "shardId-000000000000", "shardId-000000000002").await.expect_err("apart");
    assert_eq!(apart.0, "InvalidArgumentException");
    merge(&kinesis, "work", "shardId-000000000002", "shardId-000000000001").await.expect("merged");
    let all = shards(&kinesis, "work").await;
    let child = &all[3];
    let parents = (child.parent_shard_id(), child.adjacent_parent_shard_id());
    assert_eq!(parents, (Some("shardId-000000000002"), Some("shardId-000000000001")));
    assert_eq!(open_shards(&kinesis, "work").await, 2);
}

#[tokio::test]
async fn a_closed_shard_is_listed_until_its_records_are_trimmed() {
    let world = World::empty();
    let kinesis = stream(&world, "work", 1).await;
    split(&kinesis, "work", "shardId-000000000000", HALF).await.expect("split");
    world.time.fetch_add(24 * 3600 - 1, Ordering::SeqCst);
    assert_eq!(shards(&kinesis, "work").await.len(), 3);
    world.time.fetch_add(1, Ordering::SeqCst);
    assert_eq!(shards(&kinesis, "work").await.len(), 2);
}

#[tokio::test]
async fn the_count_is_changed_to_equal_shards_within_half_and_double() {
    let world = World::empty();
    let kinesis = stream(&world, "work", 2).await;
    let update = |count: i32| {
        let update = kinesis.update_shard_count().stream_name("work").target_shard_count(count);
        update.scaling_type(ScalingType::UniformScaling).send()
    };
    for count in [3, 4, 3, 2] {
        update(count).await.expect("updated");
        let mut open = shards(&kinesis, "work").await;
        open.retain(|shard| shard.sequence_number_range().is_some_and(|range| range.ending_sequence_number().is_none()));
        let mut found: Vec<u128> =
            open.iter().filter_map(|shard| shard.hash_key_range().and_then(|range| range.starting_hash_key().parse().ok())).collect();
        found.sort_unstable();
        let wanted: Vec<u128> =
            super::shard::HashRange::uniform(u32::try_from(count).expect("positive")).iter().map(|range| range.low).collect();
        assert_eq!(found, wanted);
    }
    assert_eq!(fault(&update(5).await.expect_err("more than double")).0, "InvalidArgumentException");
    update(4).await.expect("double");
    assert_eq!(fault(&update(1).await.expect_err("less than half")).0, "InvalidArgumentException");
}

#[tokio::test]
async fn records_go_to_the_shard_of_their_key_and_are_read_in_order() {
    let world = World::empty();
    let kinesis = stream(&world, "work", 4).await;
    let put = |key: &str, hash: Option<&str>, data: &str| {
        let put = kinesis.put_record().stream_name("work").partition_key(key).data(Blob::new(data));
        put.set_explicit_hash_key(hash.map(str::to_owned)).send()
    };
    let first = put("a", None, "1").await.expect("put");
    // MD5 of "a" is 0cc1..., in the first quarter.
    assert_eq!(first.shard_id(), "shardId-000000000000");
    let second = put("a", None, "2").await.expect("put");
    assert!(second.sequence_number() > first.sequence_number());
    assert_eq!((first.sequence_number().len(), first.shard_id()), (56, second.shard_id()));
    assert_eq!(put("a", Some(QUARTER), "3").await.expect("put").shard_id(), "shardId-000000000001");
    assert_eq!(fault(&put("a", Some("x"), "4").await.expect_err("no number")).0, "ValidationException");
    assert_eq!(read(&kinesis, "work", first.shard_id(), ShardIteratorType::TrimHorizon).await, [b"1", b"2"]);
    assert!(read(&kinesis, "work", first.shard_id(), ShardIteratorType::Latest).await.is_empty());
    let after = kinesis.get_shard_iterator().stream_name("work").shard_id(first.shard_id());
    let after = after.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).starting_sequence_number(first.sequence_number());
    let after = after.send().await.expect("got");
    let iterator = after.shard_iterator().expect("one");
    let page = kinesis.get_records().shard_iterator(iterator).send().await.expect("read");
    assert_eq!(page.records().iter().map(Record::sequence_number).collect::<Vec<_>>(), [second.sequence_number()]);
    assert!(page.next_shard_iterator().is_some());
    world.time.fetch_add(301, Ordering::SeqCst);
    let expired = kinesis.get_records().shard_iterator(iterator).send().await.expect_err("old");
    assert_eq!(fault(&expired).0, "ExpiredIteratorException");
    world.time.fetch_add(24 * 3600, Ordering::SeqCst);
    assert!(read(&kinesis, "work", first.shard_id(), ShardIteratorType::TrimHorizon).await.is_empty());
}

#[tokio::test]
async fn a_drained_closed_shard_names_its_children() {
    let world = World::empty();
    let kinesis = stream(&world, "work", 1).await;
    split(&kinesis, "work", "shardId-000000000000", HALF).await.expect("split");
    let iterator = kinesis.get_shard_iterator().stream_name("work").shard_id("shardId-000000000000");
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("got");
    let page = kinesis.get_records().shard_iterator(iterator.shard_iterator().expect("one")).send().await.expect("read");
    assert_eq!((page.next_shard_iterator(), page.child_shards().len()), (None, 2));
}

#[tokio::test]
async fn a_batch_of_records_has_limits() {
    let world = World::empty();
    let kinesis = stream(&world, "work", 1).await;
    let entry =
        |size: usize| PutRecordsRequestEntry::builder().partition_key("k").data(Blob::new(vec![0; size])).build().expect("complete");
    let put = |entries: Vec<PutRecordsRequestEntry>| kinesis.put_records().stream_name("work").set_records(Some(entries)).send();
    let done = put(vec![entry(3); 500]).await.expect("put");
    assert_eq!((done.failed_record_count(), done.records().len()), (Some(0), 500));
    assert_eq!(fault(&put(vec![entry(1); 501]).await.expect_err("too many")).0, "ValidationException");
    assert_eq!(fault(&put(vec![entry(1024 * 1024 + 1)]).await.expect_err("too long")).0, "ValidationException");
    assert_eq!(fault(&put(vec![entry(1024 * 1024 - 1); 6]).await.expect_err("too much")).0, "InvalidArgumentException");
}

#[tokio::test]
async fn a_stream_is_tagged_by_name_and_by_arn() {
    let world = World::empty();
    let kinesis = stream(&world, "work", 1).await;
    kinesis.add_tags_to_stream().stream_name("work").tags("a", "1").tags("A", "2").send().await.expect("tagged");
    kinesis.tag_resource().resource_arn(arn("work")).tags("b", "3").send().await.expect("tagged");
    kinesis.remove_tags_from_stream().stream_name("work").tag_keys("a").send().await.expect("untagged");
    let tags = kinesis.list_tags_for_resource().resource_arn(arn("work")).send().await.expect("listed");
    assert_eq!(tags.tags().iter().map(|tag| (tag.key(), tag.value())).collect::<Vec<_>>(), [("A", Some("2")), ("b", Some("3"))]);
    let page = kinesis.list_tags_for_stream().stream_name("work").limit(1).send().await.expect("listed");
    assert_eq!((page.tags().len(), page.has_more_tags()), (1, true));
    kinesis.delete_stream().stream_name("work").send().await.expect("deleted");
    stream(&world, "work", 1).await;
    assert!(kinesis.list_tags_for_stream().stream_name("work").send().await.expect("listed").tags().is_empty());
}

#[tokio::test]
async fn a_role_needs_the_right_to_each_stream() {
    let world = World::new().await;
    stream(&world, "work", 1).await;
    stream(&world, "other", 1).await;
    let policy = format!(r#"{{"Effect":"Allow","Action":"kinesis:DescribeStreamSummary","Resource":"{}"}}"#, arn("work"));
    world.role("scaler", "system:serviceaccount:keda:scaler", &policy).await;
    let token = world.token("scaler", crate::core::stack::AUDIENCE).await;
    let kinesis = world.kinesis(world.web_identity("scaler", &token).await.expect("assumed"));
    assert_eq!(open_shards(&kinesis, "work").await, 1);
    let denied = kinesis.describe_stream_summary().stream_name("other").send().await.expect_err("not allowed");
    let (code, message) = fault(&denied);
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains(&format!("kinesis:DescribeStreamSummary on resource: {}", arn("other"))), "{message}");
}
