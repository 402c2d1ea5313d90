//! What `produce --to` puts, in real services: each record is accepted, can be read back, and moves the trigger that reads the source.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, StreamViewType};
use aws_sdk_kinesis::types::ShardIteratorType;
use kedactl::{
    backend::journal::Memory,
    core::{
        error::Kind,
        event::What,
        load::{Bodies, Destination, Load},
        ops::produce::{Sent, produce},
        ports::Journal,
    },
};
use tokio_util::sync::CancellationToken;

use super::{
    World,
    metrics::{outcome, table, unique},
    worlds,
};
use crate::support::skipped;

fn load(count: u64, to: &str) -> Load {
    let to: Destination = to.parse().expect("valid");
    Load {
        count,
        bodies: Bodies::Videos { seed: 0 },
        rate: None,
        delay_seconds: None,
        group: None,
        fifo: false,
        run: format!("r{count}"),
        to: Some(to),
    }
}

/// Sends `load`; returns what came of it, and the ids that were told.
async fn send(world: &World, load: &Load) -> (Sent, BTreeSet<String>) {
    let sink = world.backend.sink(load.to.as_ref().expect("a destination"), &load.run).await.expect("reached");
    let memory = Memory::default();
    let sent = produce(&*sink, load, &memory, &CancellationToken::new()).await;
    let ids = memory.events().expect("in memory").into_iter().filter_map(|event| match event.what {
        What::Sent { message_id, to, .. } => to.map(|_| message_id),
        _ => None,
    });
    (sent, ids.collect())
}

#[tokio::test]
async fn records_spread_over_the_shards_of_a_stream_and_stay_together_in_a_group() {
    for world in worlds().await {
        let client = aws_sdk_kinesis::Client::new(&world.sdk);
        let stream = unique(&world, "clicks");
        client.create_stream().stream_name(&stream).shard_count(2).send().await.expect("created");
        let to = format!("kinesis://{stream}");
        let (sent, ids) = send(&world, &load(1200, &to)).await;
        assert_eq!((sent.sent, sent.fault), (1200, None), "{}", world.name);
        // moto gives one sequence number to two records that come at the same time.
        assert!(ids.len() == 1200 || world.name == "moto" && ids.len() > 1000, "{}: {} ids", world.name, ids.len());
        let grouped = Load { group: Some("one".to_owned()), bodies: Bodies::Same("grouped".to_owned()), ..load(3, &to) };
        assert_eq!(send(&world, &grouped).await.0.sent, 3, "{}", world.name);
        let shards = client.list_shards().stream_name(&stream).send().await.expect("listed").shards.unwrap_or_default();
        let (mut counts, mut with_group) = (Vec::new(), 0);
        for shard in shards {
            let first = client.get_shard_iterator().stream_name(&stream).shard_id(shard.shard_id());
            let mut next = first.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("begun").shard_iterator;
            let mut found = 0;
            while let Some(iterator) = next {
                let page = client.get_records().shard_iterator(iterator).send().await.expect("read");
                found += page.records.len();
                with_group += usize::from(page.records.iter().any(|record| record.data.as_ref() == b"grouped"));
                next = page.next_shard_iterator.filter(|_| !page.records.is_empty());
            }
            counts.push(found);
        }
        assert!(counts.iter().sum::<usize>() == 1203 && counts.iter().all(|found| *found > 400), "{}: {counts:?}", world.name);
        assert_eq!(with_group, 1, "{}", world.name);
    }
}

