//! Reading records: an iterator says where in which shard, and each page gives the next one.

use base64::{Engine, prelude::BASE64_STANDARD};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    invalid, not_found,
    shard::{self, Shard},
    stream::{Stream, Target},
};
use crate::backend::emulator::{
    constraints::Constraints,
    error::ServiceError,
    json::{Session, seal, seconds, unseal},
};

/// How long an iterator is good, in milliseconds.
const LIFETIME: i64 = 5 * 60 * 1000;
/// Most bytes of one page.
const PAGE: usize = 10 * 1024 * 1024;

/// What is in an iterator.
#[derive(Serialize, Deserialize)]
struct Position {
    stream: i64,
    shard: i64,
    /// The first counter to read.
    from: i64,
    /// Only records from this time on.
    since: i64,
    issued: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetIterator {
    #[serde(flatten)]
    target: Target,
    shard_id: String,
    shard_iterator_type: String,
    starting_sequence_number: Option<String>,
    timestamp: Option<f64>,
}

pub(super) fn iterator(session: &Session<'_>, input: GetIterator) -> Result<Value, ServiceError> {
    let types = ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"];
    Constraints::default().one_of(Some(&input.shard_iterator_type), "shardIteratorType", &types).check()?;
    let stream = Stream::open(session, &input.target, "GetShardIterator")?;
    let shard = Shard::find(session.connection, &stream, &input.shard_id, session.now)?;
    let counter = || {
        let text = input.starting_sequence_number.as_deref();
        let text = text.ok_or_else(|| invalid("Must either specify timestamp or StartingSequenceNumber."))?;
        stream.counter_in(text).ok_or_else(|| {
            let place = format!("{} used in GetShardIterator on shard {} in stream {}", text, input.shard_id, stream.name);
            invalid(format!("StartingSequenceNumber {place} is invalid."))
        })
    };
    let (from, since) = match input.shard_iterator_type.as_str() {
        "AT_SEQUENCE_NUMBER" => (counter()?, 0),
        "AFTER_SEQUENCE_NUMBER" => (counter()? + 1, 0),
        "LATEST" => (stream.counter + 1, 0),
        "AT_TIMESTAMP" => {
            let time = input.timestamp.ok_or_else(|| invalid("Must either specify timestamp or StartingSequenceNumber."))?;
            #[expect(clippy::cast_possible_truncation, reason = "a time of the caller's, in milliseconds")]
            let ms = (time * 1000.0) as i64;
            (0, ms)
        }
        _ => (0, 0),
    };
    let position = Position { stream: stream.id, shard: shard.number, from, since, issued: session.now };
    Ok(json!({ "ShardIterator": seal(&position) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetRecords {
    shard_iterator: String,
    limit: Option<i64>,
}

pub(super) fn records(session: &Session<'_>, input: GetRecords) -> Result<Value, ServiceError> {
    Constraints::default().within(input.limit, "limit", &(1..=10_000)).check()?;
    let position = unseal::<Position>(&input.shard_iterator).ok_or_else(|| invalid("Invalid ShardIterator."))?;
    let stream =
        Stream::by_id(session.connection, position.stream)?.ok_or_else(|| not_found("The stream of the iterator is gone.".to_owned()))?;
    session.authorize("kinesis:GetRecords", &session.stream_arn(&stream.name))?;
    if session.now - position.issued > LIFETIME {
        let message = "Iterator expired. The iterator was created more than 300 seconds ago, while the current time is later.";
        return Err(ServiceError::new("ExpiredIteratorException", message));
    }
    let shard = Shard::find(session.connection, &stream, &shard::id(position.shard), session.now)?;
    let since = position.since.max(stream.horizon(session.now));
    let sql = "SELECT counter, at, partition_key, data FROM kinesis_record
               WHERE stream = ?1 AND shard = ?2 AND counter >= ?3 AND at >= ?4 ORDER BY counter LIMIT ?5";
    let mut query = session.connection.prepare_cached(sql)?;
    let mut rows = query.query(params![stream.id, shard.number, position.from, since, input.limit.unwrap_or(10_000)])?;
    let (mut records, mut next, mut bytes, mut last) = (Vec::new(), position.from, 0, session.now);
    while let Some(row) = rows.next()? {
        let (counter, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let data: Vec<u8> = row.get(3)?;
        bytes += data.len();
        if bytes > PAGE && !records.is_empty() {
            break;
        }
        (next, last) = (counter + 1, at);
        records.push(json!({
            "SequenceNumber": stream.sequence(counter, shard.number),
            "ApproximateArrivalTimestamp": seconds(at),
            "Data": BASE64_STANDARD.encode(data),
            "PartitionKey": row.get::<_, String>(2)?,
            "EncryptionType": "NONE",
        }));
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM kinesis_record WHERE stream = ?1 AND shard = ?2 AND counter >= ?3)";
    let more: bool = session.connection.prepare_cached(sql)?.query_row((stream.id, shard.number, next), |row| row.get(0))?;
    let mut answer = json!({ "Records": records, "MillisBehindLatest": if more { session.now - last } else { 0 } });
    if more || shard.ending.is_none() {
        let position = Position { from: next, since: position.since, issued: session.now, ..position };
        answer["NextShardIterator"] = seal(&position).into();
    } else {
        let shards = Shard::all(session.connection, &stream, session.now)?;
        answer["ChildShards"] = shards.iter().filter(|child| child.is_child_of(&shard)).map(|child| as_child(child, &stream)).collect();
    }
    Ok(answer)
}

fn as_child(child: &Shard, stream: &Stream) -> Value {
    let whole = child.to_value(stream);
    json!({ "ShardId": whole["ShardId"], "ParentShards": child.parents(), "HashKeyRange": whole["HashKeyRange"] })
}
