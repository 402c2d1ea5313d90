//! What a receiver does with a message: delete it, or hide it for longer or shorter.

use rusqlite::OptionalExtension;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    batch::{self, Entry},
    error, fifo,
    queue::Queue,
    receipt::Receipt,
    session::Session,
    wire::{Number, number_or_text},
};
use crate::backend::emulator::error::ServiceError;

/// Longest that one receive may hide a message, extended or not, in whole seconds.
const LONGEST: i64 = 43_200;

/// `DeleteMessage` and `ChangeMessageVisibility`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Settle {
    queue_url: Option<String>,
    receipt_handle: Option<String>,
    #[serde(default, deserialize_with = "number_or_text")]
    visibility_timeout: Option<Number>,
}

/// Their batches.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SettleBatch<E> {
    queue_url: Option<String>,
    #[serde(default = "Vec::new")]
    entries: Vec<E>,
}

/// One of `DeleteMessageBatch`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteEntry {
    id: Option<String>,
    receipt_handle: Option<String>,
}

/// One of `ChangeMessageVisibilityBatch`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VisibilityEntry {
    id: Option<String>,
    receipt_handle: Option<String>,
    #[serde(default, deserialize_with = "number_or_text")]
    visibility_timeout: Option<Number>,
}

impl Entry for DeleteEntry {
    const NAME: &'static str = "DeleteMessageBatchRequestEntry";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl Entry for VisibilityEntry {
    const NAME: &'static str = "ChangeMessageVisibilityBatchRequestEntry";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// Deletes one; a message that is gone, or was received anew, is no error.
pub(super) fn delete(session: &Session<'_>, input: Settle) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:DeleteMessage")?;
    delete_one(session, &queue, input.receipt_handle.as_deref())
}

/// Deletes up to ten.
pub(super) fn delete_batch(session: &Session<'_>, input: SettleBatch<DeleteEntry>) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:DeleteMessage")?;
    batch::check(&input.entries)?;
    batch::each(input.entries, |entry| delete_one(session, &queue, entry.receipt_handle.as_deref()))
}

fn delete_one(session: &Session<'_>, queue: &Queue, handle: Option<&str>) -> Result<Value, ServiceError> {
    let receipt = Receipt::parse(handle, queue.id)?;
    if queue.is_fifo() && find(session, queue, &receipt)?.is_some_and(|held| held.visible_at <= session.now) {
        return Err(error::receipt_expired());
    }
    session.connection.prepare_cached("DELETE FROM messages WHERE id = ?1 AND queue = ?2 AND receipt = ?3")?.execute((
        receipt.message,
        queue.id,
        receipt.secret.as_slice(),
    ))?;
    fifo::touch(session, queue, &receipt)?;
    Ok(json!({}))
}

/// Hides a message in flight for so many seconds from now; 0 makes it visible at once.
pub(super) fn change_visibility(session: &Session<'_>, input: Settle) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:ChangeMessageVisibility")?;
    change_one(session, &queue, input.receipt_handle.as_deref(), input.visibility_timeout)
}

/// Changes up to ten.
pub(super) fn change_visibility_batch(session: &Session<'_>, input: SettleBatch<VisibilityEntry>) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:ChangeMessageVisibility")?;
    batch::check(&input.entries)?;
    batch::each(input.entries, |entry| change_one(session, &queue, entry.receipt_handle.as_deref(), entry.visibility_timeout))
}

fn change_one(session: &Session<'_>, queue: &Queue, handle: Option<&str>, seconds: Option<Number>) -> Result<Value, ServiceError> {
    let receipt = Receipt::parse(handle, queue.id)?;
    let Number(seconds) = seconds.ok_or_else(|| error::missing("VisibilityTimeout"))?;
    if !(0..=LONGEST).contains(&seconds) {
        return Err(error::invalid_value(seconds, "VisibilityTimeout", "VisibilityTimeout must be an integer between 0 and 43200."));
    }
    let Some(held) = find(session, queue, &receipt)? else {
        return if is_received_anew(session, queue, &receipt)? { Ok(json!({})) } else { Err(error::message_gone()) };
    };
    if held.visible_at <= session.now {
        return Err(error::not_in_flight());
    }
    let until = session.now + seconds * 1000;
    if (until - held.received) / 1000 > LONGEST {
        let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]";
        return Err(error::invalid_value(seconds, "VisibilityTimeout", reason));
    }
    session.connection.prepare_cached("UPDATE messages SET visible_at = ?1 WHERE id = ?2")?.execute((until, receipt.message))?;
    fifo::touch(session, queue, &receipt)?;
    Ok(json!({}))
}

/// Whether a standard queue's message is there, but under a later receipt.
///
/// AWS takes the old one without an error, and promises nothing of it. Here it changes nothing: the message is another receiver's.
fn is_received_anew(session: &Session<'_>, queue: &Queue, receipt: &Receipt) -> Result<bool, ServiceError> {
    let there = session
        .connection
        .prepare_cached("SELECT 1 FROM messages WHERE id = ?1 AND queue = ?2 AND receipt IS NOT NULL AND sent > ?3")?
        .exists((receipt.message, queue.id, queue.oldest(session.now)))?;
    Ok(there && !queue.is_fifo())
}

/// A message whose latest receive has this receipt.
struct Held {
    visible_at: i64,
    received: i64,
}

fn find(session: &Session<'_>, queue: &Queue, receipt: &Receipt) -> Result<Option<Held>, ServiceError> {
    let held = session
        .connection
        .prepare_cached("SELECT visible_at, received FROM messages WHERE id = ?1 AND queue = ?2 AND receipt = ?3 AND sent > ?4")?
        .query_row((receipt.message, queue.id, receipt.secret.as_slice(), queue.oldest(session.now)), |row| {
            Ok(Held { visible_at: row.get(0)?, received: row.get(1)? })
        })
        .optional()?;
    Ok(held)
}