#[tokio::test]
async fn items_have_the_tables_own_key_and_the_attributes_that_are_given() {
    for world in worlds().await {
        let name = unique(&world, "orders");
        let client = table(&world, &name, Some(StreamViewType::NewImage)).await;
        let query = [
            ("tableName", name.as_str()),
            ("keyConditionExpression", "#c = :c"),
            ("expressionAttributeNames", r##"{"#c": "customer"}"##),
            ("expressionAttributeValues", r#"{":c": {"S": "ann"}}"#),
            ("targetValue", "5"),
        ];
        assert_eq!(outcome(&world, "aws-dynamodb", &query).await, (0.0, false), "{}", world.name);
        let (sent, ids) = send(&world, &load(60, &format!("dynamodb://{name}?customer=ann&state=new"))).await;
        assert_eq!((sent.sent, sent.fault, ids.len()), (60, None, 60), "{}", world.name);
        assert_eq!(outcome(&world, "aws-dynamodb", &query).await, (60.0, true), "{}", world.name);
        let (sent, _) = send(&world, &load(30, &format!("dynamodb://{name}"))).await;
        assert_eq!((sent.sent, sent.fault), (30, None), "{}", world.name);
        let all = client.scan().table_name(&name).send().await.expect("read").items.unwrap_or_default();
        assert_eq!(all.len(), 90, "{}", world.name);
        let is_text = |value: Option<&AttributeValue>| value.is_some_and(|value| value.as_s().is_ok_and(|text| text.contains("\"video\"")));
        assert!(all.iter().all(|item| item["number"].is_n() && is_text(item.get("body"))), "{}: {all:?}", world.name);
        assert_eq!(all.iter().filter(|item| item.get("state") == Some(&AttributeValue::S("new".to_owned()))).count(), 60, "{}", world.name);
        let streams = [("tableName", name.as_str()), ("shardCount", "1")];
        assert!(outcome(&world, "aws-dynamodb-streams", &streams).await.1, "{}", world.name);
    }
}

#[tokio::test]
async fn what_does_not_fit_a_tables_key_is_refused_before_anything_is_written() {
    for world in worlds().await {
        let name = unique(&world, "orders");
        table(&world, &name, None).await;
        for (query, why) in [("customer=ann&number=1", "replace the one before"), ("number=ten", "attribute number")] {
            let to: Destination = format!("dynamodb://{name}?{query}").parse().expect("valid");
            let error = world.backend.sink(&to, "r").await.err().expect("refused");
            assert_eq!((error.kind, error.hint.is_some()), (Kind::Input, true), "{}: {error}", world.name);
            assert!(error.to_string().contains(why), "{}: {error}", world.name);
        }
    }
}

#[tokio::test]
async fn values_reach_the_metric_that_a_trigger_reads() {
    for world in worlds().await {
        if world.name == "moto" {
            skipped("CloudWatch on moto: it does not know the CBOR that the SDK speaks");
            continue;
        }
        let namespace = unique(&world, "shop");
        let to = format!("cloudwatch://{namespace}/Waiting?Queue=a&Zone=b%20c");
        let values = Bodies::Turns(["1", "5", "3.5"].map(str::to_owned).to_vec());
        let (sent, ids) = send(&world, &Load { bodies: values, ..load(301, &to) }).await;
        assert_eq!((sent.sent, sent.fault, ids.len()), (301, None, 301));
        for (stat, expected) in [("SampleCount", 301.0), ("Maximum", 5.0), ("Minimum", 1.0), ("Sum", 951.0)] {
            let trigger = [
                ("namespace", namespace.as_str()),
                ("metricName", "Waiting"),
                ("dimensionName", "Queue;Zone"),
                ("dimensionValue", "a;b c"),
                ("targetMetricValue", "1"),
                ("minMetricValue", "0"),
                ("metricStat", stat),
                ("metricStatPeriod", "3600"),
                ("metricCollectionTime", "3600"),
                // Until the next whole hour: what was put just now is within.
                ("metricEndTimeOffset", "-3600"),
            ];
            assert_eq!(outcome(&world, "aws-cloudwatch", &trigger).await, (expected, true), "{stat}");
        }
    }
}

#[tokio::test]
async fn a_source_that_is_absent_is_named_with_the_way_out() {
    for world in worlds().await {
        for (to, named) in
            [("kinesis://nobody", "stream `nobody`"), ("dynamodb://nobody", "table `nobody`"), ("sqs://nobody", "queue `nobody`")]
        {
            let load = load(1000, to);
            let fault = match world.backend.sink(load.to.as_ref().expect("given"), "r").await {
                Ok(sink) => produce(&*sink, &load, &Memory::default(), &CancellationToken::new()).await.fault.expect("absent"),
                Err(error) => error,
            };
            assert_eq!(fault.kind, Kind::NotFound, "{}: {fault}", world.name);
            assert!(fault.to_string().contains(named) && fault.hint.is_some_and(|hint| hint.contains("first")), "{}", world.name);
        }
    }
}
