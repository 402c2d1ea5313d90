//! Streams: making, describing, listing and deleting them; their retention and mode.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    in_use, invalid, not_found,
    shard::{self, HashRange, Shard},
    tag,
};
use crate::backend::emulator::{
    ACCOUNT,
    constraints::{Constraints, Name},
    error::ServiceError,
    json::{Session, seconds},
    tags,
};

/// How many shards a stream has that is made on demand.
const ON_DEMAND_SHARDS: u32 = 4;
const HOUR: i64 = 3_600_000;
const NAME: Name = Name { length: (1, 128), allowed: |c| c.is_ascii_alphanumeric() || "_.-".contains(c), pattern: "[a-zA-Z0-9_.-]+" };

/// A stream as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) mode: String,
    /// In hours.
    pub(super) retention: i64,
    created: i64,
    /// The last sequence number's counter.
    pub(super) counter: i64,
}

/// Which stream an action is about.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Target {
    #[serde(rename = "StreamName")]
    pub(super) name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub(super) arn: Option<String>,
}

impl Target {
    /// The name, from wherever it is.
    pub(super) fn name(&self) -> Result<&str, ServiceError> {
        let name = match (&self.name, &self.arn) {
            (Some(name), _) => name,
            (None, Some(arn)) => name_in(arn)?,
            (None, None) => return Err(invalid("StreamARN and StreamName are both null: one of them is required.")),
        };
        Constraints::default().name(name, "streamName", NAME).check()?;
        Ok(name)
    }
}

/// The stream's name in an ARN.
pub(super) fn name_in(arn: &str) -> Result<&str, ServiceError> {
    let part = arn.splitn(6, ':').nth(5).filter(|_| arn.starts_with("arn:") && arn.contains(":kinesis:"));
    part.and_then(|part| part.strip_prefix("stream/"))
        .ok_or_else(|| invalid(format!("The specified ARN {arn} is not the ARN of a stream.")))
}

