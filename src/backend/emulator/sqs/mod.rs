//! SQS: queues and messages, on both wires.
#![expect(clippy::needless_pass_by_value, reason = "every action takes its input by value, so that all have one shape")]

mod attributes;
mod batch;
mod checksum;
mod error;
mod fifo;
mod message;
mod move_task;
mod permission;
mod policy;
mod queue;
mod receipt;
mod receive;
mod send;
mod session;
mod settle;
mod tag;
mod wire;

#[cfg(test)]
mod model;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Emulator, error::ServiceError, request::Call};
use session::Session;

/// The tables.
///
/// A message is visible when `visible_at` has come, in flight when it has not and `taken` is 1, delayed when
/// `taken` is 0. Nothing is written when time passes: every reading compares with the clock.
pub(crate) const SCHEMA: &str = "
CREATE TABLE queues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    attributes TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    purged INTEGER NOT NULL DEFAULT 0,
    UNIQUE (region, name)
);
CREATE TABLE queue_tags (
    queue INTEGER NOT NULL REFERENCES queues ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE TABLE deleted_queues (
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (region, name)
) WITHOUT ROWID;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue INTEGER NOT NULL REFERENCES queues ON DELETE CASCADE,
    visible_at INTEGER NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0,
    sent INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    first_received INTEGER,
    received INTEGER,
    receipt BLOB,
    fifo INTEGER,
    grp TEXT,
    dedup TEXT,
    origin TEXT,
    sender TEXT NOT NULL,
    message_id TEXT NOT NULL,
    trace TEXT,
    attributes TEXT,
    body TEXT NOT NULL
);
CREATE INDEX messages_by_time ON messages (queue, visible_at, taken, sent);
CREATE INDEX messages_by_order ON messages (queue) WHERE fifo IS NOT NULL;
CREATE INDEX messages_by_group ON messages (queue, grp, visible_at, taken) WHERE fifo IS NOT NULL;
CREATE TABLE deduplication (
    queue INTEGER NOT NULL REFERENCES queues ON DELETE CASCADE,
    scope TEXT NOT NULL,
    dedup TEXT NOT NULL,
    message INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (queue, scope, dedup)
) WITHOUT ROWID;
CREATE INDEX deduplication_by_time ON deduplication (queue, at);
CREATE TABLE receive_attempts (
    queue INTEGER NOT NULL REFERENCES queues ON DELETE CASCADE,
    attempt TEXT NOT NULL,
    at INTEGER NOT NULL,
    messages TEXT NOT NULL,
    PRIMARY KEY (queue, attempt)
) WITHOUT ROWID;
CREATE TABLE move_tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    handle TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    destination TEXT,
    per_second INTEGER,
    status TEXT NOT NULL,
    started INTEGER NOT NULL,
    total INTEGER NOT NULL,
    moved INTEGER NOT NULL DEFAULT 0,
    failure TEXT
);
CREATE INDEX move_tasks_running ON move_tasks (id) WHERE status = 'RUNNING';
";

/// Answers one call.
pub(crate) async fn handle(emulator: &Emulator, call: Arc<Call>) -> Result<Response<Bytes>, ServiceError> {
    let to = Port { emulator, call: &call };
    let answer = match call.action.as_str() {
        "SendMessage" => to.waking(send::send).await,
        "SendMessageBatch" => to.waking(send::send_batch).await,
        "ReceiveMessage" => receive::receive(emulator, &call).await,
        "DeleteMessage" => to.changing(settle::delete).await,
        "DeleteMessageBatch" => to.changing(settle::delete_batch).await,
        "ChangeMessageVisibility" => to.waking(settle::change_visibility).await,
        "ChangeMessageVisibilityBatch" => to.waking(settle::change_visibility_batch).await,
        "CreateQueue" => to.changing(queue::create).await,
        "DeleteQueue" => to.changing(queue::delete).await,
        "PurgeQueue" => to.changing(queue::purge).await,
        "GetQueueUrl" => to.looking(queue::url).await,
        "ListQueues" => to.looking(queue::list).await,
        "ListDeadLetterSourceQueues" => to.looking(queue::list_sources).await,
        "GetQueueAttributes" => to.looking(attributes::get).await,
        "SetQueueAttributes" => to.waking(attributes::set).await,
        "TagQueue" => to.changing(tag::add).await,
        "UntagQueue" => to.changing(tag::remove).await,
        "ListQueueTags" => to.looking(tag::list).await,
        "AddPermission" => to.changing(permission::add).await,
        "RemovePermission" => to.changing(permission::remove).await,
        "StartMessageMoveTask" => to.waking(move_task::start).await,
        "ListMessageMoveTasks" => to.looking(move_task::list).await,
        "CancelMessageMoveTask" => to.changing(move_task::cancel).await,
        _ => Err(error::unknown_action(&call)),
    };
    answer.and_then(|value| wire::respond(&call, &value))
}

/// The names of the region's queues, in order; for CloudWatch.
pub(crate) fn queue_names(connection: &Connection, region: &str) -> Result<Vec<String>, ServiceError> {
    queue::Queue::names(connection, region, "", "")
}

/// How many messages of the queue called `name` are visible, in flight and delayed at `now` (milliseconds since 1970).
pub(crate) fn counters(connection: &Connection, call: &Call, now: i64, name: &str) -> Result<Option<[i64; 3]>, ServiceError> {
    let Some(queue) = queue::Queue::find(connection, &call.region, name)? else { return Ok(None) };
    let session = Session { connection, call, now, reuse: super::NameReuse::default() };
    let attributes::Counters { visible, in_flight, delayed } = attributes::Counters::count(&session, &queue)?;
    Ok(Some([visible, in_flight, delayed]))
}

/// Brings an action's input to it, in the kind of transaction that it needs.
struct Port<'a> {
    emulator: &'a Emulator,
    call: &'a Arc<Call>,
}

impl Port<'_> {
    /// Runs an action that only reads.
    async fn looking<I: DeserializeOwned + Send + 'static>(&self, action: Action<I>) -> Result<Value, ServiceError> {
        move_task::catch_up(self.emulator).await?;
        let input = wire::read(self.call)?;
        let (call, clock) = (self.call.clone(), self.emulator.clock.clone());
        let reuse = self.emulator.reuse;
        self.emulator.store.read(move |connection| action(&Session { connection, call: &call, now: clock.now_ms(), reuse }, input)).await
    }

    /// Runs an action that writes.
    async fn changing<I: DeserializeOwned + Send + 'static>(&self, action: Action<I>) -> Result<Value, ServiceError> {
        let input = wire::read(self.call)?;
        session::change(self.emulator, self.call, move |session| action(session, input)).await
    }

    /// Runs an action that writes, and after which a long poll may find a message.
    async fn waking<I: DeserializeOwned + Send + 'static>(&self, action: Action<I>) -> Result<Value, ServiceError> {
        let answer = self.changing(action).await;
        self.emulator.arrivals.notify_waiters();
        answer
    }
}

/// An action: its input to its answer in the JSON wire's shape.
type Action<I> = fn(&Session<'_>, I) -> Result<Value, ServiceError>;
