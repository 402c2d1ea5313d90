//! Receiving: long polls that wake whichever process sends, and messages moved away once received too often.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::OptionalExtension;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    checksum, error, fifo,
    message::{Attributes, is_asked_for},
    policy::Redrive,
    queue::Queue,
    receipt::Receipt,
    session::{self, Session},
    wire::{self, Number, number_or_text},
};
use crate::backend::emulator::{Emulator, error::ServiceError, request::Call};

/// How often a long poll looks whether another process changed the file.
const TICK: Duration = Duration::from_millis(25);

/// The attributes of the system's that a receiver may ask for.
const SYSTEM: &[&str] = &[
    "All",
    "AWSTraceHeader",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
    "SqsManagedSseEnabled",
];

/// The visible messages of a standard queue, those visible for longest first.
const OLDEST_VISIBLE: &str = "
    SELECT id, sent, receives FROM messages INDEXED BY messages_by_time
    WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at LIMIT ?3";

/// The visible messages of a FIFO queue, in order, of groups with none in flight and none delayed before them.
const FIRST_OF_FREE_GROUPS: &str = "
    SELECT m.id, m.sent, m.receives FROM messages AS m INDEXED BY messages_by_order
    WHERE m.queue = ?1 AND m.fifo IS NOT NULL AND m.visible_at <= ?2 AND NOT EXISTS (
        SELECT 1 FROM messages AS b INDEXED BY messages_by_group
        WHERE b.queue = ?1 AND b.fifo IS NOT NULL AND b.grp = m.grp AND b.visible_at > ?2 AND b.sent > ?4 AND (b.taken = 1 OR b.id < m.id))
    ORDER BY m.id LIMIT ?3";

/// `ReceiveMessage`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    queue_url: Option<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    #[serde(default, deserialize_with = "number_or_text")]
    max_number_of_messages: Option<Number>,
    #[serde(default, deserialize_with = "number_or_text")]
    visibility_timeout: Option<Number>,
    #[serde(default, deserialize_with = "number_or_text")]
    wait_time_seconds: Option<Number>,
    receive_request_attempt_id: Option<String>,
}

