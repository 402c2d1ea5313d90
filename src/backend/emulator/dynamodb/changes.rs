//! DynamoDB Streams: which streams and shards there are, and the changes in them.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    definition::table_name,
    shards::{KEPT, Shard, first_sequence, next_sequence},
    stream::Stream,
};
use crate::backend::emulator::{
    constraints::{Constraints, validation},
    error::ServiceError,
    json::{Session, seal, seconds, unseal},
};

/// How long an iterator is good, in milliseconds.
const LIFETIME: i64 = 15 * 60 * 1000;

fn not_found(what: &str) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", format!("Requested resource not found: {what} not found"))
}

/// The stream with this ARN, if the caller may do `action` on it.
fn open(session: &Session<'_>, arn: &str, action: &str) -> Result<Stream, ServiceError> {
    session.authorize(&format!("dynamodb:{action}"), arn)?;
    let path = arn.split_once(":table/").filter(|(place, _)| place.starts_with("arn:")).map(|(_, path)| path);
    let parts = path.and_then(|path| path.split_once("/stream/"));
    let (table, label) = parts.ok_or_else(|| validation(format!("Invalid StreamArn: {arn}")))?;
    let found = Stream::labelled(session.connection, &session.place.region, table, label)?;
    let is_there = |stream: &Stream| stream.arn(session) == arn && is_kept(stream, session.now);
    found.filter(is_there).ok_or_else(|| not_found(&format!("Stream: {arn}")))
}

fn is_kept(stream: &Stream, now: i64) -> bool {
    stream.span.disabled.is_none_or(|disabled| disabled > now - KEPT)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    r#type: Option<String>,
    shard_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    stream_arn: String,
    limit: Option<i64>,
    exclusive_start_shard_id: Option<String>,
    shard_filter: Option<Filter>,
}

