//! DynamoDB: tables, items, queries, and the streams of their changes.
//!
//! Ours: `dynoxide-rs`, the crate that comes nearest, links another SQLite, remembers tables for each process alone, and gives a stream one shard.
#![expect(clippy::needless_pass_by_value, reason = "every action takes its input by value, so that all have one shape")]

mod batch;
mod changes;
mod definition;
mod expression;
mod index;
mod item;
mod key;
mod key_condition;
mod number;
mod page;
mod query;
mod shards;
mod stream;
mod table;
mod tag;
#[cfg(test)]
mod tests;
mod value;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;

use super::{
    Emulator,
    error::ServiceError,
    json::{self, Port},
    request::Call,
};

/// The tables. Times are milliseconds since 1970.
///
/// `hash` and `range` are keys as bytes that sort as the keys do; where there is no range key, it is empty. An entry is an item's place in an
/// index. Streams outlive their tables, as AWS's do.
pub(crate) const SCHEMA: &str = "
CREATE TABLE dynamodb_table (
    id INTEGER PRIMARY KEY AUTOINCREMENT, region TEXT NOT NULL, name TEXT NOT NULL, uuid TEXT NOT NULL, definition TEXT NOT NULL,
    created INTEGER NOT NULL, UNIQUE (region, name)) STRICT;
CREATE TABLE dynamodb_item (
    tbl INTEGER NOT NULL REFERENCES dynamodb_table ON DELETE CASCADE, hash BLOB NOT NULL, range BLOB NOT NULL, size INTEGER NOT NULL,
    item TEXT NOT NULL, PRIMARY KEY (tbl, hash, range)) STRICT, WITHOUT ROWID;
CREATE TABLE dynamodb_entry (
    tbl INTEGER NOT NULL REFERENCES dynamodb_table ON DELETE CASCADE, idx TEXT NOT NULL, hash BLOB NOT NULL, range BLOB NOT NULL,
    item_hash BLOB NOT NULL, item_range BLOB NOT NULL,
    PRIMARY KEY (tbl, idx, hash, range, item_hash, item_range)) STRICT, WITHOUT ROWID;
CREATE TABLE dynamodb_stream (
    id INTEGER PRIMARY KEY AUTOINCREMENT, region TEXT NOT NULL, tbl INTEGER NOT NULL, table_name TEXT NOT NULL, label TEXT NOT NULL,
    view TEXT NOT NULL, keys TEXT NOT NULL, created INTEGER NOT NULL, disabled INTEGER, UNIQUE (region, table_name, label)) STRICT;
CREATE INDEX dynamodb_stream_by_table ON dynamodb_stream (tbl);
CREATE TABLE dynamodb_change (
    stream INTEGER NOT NULL REFERENCES dynamodb_stream ON DELETE CASCADE, sequence TEXT NOT NULL, at INTEGER NOT NULL,
    record TEXT NOT NULL, PRIMARY KEY (stream, sequence)) STRICT, WITHOUT ROWID;
";

/// Answers one call of DynamoDB.
pub(crate) async fn handle(emulator: &Emulator, call: Arc<Call>) -> Result<Response<Bytes>, ServiceError> {
    let to = Port { emulator, call: &call };
    let answer = match call.action.as_str() {
        "GetItem" => to.looking(query::get).await,
        "Query" => to.looking(query::query).await,
        "Scan" => to.looking(query::scan).await,
        "PutItem" => to.changing(write::put).await,
        "DeleteItem" => to.changing(write::delete).await,
        "UpdateItem" => to.changing(write::update).await,
        "BatchWriteItem" => to.changing(batch::write).await,
        "BatchGetItem" => to.looking(batch::get).await,
        "CreateTable" => to.changing(table::create).await,
        "UpdateTable" => to.changing(table::update).await,
        "DeleteTable" => to.changing(table::delete).await,
        "DescribeTable" => to.looking(table::describe).await,
        "ListTables" => to.looking(table::list).await,
        "TagResource" => to.changing(tag::add).await,
        "UntagResource" => to.changing(tag::remove).await,
        "ListTagsOfResource" => to.looking(tag::list).await,
        _ => Err(json::unknown_action(&call)),
    };
    answer.map(|value| json::respond(call.service, &value))
}

/// Answers one call of DynamoDB Streams.
pub(crate) async fn handle_streams(emulator: &Emulator, call: Arc<Call>) -> Result<Response<Bytes>, ServiceError> {
    let to = Port { emulator, call: &call };
    let answer = match call.action.as_str() {
        "DescribeStream" => to.looking(changes::describe).await,
        "ListStreams" => to.looking(changes::list).await,
        "GetShardIterator" => to.looking(changes::iterator).await,
        "GetRecords" => to.looking(changes::records).await,
        _ => Err(json::unknown_action(&call)),
    };
    answer.map(|value| json::respond(call.service, &value))
}