impl Stream {
    pub(super) const COLUMNS: &'static str = "id, name, mode, retention, created, counter";

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            mode: row.get(2)?,
            retention: row.get(3)?,
            created: row.get(4)?,
            counter: row.get(5)?,
        })
    }

    fn find(connection: &Connection, region: &str, name: &str) -> Result<Option<Self>, ServiceError> {
        let sql = format!("SELECT {} FROM kinesis_stream WHERE region = ?1 AND name = ?2", Self::COLUMNS);
        Ok(connection.prepare_cached(&sql)?.query_row((region, name), Self::read).optional()?)
    }

    /// The stream that `target` names, if the caller may do `action` on it.
    pub(super) fn open(session: &Session<'_>, target: &Target, action: &str) -> Result<Self, ServiceError> {
        let name = target.name()?;
        session.authorize(&format!("kinesis:{action}"), &session.stream_arn(name))?;
        Self::find(session.connection, &session.place.region, name)?
            .ok_or_else(|| not_found(format!("Stream {name} under account {ACCOUNT} not found.")))
    }

    /// The stream with this row, of an iterator.
    pub(super) fn by_id(connection: &Connection, id: i64) -> Result<Option<Self>, ServiceError> {
        let sql = format!("SELECT {} FROM kinesis_stream WHERE id = ?1", Self::COLUMNS);
        Ok(connection.prepare_cached(&sql)?.query_row([id], Self::read).optional()?)
    }

    /// Records before this time are gone.
    pub(super) fn horizon(&self, now: i64) -> i64 {
        now - self.retention * HOUR
    }

    /// The counter of the next sequence number. Kept by [`Stream::keep_counter`].
    pub(super) fn advance(&mut self) -> i64 {
        self.counter += 1;
        self.counter
    }

    pub(super) fn keep_counter(&self, connection: &Connection) -> Result<(), ServiceError> {
        connection.prepare_cached("UPDATE kinesis_stream SET counter = ?2 WHERE id = ?1")?.execute((self.id, self.counter))?;
        Ok(())
    }

    /// A sequence number: 56 digits that sort as text within the stream.
    pub(super) fn sequence(&self, counter: i64, shard: i64) -> String {
        format!("49{:013}{counter:035}{shard:06}", self.created)
    }

    /// The counter in a sequence number of this stream.
    pub(super) fn counter_in(&self, sequence: &str) -> Option<i64> {
        let rest = sequence.strip_prefix(&format!("49{:013}", self.created))?;
        (rest.len() == 41 && rest.bytes().all(|byte| byte.is_ascii_digit())).then(|| rest[..35].parse().ok())?
    }

    pub(super) fn describe(&self, session: &Session<'_>) -> Value {
        json!({
            "StreamName": self.name,
            "StreamARN": session.stream_arn(&self.name),
            "StreamStatus": "ACTIVE",
            "StreamModeDetails": { "StreamMode": self.mode },
            "RetentionPeriodHours": self.retention,
            "StreamCreationTimestamp": seconds(self.created),
            "EnhancedMonitoring": [{ "ShardLevelMetrics": [] }],
            "EncryptionType": "NONE",
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ModeDetails {
    stream_mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    #[serde(flatten)]
    target: Target,
    shard_count: Option<i64>,
    stream_mode_details: Option<ModeDetails>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// The mode in `details`, if it is one.
pub(super) fn checked_mode(details: Option<&ModeDetails>) -> Result<Option<&str>, ServiceError> {
    let mode = details.and_then(|details| details.stream_mode.as_deref());
    Constraints::default().one_of(mode, "streamModeDetails.streamMode", &["PROVISIONED", "ON_DEMAND"]).check()?;
    Ok(mode)
}

pub(super) fn create(session: &Session<'_>, input: Create) -> Result<Value, ServiceError> {
    let Target { name: Some(name), .. } = &input.target else {
        return Constraints::default().missing("streamName").check().map(|()| Value::Null);
    };
    Constraints::default().name(name, "streamName", NAME).within(input.shard_count, "shardCount", &(1..=i64::from(i32::MAX))).check()?;
    let mode = checked_mode(input.stream_mode_details.as_ref())?.unwrap_or("PROVISIONED");
    let arn = session.stream_arn(name);
    session.authorize("kinesis:CreateStream", &arn)?;
    let shards = match (mode, input.shard_count) {
        ("ON_DEMAND", None) => ON_DEMAND_SHARDS,
        ("ON_DEMAND", Some(_)) => {
            let message = "Requests to create streams with ON_DEMAND mode can not specify a ShardCount.";
            return Err(ServiceError::new("ValidationException", message));
        }
        (_, None) => return Err(ServiceError::new("ValidationException", "ShardCount is required for a stream in PROVISIONED mode.")),
        (_, Some(count)) => {
            within_limit(session, count)?;
            u32::try_from(count).unwrap_or(u32::MAX)
        }
    };
    if Stream::find(session.connection, &session.place.region, name)?.is_some() {
        return Err(in_use(format!("Stream {name} under account {ACCOUNT} already exists.")));
    }
    session.connection.execute(
        "INSERT INTO kinesis_stream (region, name, mode, retention, created, counter) VALUES (?1, ?2, ?3, 24, ?4, 0)",
        params![session.place.region, name, mode, session.now],
    )?;
    let id = session.connection.last_insert_rowid();
    let mut stream = Stream { id, name: name.clone(), mode: mode.to_owned(), retention: 24, created: session.now, counter: 0 };
    for range in HashRange::uniform(shards) {
        Shard::add(session.connection, &mut stream, range, (None, None), session.now)?;
    }
    stream.keep_counter(session.connection)?;
    tag::put(session, &arn, &input.tags)?;
    Ok(Value::Null)
}

/// Most open shards of provisioned streams, as AWS has it by default.
pub(super) fn limit(region: &str) -> i64 {
    if ["us-east-1", "us-west-2", "eu-west-1"].contains(&region) { 20_000 } else { 1_000 }
}

/// How many shards of provisioned streams are open in the caller's region.
pub(super) fn open_shards(session: &Session<'_>) -> Result<i64, ServiceError> {
    let sql = "SELECT count(*) FROM kinesis_shard JOIN kinesis_stream ON id = stream
               WHERE region = ?1 AND mode = 'PROVISIONED' AND closed IS NULL";
    Ok(session.connection.query_row(sql, [&session.place.region], |row| row.get(0))?)
}

/// Refuses `more` shards beyond the account's limit.
pub(super) fn within_limit(session: &Session<'_>, more: i64) -> Result<(), ServiceError> {
    let (limit, current) = (limit(&session.place.region), open_shards(session)?);
    if current + more <= limit {
        return Ok(());
    }
    let message = format!(
        "This request would exceed the shard limit for the account {ACCOUNT} in {}. Current shard count for the account: {current}. \
         Limit: {limit}. Number of additional shards that would have resulted from this request: {more}.",
        session.place.region
    );
    Err(ServiceError::new("LimitExceededException", message))
}

pub(super) fn delete(session: &Session<'_>, input: Target) -> Result<Value, ServiceError> {
    let stream = Stream::open(session, &input, "DeleteStream")?;
    tags::clear(session.connection, &session.stream_arn(&stream.name))?;
    session.connection.execute("DELETE FROM kinesis_stream WHERE id = ?1", [stream.id])?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    #[serde(flatten)]
    target: Target,
    limit: Option<i64>,
    exclusive_start_shard_id: Option<String>,
}

pub(super) fn describe(session: &Session<'_>, input: Describe) -> Result<Value, ServiceError> {
    Constraints::default().within(input.limit, "limit", &(1..=10_000)).check()?;
    let stream = Stream::open(session, &input.target, "DescribeStream")?;
    let after = match input.exclusive_start_shard_id.as_deref() {
        None => -1,
        Some(id) => shard::number(id).ok_or_else(|| invalid(format!("ExclusiveStartShardId {id} is not a shard's id.")))?,
    };
    let most = usize::try_from(input.limit.unwrap_or(100)).unwrap_or(100);
    let mut shards = Shard::all(session.connection, &stream, session.now)?;
    shards.retain(|shard| shard.number > after);
    let more = shards.len() > most;
    let mut description = stream.describe(session);
    description["Shards"] = shards.iter().take(most).map(|shard| shard.to_value(&stream)).collect();
    description["HasMoreShards"] = more.into();
    Ok(json!({ "StreamDescription": description }))
}

pub(super) fn summary(session: &Session<'_>, input: Target) -> Result<Value, ServiceError> {
    let stream = Stream::open(session, &input, "DescribeStreamSummary")?;
    let open: i64 = session
        .connection
        .prepare_cached("SELECT count(*) FROM kinesis_shard WHERE stream = ?1 AND closed IS NULL")?
        .query_row([stream.id], |row| row.get(0))?;
    let mut description = stream.describe(session);
    description["OpenShardCount"] = open.into();
    description["ConsumerCount"] = 0.into();
    Ok(json!({ "StreamDescriptionSummary": description }))
}
