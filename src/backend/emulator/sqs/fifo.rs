//! FIFO queues: groups, deduplication, sequence numbers, retried receives.

use rusqlite::OptionalExtension;
use sha2::{Digest, Sha256};

use super::{checksum, error, queue::Queue, receipt::Receipt, session::Session};
use crate::backend::emulator::error::ServiceError;

/// How long a deduplication id or a receive attempt is remembered, in milliseconds.
const WINDOW: i64 = 5 * 60 * 1000;

/// Where a message stands among others.
pub(super) struct Order {
    /// Its group. On a standard queue it only tells tenants apart.
    pub(super) group: Option<String>,
    /// Its deduplication id; FIFO queues only.
    pub(super) dedup: Option<String>,
}

impl Order {
    /// The deduplication id, on a FIFO queue.
    pub(super) fn as_fifo(&self) -> Option<&str> {
        self.dedup.as_deref()
    }
}

/// Checks group and deduplication id against the kind of queue.
pub(super) fn order(queue: &Queue, group: Option<String>, dedup: Option<String>, body: &str) -> Result<Order, ServiceError> {
    for (name, id) in [("MessageGroupId", &group), ("MessageDeduplicationId", &dedup)] {
        if id.as_ref().is_some_and(|id| !is_id(id)) {
            let reason = format!("{name} can only include alphanumeric and punctuation characters. 1 to 128 in length.");
            return Err(error::invalid_value(id.as_deref().unwrap_or_default(), name, &reason));
        }
    }
    match (queue.is_fifo(), group, dedup) {
        (false, group, None) => Ok(Order { group, dedup: None }),
        (false, _, Some(dedup)) => {
            let reason = "The request include parameter that is not valid for this queue type.";
            Err(error::invalid_value(dedup, "MessageDeduplicationId", reason))
        }
        (true, None, _) => Err(error::missing("MessageGroupId")),
        (true, group, Some(dedup)) => Ok(Order { group, dedup: Some(dedup) }),
        (true, group, None) if queue.deduplicates_by_content() => Ok(Order { group, dedup: Some(content_id(body)) }),
        (true, _, None) => Err(error::invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )),
    }
}

fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

fn content_id(body: &str) -> String {
    checksum::hex(&Sha256::digest(body.as_bytes()))
}

/// Row and id of the message that was accepted under the same deduplication id in the last five minutes, deleted or not.
pub(super) fn earlier(session: &Session<'_>, queue: &Queue, order: &Order, dedup: &str) -> Result<Option<(i64, String)>, ServiceError> {
    let found = session
        .connection
        .prepare_cached("SELECT message, message_id FROM deduplication WHERE queue = ?1 AND scope = ?2 AND dedup = ?3 AND at > ?4")?
        .query_row((queue.id, scope(queue, order), dedup, session.now - WINDOW), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found)
}

/// Remembers an accepted message, and forgets those of which the window has passed.
pub(super) fn remember(session: &Session<'_>, queue: &Queue, order: &Order, dedup: &str, message: (i64, &str)) -> Result<(), ServiceError> {
    let connection = session.connection;
    connection.prepare_cached("DELETE FROM deduplication WHERE queue = ?1 AND at <= ?2")?.execute((queue.id, session.now - WINDOW))?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO deduplication (queue, scope, dedup, message, message_id, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((queue.id, scope(queue, order), dedup, message.0, message.1, session.now))?;
    Ok(())
}

/// With `DeduplicationScope=messageGroup` each group has its own ids.
fn scope<'a>(queue: &Queue, order: &'a Order) -> &'a str {
    if queue.deduplicates_by_group() { order.group.as_deref().unwrap_or_default() } else { "" }
}

/// Twenty digits that only rise.
pub(super) fn sequence_number(row: i64) -> String {
    format!("1{row:019}")
}

/// The receives that `attempt` made in the last five minutes, if none of its messages was touched since.
pub(super) fn repeated(session: &Session<'_>, queue: &Queue, attempt: &str) -> Result<Option<Vec<Receipt>>, ServiceError> {
    let text: Option<String> = session
        .connection
        .prepare_cached("SELECT messages FROM receive_attempts WHERE queue = ?1 AND attempt = ?2 AND at > ?3")?
        .query_row((queue.id, attempt, session.now - WINDOW), |row| row.get(0))
        .optional()?;
    let Some(text) = text else { return Ok(None) };
    let receipts = text.split_whitespace().map(|handle| Receipt::parse(Some(handle), queue.id)).collect::<Result<Vec<_>, _>>()?;
    for receipt in &receipts {
        let held = session
            .connection
            .prepare_cached("SELECT 1 FROM messages WHERE id = ?1 AND queue = ?2 AND receipt = ?3 AND visible_at > ?4")?
            .exists((receipt.message, queue.id, receipt.secret.as_slice(), session.now))?;
        if !held {
            return Ok(None);
        }
    }
    Ok(Some(receipts))
}

/// Remembers what `attempt` received, and forgets the attempts of which the window has passed.
pub(super) fn remember_attempt(session: &Session<'_>, queue: &Queue, attempt: &str, handles: &[String]) -> Result<(), ServiceError> {
    let connection = session.connection;
    connection.prepare_cached("DELETE FROM receive_attempts WHERE queue = ?1 AND at <= ?2")?.execute((queue.id, session.now - WINDOW))?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO receive_attempts (queue, attempt, at, messages) VALUES (?1, ?2, ?3, ?4)")?
        .execute((queue.id, attempt, session.now, handles.join(" ")))?;
    Ok(())
}

/// Forgets the attempts that received `message`: it was deleted or its visibility changed.
pub(super) fn touch(session: &Session<'_>, queue: &Queue, receipt: &Receipt) -> Result<(), ServiceError> {
    if queue.is_fifo() {
        session
            .connection
            .prepare_cached("DELETE FROM receive_attempts WHERE queue = ?1 AND instr(messages, ?2) > 0")?
            .execute((queue.id, receipt.handle()))?;
    }
    Ok(())
}