impl Wanted {
    fn check(&self) -> Result<(), ServiceError> {
        let within = |number: Option<Number>, least: i64, most: i64| number.map(|Number(n)| n).filter(|n| !(least..=most).contains(n));
        if let Some(number) = within(self.max_number_of_messages, 1, 10) {
            return Err(error::invalid_value(number, "MaxNumberOfMessages", "Must be between 1 and 10, if provided."));
        }
        if let Some(number) = within(self.visibility_timeout, 0, 43_200) {
            return Err(error::invalid_value(number, "VisibilityTimeout", "Must be between 0 and 43200, if provided."));
        }
        if let Some(number) = within(self.wait_time_seconds, 0, 20) {
            return Err(error::invalid_value(number, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided."));
        }
        let mut asked = self.attribute_names.iter().chain(&self.message_system_attribute_names);
        match asked.find(|name| !SYSTEM.contains(&name.as_str())) {
            Some(unknown) => Err(error::invalid_attribute_name(unknown)),
            None => Ok(()),
        }
    }

    fn most(&self) -> usize {
        self.max_number_of_messages.map_or(1, |Number(most)| usize::try_from(most).unwrap_or(1))
    }
}

/// Receives, waiting for a message if asked to. Dropping the future ends the wait.
pub(super) async fn receive(emulator: &Emulator, call: &Arc<Call>) -> Result<Value, ServiceError> {
    let begun = Instant::now();
    let input: Arc<Wanted> = Arc::new(wire::read(call)?);
    input.check()?;
    loop {
        let mut arrival = std::pin::pin!(emulator.arrivals.notified());
        arrival.as_mut().enable();
        let mut pulse = emulator.store.pulse();
        let wanted = input.clone();
        let taken = session::change(emulator, call, move |session| take(session, &wanted)).await?;
        let left = || taken.wait.saturating_sub(begun.elapsed());
        if !taken.messages.is_empty() || left().is_zero() || emulator.stop.is_cancelled() {
            return Ok(if taken.messages.is_empty() { json!({}) } else { json!({ "Messages": taken.messages }) });
        }
        let mut due = taken.due;
        loop {
            tokio::select! {
                () = arrival.as_mut() => arrival.set(emulator.arrivals.notified()),
                () = tokio::time::sleep(TICK.min(left())) => {}
                () = emulator.stop.cancelled() => {}
            }
            let latest = emulator.store.pulse();
            let changed = latest.is_none() || latest != pulse;
            pulse = latest;
            if left().is_zero() || emulator.stop.is_cancelled() {
                break;
            }
            if changed || due.is_some_and(|due| due <= emulator.clock.now_ms()) {
                let (clock, queue) = (emulator.clock.clone(), taken.queue.clone());
                let outlook = emulator.store.read(move |connection| Outlook::of(connection, &queue, clock.now_ms())).await?;
                if outlook.ready {
                    break;
                }
                due = outlook.due;
            }
        }
    }
}

/// What one try gave.
struct Taken {
    messages: Vec<Value>,
    queue: Queue,
    wait: Duration,
    due: Option<i64>,
}

fn take(session: &Session<'_>, input: &Wanted) -> Result<Taken, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:ReceiveMessage")?;
    let wait = input.wait_time_seconds.map_or(queue.wait_time(), |Number(seconds)| seconds);
    let hide = input.visibility_timeout.map_or(queue.visibility_timeout(), |Number(seconds)| seconds);
    let attempt = input.receive_request_attempt_id.as_deref().filter(|_| queue.is_fifo());
    let again = attempt.map(|attempt| fifo::repeated(session, &queue, attempt)).transpose()?.flatten();
    let receipts = match again {
        Some(receipts) => {
            for receipt in &receipts {
                session
                    .connection
                    .prepare_cached("UPDATE messages SET visible_at = ?1 WHERE id = ?2")?
                    .execute((session.now + hide * 1000, receipt.message))?;
            }
            receipts
        }
        None => claim(session, &queue, input.most(), hide)?,
    };
    let messages = receipts.iter().map(|receipt| show(session, &queue, receipt, input)).collect::<Result<Vec<_>, _>>()?;
    if let Some(attempt) = attempt.filter(|_| !receipts.is_empty()) {
        fifo::remember_attempt(session, &queue, attempt, &receipts.iter().map(Receipt::handle).collect::<Vec<_>>())?;
    }
    let due = if messages.is_empty() { Outlook::of(session.connection, &queue, session.now)?.due } else { None };
    Ok(Taken { messages, queue, wait: Duration::from_secs(wait.unsigned_abs()), due })
}

/// Claims up to `most` messages. Those that expired are deleted on the way, those received too often are moved.
fn claim(session: &Session<'_>, queue: &Queue, most: usize, hide: i64) -> Result<Vec<Receipt>, ServiceError> {
    let redrive = match Redrive::of(queue) {
        Some(redrive) => Queue::by_arn(session.connection, &redrive.target)?.map(|target| (redrive.max_receive_count, target)),
        None => None,
    };
    let oldest = queue.oldest(session.now);
    let mut receipts: Vec<Receipt> = Vec::new();
    loop {
        let mut skipped = false;
        for (row, sent, receives) in candidates(session, queue, most)? {
            // With a visibility timeout of 0 it is still there: it counts for this receive once, and can be moved by the next.
            if receipts.len() >= most || receipts.iter().any(|receipt| receipt.message == row) {
                continue;
            }
            if sent <= oldest {
                skipped = true;
                session.connection.prepare_cached("DELETE FROM messages WHERE id = ?1")?.execute([row])?;
            } else if let Some((_, target)) = redrive.as_ref().filter(|(limit, _)| receives >= *limit) {
                skipped = true;
                bury(session, queue, target, row)?;
            } else {
                let receipt = Receipt::new(queue.id, row);
                session
                    .connection
                    .prepare_cached(
                        "UPDATE messages SET visible_at = ?1, taken = 1, receives = receives + 1, received = ?2,
                         first_received = coalesce(first_received, ?2), receipt = ?3 WHERE id = ?4",
                    )?
                    .execute((session.now + hide * 1000, session.now, receipt.secret.as_slice(), row))?;
                receipts.push(receipt);
            }
        }
        if !skipped || receipts.len() >= most {
            return Ok(receipts);
        }
    }
}

fn candidates(session: &Session<'_>, queue: &Queue, most: usize) -> Result<Vec<(i64, i64, i64)>, ServiceError> {
    let most = i64::try_from(most).unwrap_or(10);
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let rows = if queue.is_fifo() {
        session
            .connection
            .prepare_cached(FIRST_OF_FREE_GROUPS)?
            .query_map((queue.id, session.now, most, queue.oldest(session.now)), row)?
            .collect::<Result<Vec<_>, _>>()?
    } else {
        session.connection.prepare_cached(OLDEST_VISIBLE)?.query_map((queue.id, session.now, most), row)?.collect::<Result<Vec<_>, _>>()?
    };
    Ok(rows)
}

/// Moves a message to the dead-letter queue, as AWS does: with its id and receive count; its age goes on, except on FIFO queues.
fn bury(session: &Session<'_>, queue: &Queue, target: &Queue, row: i64) -> Result<(), ServiceError> {
    session
        .connection
        .prepare_cached(
            "UPDATE messages SET queue = ?1, origin = ?2, visible_at = ?3, taken = 0, receipt = NULL,
             sent = CASE WHEN fifo IS NULL THEN sent ELSE ?3 END WHERE id = ?4",
        )?
        .execute((target.id, &queue.arn, session.now, row))?;
    Ok(())
}

/// The message as the receiver sees it.
fn show(session: &Session<'_>, queue: &Queue, receipt: &Receipt, input: &Wanted) -> Result<Value, ServiceError> {
    let mut select = session.connection.prepare_cached(
        "SELECT message_id, body, attributes, sender, sent, receives, first_received, grp, dedup, trace, origin FROM messages WHERE id = ?1",
    )?;
    let asked = |name: &str| [&input.attribute_names, &input.message_system_attribute_names].iter().any(|names| is_asked_for(names, name));
    let message = select.query_row([receipt.message], |row| {
        let body: String = row.get(1)?;
        let mut message =
            json!({ "MessageId": row.get::<_, String>(0)?, "ReceiptHandle": receipt.handle(), "MD5OfBody": checksum::of_text(&body) });
        message["Body"] = body.into();
        let number = |column: usize| row.get::<_, Option<i64>>(column).map(|number| number.map(|number| number.to_string()));
        let all = [
            ("SenderId", row.get::<_, Option<String>>(3)?),
            ("SentTimestamp", number(4)?),
            ("ApproximateReceiveCount", number(5)?),
            ("ApproximateFirstReceiveTimestamp", number(6)?),
            ("MessageGroupId", row.get(7)?),
            ("MessageDeduplicationId", row.get(8)?),
            ("AWSTraceHeader", row.get(9)?),
            ("DeadLetterQueueSourceArn", row.get(10)?),
            ("SequenceNumber", queue.is_fifo().then(|| fifo::sequence_number(receipt.message))),
        ];
        let system: Map<String, Value> =
            all.into_iter().filter(|(name, _)| asked(name)).filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
        if !system.is_empty() {
            message["Attributes"] = system.into();
        }
        Ok((message, row.get::<_, Option<String>>(2)?))
    });
    let (mut message, attributes) = message?;
    if let Some(text) = attributes.filter(|_| !input.message_attribute_names.is_empty()) {
        let mut attributes: Attributes = serde_json::from_str(&text).map_err(error::unreadable)?;
        attributes.retain(|name, _| is_asked_for(&input.message_attribute_names, name));
        if !attributes.is_empty() {
            message["MD5OfMessageAttributes"] = checksum::of_attributes(&attributes).into();
            message["MessageAttributes"] = json!(attributes);
        }
    }
    Ok(message)
}

/// Whether a receive would find something now, or when it is worth looking again.
struct Outlook {
    ready: bool,
    due: Option<i64>,
}

impl Outlook {
    fn of(connection: &rusqlite::Connection, queue: &Queue, now: i64) -> Result<Self, ServiceError> {
        if !connection.prepare_cached("SELECT 1 FROM queues WHERE id = ?1")?.exists([queue.id])? {
            return Err(error::no_such_queue());
        }
        let sql = if queue.is_fifo() { FIRST_OF_FREE_GROUPS } else { OLDEST_VISIBLE };
        let mut select = connection.prepare_cached(sql)?;
        let ready =
            if queue.is_fifo() { select.exists((queue.id, now, 1, queue.oldest(now)))? } else { select.exists((queue.id, now, 1))? };
        let due = connection
            .prepare_cached("SELECT visible_at FROM messages INDEXED BY messages_by_time WHERE queue = ?1 AND visible_at > ?2 ORDER BY visible_at LIMIT 1")?
            .query_row((queue.id, now), |row| row.get(0))
            .optional()?;
        Ok(Self { ready, due })
    }
}