pub(super) fn describe(session: &Session<'_>, input: Describe) -> Result<Value, ServiceError> {
    let kind = input.shard_filter.as_ref().and_then(|filter| filter.r#type.as_deref());
    Constraints::default().within(input.limit, "limit", &(1..=i64::MAX)).one_of(kind, "shardFilter.type", &["CHILD_SHARDS"]).check()?;
    let stream = open(session, &input.stream_arn, "DescribeStream")?;
    let label = stream.label.as_str();
    let mut shards = stream.span.shards(session.now);
    if let Some(parent) = input.shard_filter.as_ref().and_then(|filter| filter.shard_id.as_ref()) {
        shards.retain(|shard| shard.parent(label).as_ref() == Some(parent));
    }
    if let Some(after) = &input.exclusive_start_shard_id {
        // Ids begin with the time, so they sort; the one that is named may be gone.
        shards.retain(|shard| shard.id(label) > *after);
    }
    let most = usize::try_from(input.limit.unwrap_or(100)).unwrap_or(100).min(100);
    let more = shards.len() > most;
    shards.truncate(most);
    let mut description = json!({
        "StreamArn": input.stream_arn,
        "StreamLabel": label,
        "StreamStatus": if stream.span.disabled.is_none() { "ENABLED" } else { "DISABLED" },
        "StreamViewType": stream.view,
        "CreationRequestDateTime": seconds(stream.span.created),
        "TableName": stream.table,
        "KeySchema": stream.keys,
        "Shards": shards.iter().map(|shard| about(*shard, label)).collect::<Vec<_>>(),
    });
    if let Some(last) = shards.last().filter(|_| more) {
        description["LastEvaluatedShardId"] = last.id(label).into();
    }
    Ok(json!({ "StreamDescription": description }))
}

fn about(shard: Shard, label: &str) -> Value {
    let (first, last) = shard.sequences();
    let mut value = json!({ "ShardId": shard.id(label), "SequenceNumberRange": { "StartingSequenceNumber": first } });
    if let Some(last) = last {
        value["SequenceNumberRange"]["EndingSequenceNumber"] = last.into();
    }
    if let Some(parent) = shard.parent(label) {
        value["ParentShardId"] = parent.into();
    }
    value
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    table_name: Option<String>,
    limit: Option<i64>,
    exclusive_start_stream_arn: Option<String>,
}

pub(super) fn list(session: &Session<'_>, input: List) -> Result<Value, ServiceError> {
    Constraints::default().within(input.limit, "limit", &(1..=100)).check()?;
    let name = input.table_name.as_deref().map(table_name).transpose()?;
    session.authorize("dynamodb:ListStreams", &format!("{}/stream/*", session.table_arn(name.unwrap_or("*"))))?;
    let all = Stream::all(session.connection, &session.place.region, name, session.now)?;
    let after = input.exclusive_start_stream_arn.as_ref();
    let begin = after.and_then(|arn| all.iter().position(|stream| stream.arn(session) == *arn)).map_or(0, |position| position + 1);
    let most = usize::try_from(input.limit.unwrap_or(100)).unwrap_or(100);
    let page = &all[begin..all.len().min(begin + most)];
    let line = |stream: &Stream| json!({ "StreamArn": stream.arn(session), "StreamLabel": stream.label, "TableName": stream.table });
    let mut answer = json!({ "Streams": page.iter().map(line).collect::<Vec<_>>() });
    if let Some(last) = page.last().filter(|_| begin + page.len() < all.len()) {
        answer["LastEvaluatedStreamArn"] = last.arn(session).into();
    }
    Ok(answer)
}

/// What is in an iterator.
#[derive(Serialize, Deserialize)]
struct Position {
    stream: i64,
    shard: i64,
    /// The first sequence number to read.
    from: String,
    issued: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetIterator {
    stream_arn: String,
    shard_id: String,
    shard_iterator_type: String,
    sequence_number: Option<String>,
}

pub(super) fn iterator(session: &Session<'_>, input: GetIterator) -> Result<Value, ServiceError> {
    let types = ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON", "LATEST"];
    Constraints::default().one_of(Some(&input.shard_iterator_type), "shardIteratorType", &types).check()?;
    let stream = open(session, &input.stream_arn, "GetShardIterator")?;
    let mut shards = stream.span.shards(session.now).into_iter();
    let shard = shards.find(|shard| shard.id(&stream.label) == input.shard_id);
    let shard = shard.ok_or_else(|| not_found(&format!("Shard: {}", input.shard_id)))?;
    let given = || {
        let number = input.sequence_number.clone().filter(|number| number.len() == 21 && number.bytes().all(|byte| byte.is_ascii_digit()));
        number.ok_or_else(|| validation("Invalid SequenceNumber: it must be one that a record of the stream has"))
    };
    let (first, _) = shard.sequences();
    let from = match input.shard_iterator_type.as_str() {
        "AT_SEQUENCE_NUMBER" => given()?,
        "AFTER_SEQUENCE_NUMBER" => next_sequence(&given()?),
        "LATEST" => stream.next_sequence(session.connection, session.now)?,
        _ => first,
    };
    Ok(json!({ "ShardIterator": seal(&Position { stream: stream.id, shard: shard.index, from, issued: session.now }) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetRecords {
    shard_iterator: String,
    limit: Option<i64>,
}

pub(super) fn records(session: &Session<'_>, input: GetRecords) -> Result<Value, ServiceError> {
    Constraints::default().within(input.limit, "limit", &(1..=1000)).check()?;
    let position = unseal::<Position>(&input.shard_iterator).ok_or_else(|| validation("Invalid ShardIterator"))?;
    let stream = Stream::by_id(session.connection, position.stream)?.filter(|stream| is_kept(stream, session.now));
    let stream = stream.ok_or_else(|| not_found("Stream"))?;
    session.authorize("dynamodb:GetRecords", &stream.arn(session))?;
    if session.now - position.issued > LIFETIME {
        return Err(ServiceError::new("ExpiredIteratorException", "Shard iterator has expired: it is older than 15 minutes"));
    }
    let shard = stream.span.shards(session.now).into_iter().find(|shard| shard.index == position.shard);
    let shard = shard.ok_or_else(|| ServiceError::new("TrimmedDataAccessException", "The shard of the iterator has been trimmed"))?;
    let (first, last) = shard.sequences();
    let from = position.from.clone().max(first).max(first_sequence(session.now - KEPT));
    let until = last.clone().unwrap_or_else(|| "9".repeat(21));
    let sql =
        "SELECT sequence, record FROM dynamodb_change WHERE stream = ?1 AND sequence >= ?2 AND sequence <= ?3 ORDER BY sequence LIMIT ?4";
    let mut query = session.connection.prepare_cached(sql)?;
    let limit = input.limit.unwrap_or(1000);
    let rows = query.query_map(params![stream.id, from, until, limit], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let found = rows.collect::<Result<Vec<_>, _>>()?;
    let next = found.last().map_or(from, |(sequence, _)| next_sequence(sequence));
    let is_full = i64::try_from(found.len()).is_ok_and(|count| count == limit);
    let records: Vec<Value> = found.iter().filter_map(|(_, record)| serde_json::from_str(record).ok()).collect();
    let mut answer = json!({ "Records": records });
    if last.is_none() || is_full {
        answer["NextShardIterator"] = seal(&Position { from: next, issued: session.now, ..position }).into();
    }
    Ok(answer)
}
