//! Lists: the streams of a region, the shards of a stream, and how many there may be.

use rusqlite::params;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    invalid,
    shard::{self, Shard},
    stream::{Stream, Target, limit, open_shards},
};
use crate::backend::emulator::{constraints::Constraints, error::ServiceError, json::Session};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListStreams {
    limit: Option<i64>,
    exclusive_start_stream_name: Option<String>,
    next_token: Option<String>,
}

/// The streams by name, in pages.
pub(super) fn streams(session: &Session<'_>, input: ListStreams) -> Result<Value, ServiceError> {
    Constraints::default().within(input.limit, "limit", &(1..=10_000)).check()?;
    session.authorize("kinesis:ListStreams", "*")?;
    let after = input.exclusive_start_stream_name.or(input.next_token).unwrap_or_default();
    let most = usize::try_from(input.limit.unwrap_or(100)).unwrap_or(100);
    let sql = format!("SELECT {} FROM kinesis_stream WHERE region = ?1 AND name > ?2 ORDER BY name LIMIT ?3", Stream::COLUMNS);
    let mut query = session.connection.prepare_cached(&sql)?;
    let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
    let mut found = query.query_map(params![session.place.region, after, limit], Stream::read)?.collect::<Result<Vec<_>, _>>()?;
    let more = found.len() > most;
    found.truncate(most);
    let about = |stream: &Stream| {
        let whole = stream.describe(session);
        let fields = ["StreamName", "StreamARN", "StreamStatus", "StreamModeDetails", "StreamCreationTimestamp"];
        Value::Object(fields.iter().map(|field| ((*field).to_owned(), whole[*field].clone())).collect())
    };
    let mut answer = json!({
        "StreamNames": found.iter().map(|stream| stream.name.as_str()).collect::<Vec<_>>(),
        "StreamSummaries": found.iter().map(about).collect::<Vec<_>>(),
        "HasMoreStreams": more,
    });
    if let Some(last) = found.last().filter(|_| more) {
        answer["NextToken"] = last.name.as_str().into();
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    r#type: Option<String>,
    shard_id: Option<String>,
    timestamp: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListShards {
    #[serde(flatten)]
    target: Target,
    next_token: Option<String>,
    exclusive_start_shard_id: Option<String>,
    max_results: Option<i64>,
    shard_filter: Option<Filter>,
}

pub(super) fn shards(session: &Session<'_>, input: ListShards) -> Result<Value, ServiceError> {
    Constraints::default().within(input.max_results, "maxResults", &(1..=10_000)).check()?;
    let (target, after) = match &input.next_token {
        Some(_) if input.target.name.is_some() => {
            return Err(invalid("NextToken and StreamName cannot be provided together."));
        }
        // The token is the ARN of the stream and the last shard that was listed.
        Some(token) => {
            let parts = token.rsplit_once('#').and_then(|(arn, last)| Some((arn, shard::number(last)?)));
            let (arn, last) = parts.ok_or_else(|| invalid("Invalid NextToken."))?;
            (Target { name: None, arn: Some(arn.to_owned()) }, last)
        }
        None => (input.target.clone(), input.exclusive_start_shard_id.as_deref().and_then(shard::number).unwrap_or(-1)),
    };
    let stream = Stream::open(session, &target, "ListShards")?;
    let mut shards = Shard::all(session.connection, &stream, session.now)?;
    if let Some(filter) = &input.shard_filter {
        narrow(&mut shards, filter)?;
    }
    shards.retain(|shard| shard.number > after);
    let most = usize::try_from(input.max_results.unwrap_or(1000)).unwrap_or(1000);
    let more = shards.len() > most;
    shards.truncate(most);
    let mut answer = json!({ "Shards": shards.iter().map(|shard| shard.to_value(&stream)).collect::<Vec<_>>() });
    if let Some(last) = shards.last().filter(|_| more) {
        answer["NextToken"] = format!("{}#{}", session.stream_arn(&stream.name), shard::id(last.number)).into();
    }
    Ok(answer)
}

fn narrow(shards: &mut Vec<Shard>, filter: &Filter) -> Result<(), ServiceError> {
    #[expect(clippy::cast_possible_truncation, reason = "a time of the caller's, in milliseconds")]
    let at = filter.timestamp.map(|seconds| (seconds * 1000.0) as i64);
    let is_open_at = |shard: &Shard, time: i64| shard.created <= time && shard.closed.is_none_or(|closed| closed > time);
    match (filter.r#type.as_deref(), at) {
        (Some("AT_LATEST"), _) => shards.retain(|shard| shard.closed.is_none()),
        (Some("AT_TRIM_HORIZON"), _) => {
            let first = shards.iter().map(|shard| shard.created).min().unwrap_or_default();
            shards.retain(|shard| shard.created == first);
        }
        (Some("FROM_TRIM_HORIZON"), _) => {}
        (Some("AT_TIMESTAMP"), Some(time)) => shards.retain(|shard| is_open_at(shard, time)),
        (Some("FROM_TIMESTAMP"), Some(time)) => shards.retain(|shard| shard.closed.is_none_or(|closed| closed > time)),
        (Some("AFTER_SHARD_ID"), _) => {
            let after = filter.shard_id.as_deref().and_then(shard::number);
            let after = after.ok_or_else(|| invalid("The shard filter AFTER_SHARD_ID needs a ShardId."))?;
            shards.retain(|shard| shard.number > after);
        }
        _ => return Err(invalid("The shard filter must have a known Type, and a Timestamp where the type names one.")),
    }
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

pub(super) fn limits(session: &Session<'_>, _input: Nothing) -> Result<Value, ServiceError> {
    session.authorize("kinesis:DescribeLimits", "*")?;
    let sql = "SELECT count(*) FROM kinesis_stream WHERE region = ?1 AND mode = 'ON_DEMAND'";
    let on_demand: i64 = session.connection.query_row(sql, [&session.place.region], |row| row.get(0))?;
    Ok(json!({
        "ShardLimit": limit(&session.place.region),
        "OpenShardCount": open_shards(session)?,
        "OnDemandStreamCount": on_demand,
        "OnDemandStreamCountLimit": 50,
    }))
}
