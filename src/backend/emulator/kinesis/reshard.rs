//! Resharding: one shard becomes two, two neighbours become one, or all become as many as are asked for.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    invalid, not_found,
    shard::{self, HashRange, Shard, written_as_key},
    stream::{Stream, Target, within_limit},
};
use crate::backend::emulator::{ACCOUNT, constraints::Constraints, error::ServiceError, json::Session};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Split {
    #[serde(flatten)]
    target: Target,
    #[serde(rename = "ShardToSplit")]
    shard: String,
    new_starting_hash_key: String,
}

pub(super) fn split(session: &Session<'_>, input: Split) -> Result<Value, ServiceError> {
    let constraints = Constraints::default().name(&input.shard, "shardToSplit", shard::ID);
    written_as_key(constraints, &input.new_starting_hash_key, "newStartingHashKey").check()?;
    let mut stream = Stream::open(session, &input.target, "SplitShard")?;
    provisioned(&stream)?;
    let shard = eligible(session, &stream, &input.shard)?;
    let HashRange { low, high } = shard.range;
    let key = input.new_starting_hash_key.parse::<u128>().ok().filter(|key| *key > low.saturating_add(1) && *key < high);
    let key = key.ok_or_else(|| {
        invalid(format!(
            "NewStartingHashKey {} used in SplitShard() on shard {} in stream {} under account {ACCOUNT} is not both greater than one \
             plus the shard's StartingHashKey {low} and less than the shard's EndingHashKey {high}.",
            input.new_starting_hash_key, input.shard, stream.name
        ))
    })?;
    within_limit(session, 1)?;
    split_at(session, &mut stream, &shard, key)?;
    stream.keep_counter(session.connection)?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Merge {
    #[serde(flatten)]
    target: Target,
    #[serde(rename = "ShardToMerge")]
    shard: String,
    #[serde(rename = "AdjacentShardToMerge")]
    other: String,
}

pub(super) fn merge(session: &Session<'_>, input: Merge) -> Result<Value, ServiceError> {
    Constraints::default().name(&input.shard, "shardToMerge", shard::ID).name(&input.other, "adjacentShardToMerge", shard::ID).check()?;
    let mut stream = Stream::open(session, &input.target, "MergeShards")?;
    provisioned(&stream)?;
    let shard = eligible(session, &stream, &input.shard)?;
    let other = eligible(session, &stream, &input.other)?;
    let follows = |a: &Shard, b: &Shard| a.range.high.checked_add(1) == Some(b.range.low);
    if !follows(&shard, &other) && !follows(&other, &shard) {
        return Err(invalid(format!(
            "Shards {} and {} in stream {} under account {ACCOUNT} are not an adjacent pair of shards eligible for merging",
            input.shard, input.other, stream.name
        )));
    }
    join(session, &mut stream, &shard, &other)?;
    stream.keep_counter(session.connection)?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateCount {
    #[serde(flatten)]
    target: Target,
    target_shard_count: i64,
    scaling_type: String,
}

pub(super) fn update_count(session: &Session<'_>, input: UpdateCount) -> Result<Value, ServiceError> {
    Constraints::default()
        .within(Some(input.target_shard_count), "targetShardCount", &(1..=10_000))
        .one_of(Some(&input.scaling_type), "scalingType", &["UNIFORM_SCALING"])
        .check()?;
    let mut stream = Stream::open(session, &input.target, "UpdateShardCount")?;
    provisioned(&stream)?;
    let current = i64::try_from(Shard::open(session.connection, &stream)?.len()).unwrap_or(i64::MAX);
    let wanted = input.target_shard_count;
    let counts = format!("Current open shard count: {current} Target shard count: {wanted}");
    if wanted > current * 2 {
        return Err(invalid(format!("UpdateShardCount cannot scale up over double your current open shard count. {counts}")));
    }
    if wanted * 2 < current {
        return Err(invalid(format!("UpdateShardCount cannot scale down below half your current open shard count. {counts}")));
    }
    within_limit(session, wanted - current)?;
    let ranges = HashRange::uniform(u32::try_from(wanted).unwrap_or(1));
    cut(session, &mut stream, &ranges)?;
    glue(session, &mut stream, &ranges)?;
    stream.keep_counter(session.connection)?;
    Ok(json!({
        "StreamName": stream.name,
        "StreamARN": session.stream_arn(&stream.name),
        "CurrentShardCount": current,
        "TargetShardCount": wanted,
    }))
}

/// Splits shards until one begins wherever one of `ranges` does.
fn cut(session: &Session<'_>, stream: &mut Stream, ranges: &[HashRange]) -> Result<(), ServiceError> {
    for range in ranges {
        let shards = Shard::open(session.connection, stream)?;
        if let Some(shard) = shards.iter().find(|shard| shard.range.contains(range.low) && shard.range.low != range.low) {
            split_at(session, stream, shard, range.low)?;
        }
    }
    Ok(())
}

/// Merges neighbours until each of `ranges` is one shard.
fn glue(session: &Session<'_>, stream: &mut Stream, ranges: &[HashRange]) -> Result<(), ServiceError> {
    for range in ranges {
        loop {
            let mut within = Shard::open(session.connection, stream)?;
            within.retain(|shard| range.contains(shard.range.low));
            let [first, second, ..] = &within[..] else { break };
            join(session, stream, first, second)?;
        }
    }
    Ok(())
}

fn split_at(session: &Session<'_>, stream: &mut Stream, shard: &Shard, key: u128) -> Result<(), ServiceError> {
    shard.close(session.connection, stream, session.now)?;
    let HashRange { low, high } = shard.range;
    for range in [HashRange { low, high: key - 1 }, HashRange { low: key, high }] {
        Shard::add(session.connection, stream, range, (Some(shard.number), None), session.now)?;
    }
    Ok(())
}

fn join(session: &Session<'_>, stream: &mut Stream, shard: &Shard, other: &Shard) -> Result<(), ServiceError> {
    shard.close(session.connection, stream, session.now)?;
    other.close(session.connection, stream, session.now)?;
    let range = HashRange { low: shard.range.low.min(other.range.low), high: shard.range.high.max(other.range.high) };
    Shard::add(session.connection, stream, range, (Some(shard.number), Some(other.number)), session.now)
}

/// The shard with this id, if it is open.
fn eligible(session: &Session<'_>, stream: &Stream, id: &str) -> Result<Shard, ServiceError> {
    let found = Shard::look(session.connection, stream, id, session.now)?;
    let shard = found.ok_or_else(|| not_found(format!("Could not find shard {id} in stream {} under account {ACCOUNT}.", stream.name)))?;
    if shard.closed.is_none() {
        return Ok(shard);
    }
    Err(invalid(format!(
        "Shard {id} in stream {} under account {ACCOUNT} has already been merged or split, and thus is not eligible for merging or splitting.",
        stream.name
    )))
}

fn provisioned(stream: &Stream) -> Result<(), ServiceError> {
    if stream.mode == "PROVISIONED" {
        return Ok(());
    }
    let message = format!("Request is invalid. Stream {} under account {ACCOUNT} is in On-Demand mode.", stream.name);
    Err(ServiceError::new("ValidationException", message))
}
