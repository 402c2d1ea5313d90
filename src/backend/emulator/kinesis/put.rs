//! Putting records: each goes to the open shard that takes its key.

use base64::{Engine, prelude::BASE64_STANDARD};
use rusqlite::params;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    invalid,
    shard::{self, Shard, hash, written_as_key},
    stream::{Stream, Target},
};
use crate::backend::emulator::{constraints::Constraints, error::ServiceError, json::Session};

/// Longest record with its partition key, in bytes.
const RECORD: usize = 1024 * 1024;
/// Most records, and bytes with their keys, of one `PutRecords`.
const RECORDS: usize = 500;
const BATCH: usize = 5 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    data: String,
    partition_key: String,
    explicit_hash_key: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PutRecord {
    #[serde(flatten)]
    target: Target,
    #[serde(flatten)]
    record: Record,
}

#[derive(Deserialize)]
pub(super) struct PutRecords {
    #[serde(flatten)]
    target: Target,
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

/// A record whose shard is known by its key.
struct Checked {
    data: Vec<u8>,
    partition_key: String,
    key: u128,
}

impl Record {
    fn check(self, field: &str) -> Result<Checked, ServiceError> {
        let data = BASE64_STANDARD
            .decode(&self.data)
            .map_err(|error| ServiceError::new("SerializationException", format!("{field}data is not base64: {error}")))?;
        let mut constraints = Constraints::default().sized(data.len(), &format!("{field}data"), (0, RECORD)).sized(
            self.partition_key.chars().count(),
            &format!("{field}partitionKey"),
            (1, 256),
        );
        if let Some(key) = &self.explicit_hash_key {
            constraints = written_as_key(constraints, key, &format!("{field}explicitHashKey"));
        }
        constraints.check()?;
        let key = match &self.explicit_hash_key {
            None => hash(&self.partition_key),
            Some(text) => text.parse().map_err(|_| {
                let rule = "ExplicitHashKey must be in the range: [0, 2^128-1].";
                invalid(format!("Invalid ExplicitHashKey. {rule} Specified value was {text}"))
            })?,
        };
        Ok(Checked { data, partition_key: self.partition_key, key })
    }
}

impl Checked {
    /// Its bytes with those of its partition key.
    fn size(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }

    /// Refuses a record that its partition key makes too large.
    fn fits(&self, field: &str) -> Result<(), ServiceError> {
        Constraints::default().sized(self.size(), &format!("{field}data"), (0, RECORD)).check()
    }
}

/// Where records of one stream go.
struct Writer<'a> {
    session: &'a Session<'a>,
    stream: Stream,
    shards: Vec<Shard>,
}

impl<'a> Writer<'a> {
    fn open(session: &'a Session<'a>, target: &Target, action: &str) -> Result<Self, ServiceError> {
        let stream = Stream::open(session, target, action)?;
        let shards = Shard::open(session.connection, &stream)?;
        session
            .connection
            .prepare_cached("DELETE FROM kinesis_record WHERE stream = ?1 AND at < ?2")?
            .execute((stream.id, stream.horizon(session.now)))?;
        Ok(Self { session, stream, shards })
    }

    fn put(&mut self, record: &Checked) -> Result<Value, ServiceError> {
        let index = self.shards.partition_point(|shard| shard.range.high < record.key);
        let number = self.shards.get(index).map(|shard| shard.number);
        let number = number.ok_or_else(|| ServiceError::new("InternalFailure", "no shard takes this key").status(500))?;
        let counter = self.stream.advance();
        let sql = "INSERT INTO kinesis_record (stream, shard, counter, at, partition_key, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let row = params![self.stream.id, number, counter, self.session.now, record.partition_key, record.data];
        self.session.connection.prepare_cached(sql)?.execute(row)?;
        Ok(json!({ "ShardId": shard::id(number), "SequenceNumber": self.stream.sequence(counter, number) }))
    }
}

pub(super) fn one(session: &Session<'_>, input: PutRecord) -> Result<Value, ServiceError> {
    let record = input.record.check("")?;
    record.fits("")?;
    let mut writer = Writer::open(session, &input.target, "PutRecord")?;
    let mut answer = writer.put(&record)?;
    writer.stream.keep_counter(session.connection)?;
    answer["EncryptionType"] = "NONE".into();
    Ok(answer)
}

pub(super) fn many(session: &Session<'_>, input: PutRecords) -> Result<Value, ServiceError> {
    Constraints::default().sized(input.records.len(), "records", (1, RECORDS)).check()?;
    let field = |index: usize| format!("records.{}.member.", index + 1);
    let check = |(index, record): (usize, Record)| record.check(&field(index));
    let records = input.records.into_iter().enumerate().map(check).collect::<Result<Vec<_>, _>>()?;
    if records.iter().map(Checked::size).sum::<usize>() > BATCH {
        return Err(invalid(format!("Records size exceeds {} MB limit", BATCH / 1024 / 1024)));
    }
    records.iter().enumerate().try_for_each(|(index, record)| record.fits(&field(index)))?;
    let mut writer = Writer::open(session, &input.target, "PutRecords")?;
    let answers = records.iter().map(|record| writer.put(record)).collect::<Result<Vec<_>, _>>()?;
    writer.stream.keep_counter(session.connection)?;
    Ok(json!({ "FailedRecordCount": 0, "Records": answers, "EncryptionType": "NONE" }))
}
