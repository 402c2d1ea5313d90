//! Kinesis: streams, their shards, and the records in them. The limits of throughput (1,000 records a second and shard) are not kept.
#![expect(clippy::needless_pass_by_value, reason = "every action takes its input by value, so that all have one shape")]

mod list;
mod put;
mod read;
mod reshard;
mod settings;
mod shard;
mod stream;
mod tag;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;

use super::{
    ACCOUNT, Emulator,
    error::ServiceError,
    json::{self, Port, Session},
    request::{Call, Service},
};

/// The tables. Times are milliseconds since 1970; `low` and `high` are hash keys, big-endian, so that they sort.
///
/// A shard is open while `closed` is null; `opening` and `ending` are the counters of its first and last sequence number.
pub(crate) const SCHEMA: &str = "
CREATE TABLE kinesis_stream (
    id INTEGER PRIMARY KEY AUTOINCREMENT, region TEXT NOT NULL, name TEXT NOT NULL, mode TEXT NOT NULL, retention INTEGER NOT NULL,
    created INTEGER NOT NULL, counter INTEGER NOT NULL, UNIQUE (region, name)) STRICT;
CREATE TABLE kinesis_shard (
    stream INTEGER NOT NULL REFERENCES kinesis_stream ON DELETE CASCADE, number INTEGER NOT NULL, low BLOB NOT NULL, high BLOB NOT NULL,
    parent INTEGER, adjacent INTEGER, opening INTEGER NOT NULL, ending INTEGER, created INTEGER NOT NULL, closed INTEGER,
    PRIMARY KEY (stream, number)) STRICT, WITHOUT ROWID;
CREATE TABLE kinesis_record (
    stream INTEGER NOT NULL REFERENCES kinesis_stream ON DELETE CASCADE, shard INTEGER NOT NULL, counter INTEGER NOT NULL,
    at INTEGER NOT NULL, partition_key TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (stream, shard, counter)) STRICT, WITHOUT ROWID;
CREATE INDEX kinesis_record_by_time ON kinesis_record (stream, at);
";

/// Answers one call.
pub(crate) async fn handle(emulator: &Emulator, call: Arc<Call>) -> Result<Response<Bytes>, ServiceError> {
    let to = Port { emulator, call: &call };
    let answer = match call.action.as_str() {
        "PutRecord" => to.changing(put::one).await,
        "PutRecords" => to.changing(put::many).await,
        "GetShardIterator" => to.looking(read::iterator).await,
        "GetRecords" => to.looking(read::records).await,
        "CreateStream" => to.changing(stream::create).await,
        "DeleteStream" => to.changing(stream::delete).await,
        "DescribeStream" => to.looking(stream::describe).await,
        "DescribeStreamSummary" => to.looking(stream::summary).await,
        "ListStreams" => to.looking(list::streams).await,
        "ListShards" => to.looking(list::shards).await,
        "DescribeLimits" => to.looking(list::limits).await,
        "IncreaseStreamRetentionPeriod" => to.changing(settings::lengthen).await,
        "DecreaseStreamRetentionPeriod" => to.changing(settings::shorten).await,
        "UpdateStreamMode" => to.changing(settings::set_mode).await,
        "SplitShard" => to.changing(reshard::split).await,
        "MergeShards" => to.changing(reshard::merge).await,
        "UpdateShardCount" => to.changing(reshard::update_count).await,
        "AddTagsToStream" => to.changing(tag::add).await,
        "ListTagsForStream" => to.looking(tag::list).await,
        "RemoveTagsFromStream" => to.changing(tag::remove).await,
        "TagResource" => to.changing(tag::add_to_resource).await,
        "ListTagsForResource" => to.looking(tag::list_of_resource).await,
        "UntagResource" => to.changing(tag::remove_from_resource).await,
        _ => Err(json::unknown_action(&call)),
    };
    answer.map(|value| json::respond(Service::Kinesis, &value))
}

fn not_found(message: String) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message)
}

fn in_use(message: String) -> ServiceError {
    ServiceError::new("ResourceInUseException", message)
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidArgumentException", message)
}

impl Session<'_> {
    /// ARN of the stream called `name` in the caller's region.
    fn stream_arn(&self, name: &str) -> String {
        format!("arn:{}:kinesis:{}:{ACCOUNT}:stream/{name}", self.place.partition, self.place.region)
    }
}
