//! Message move tasks: from a dead-letter queue back to where the messages came from.
//!
//! No thread works on them: whoever next uses the service moves what is due by then.

use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    error,
    queue::Queue,
    session::Session,
    wire::{Number, number_or_text},
};
use crate::backend::emulator::{ACCOUNT, Emulator, error::ServiceError};

/// Most messages moved in one transaction, so that others get their turn.
const CHUNK: i64 = 5000;

/// All three actions.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MoveInput {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    #[serde(default, deserialize_with = "number_or_text")]
    max_number_of_messages_per_second: Option<Number>,
    #[serde(default, deserialize_with = "number_or_text")]
    max_results: Option<Number>,
    task_handle: Option<String>,
}

/// Starts a task on a dead-letter queue.
pub(super) fn start(session: &Session<'_>, input: MoveInput) -> Result<Value, ServiceError> {
    let source = source(session, input.source_arn, "sqs:StartMessageMoveTask")?;
    session.authorize("sqs:ReceiveMessage", &source.name)?;
    session.authorize("sqs:DeleteMessage", &source.name)?;
    let per_second = input.max_number_of_messages_per_second.map(|Number(number)| number);
    if per_second.is_some_and(|number| !(1..=500).contains(&number)) {
        return Err(error::invalid("MaxNumberOfMessagesPerSecond must be between 1 and 500."));
    }
    if Queue::sources_of(session, &source.arn)?.is_empty() {
        return Err(error::invalid("Source queue must be configured as a Dead Letter Queue."));
    }
    if let Some(arn) = &input.destination_arn {
        let gone = || error::no_such_resource("The resource that you specified for the DestinationArn parameter doesn't exist.");
        let destination = Queue::by_arn(session.connection, arn)?.ok_or_else(gone)?;
        session.authorize("sqs:SendMessage", &destination.name)?;
        if destination.is_fifo() != source.is_fifo() {
            return Err(error::invalid("Destination queue must be of the same type as the source queue."));
        }
    }
    let running =
        session.connection.prepare_cached("SELECT 1 FROM move_tasks WHERE source = ?1 AND status = 'RUNNING'")?.exists([&source.arn])?;
    if running {
        return Err(error::unsupported(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ));
    }
    let total: i64 = session
        .connection
        .prepare_cached("SELECT count(*) FROM messages WHERE queue = ?1 AND visible_at <= ?2 AND sent > ?3")?
        .query_row((source.id, session.now, source.oldest(session.now)), |row| row.get(0))?;
    let handle = Uuid::new_v4().to_string();
    session
        .connection
        .prepare_cached(
            "INSERT INTO move_tasks (handle, source, destination, per_second, status, started, total) VALUES (?1, ?2, ?3, ?4, 'RUNNING', ?5, ?6)",
        )?
        .execute((&handle, &source.arn, &input.destination_arn, per_second, session.now, total))?;
    advance(session.connection, session.now)?;
    Ok(json!({ "TaskHandle": handle }))
}

/// The last tasks of a queue, the newest first.
pub(super) fn list(session: &Session<'_>, input: MoveInput) -> Result<Value, ServiceError> {
    let source = source(session, input.source_arn, "sqs:ListMessageMoveTasks")?;
    let most = input.max_results.map_or(1, |Number(most)| most);
    if !(1..=10).contains(&most) {
        return Err(error::invalid_value(most, "MaxResults", "MaxResults must be an integer between 1 and 10."));
    }
    let mut rows = session.connection.prepare_cached(
        "SELECT handle, destination, per_second, status, started, total, moved, failure FROM move_tasks
         WHERE source = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let results = rows.query_map((&source.arn, most), |row| {
        let status: String = row.get(3)?;
        let mut task = json!({
            "Status": status,
            "SourceArn": source.arn,
            "StartedTimestamp": row.get::<_, i64>(4)?,
            "ApproximateNumberOfMessagesToMove": row.get::<_, i64>(5)?,
            "ApproximateNumberOfMessagesMoved": row.get::<_, i64>(6)?,
        });
        if status == "RUNNING" {
            task["TaskHandle"] = row.get::<_, String>(0)?.into();
        }
        for (name, value) in [
            ("DestinationArn", row.get::<_, Option<String>>(1)?.map(Value::from)),
            ("MaxNumberOfMessagesPerSecond", row.get::<_, Option<i64>>(2)?.map(Value::from)),
            ("FailureReason", row.get::<_, Option<String>>(7)?.map(Value::from)),
        ] {
            if let Some(value) = value {
                task[name] = value;
            }
        }
        Ok(task)
    });
    Ok(json!({ "Results": results?.collect::<Result<Vec<_>, _>>()? }))
}

/// Stops a running task; what it moved stays moved.
pub(super) fn cancel(session: &Session<'_>, input: MoveInput) -> Result<Value, ServiceError> {
    let handle = input.task_handle.ok_or_else(|| error::missing("TaskHandle"))?;
    let task: Option<(String, i64, String)> = session
        .connection
        .prepare_cached("SELECT source, moved, status FROM move_tasks WHERE handle = ?1")?
        .query_row([&handle], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((source, moved, status)) = task else {
        return Err(error::no_such_resource("Task does not exist."));
    };
    session.authorize("sqs:CancelMessageMoveTask", source.rsplit(':').next().unwrap_or_default())?;
    if status != "RUNNING" {
        return Err(error::unsupported("Only active tasks can be cancelled."));
    }
    session.connection.prepare_cached("UPDATE move_tasks SET status = 'CANCELLED' WHERE handle = ?1")?.execute([&handle])?;
    Ok(json!({ "ApproximateNumberOfMessagesMoved": moved }))
}

fn source(session: &Session<'_>, arn: Option<String>, action: &str) -> Result<Queue, ServiceError> {
    let arn = arn.ok_or_else(|| error::missing("SourceArn"))?;
    session.authorize(action, arn.rsplit(':').next().unwrap_or_default())?;
    Queue::by_arn(session.connection, &arn)?
        .ok_or_else(|| error::no_such_resource("The resource that you specified for the SourceArn parameter doesn't exist."))
}

/// Before a reading: does what running tasks have due. Without a running task nothing is written.
pub(super) async fn catch_up(emulator: &Emulator) -> Result<(), ServiceError> {
    if emulator.store.read(is_any_running).await? {
        let clock = emulator.clock.clone();
        emulator.store.write(move |transaction| advance(transaction, clock.now_ms())).await?;
        emulator.arrivals.notify_waiters();
    }
    Ok(())
}

fn is_any_running(connection: &Connection) -> Result<bool, ServiceError> {
    Ok(connection.prepare_cached("SELECT 1 FROM move_tasks INDEXED BY move_tasks_running WHERE status = 'RUNNING'")?.exists([])?)
}

/// A running task.
struct Running {
    id: i64,
    source: String,
    destination: Option<String>,
    due: i64,
    left: i64,
}

/// Moves what running tasks have due at `now`.
pub(super) fn advance(connection: &Connection, now: i64) -> Result<(), ServiceError> {
    let mut select = connection.prepare_cached(
        "SELECT id, source, destination, per_second, started, total, moved FROM move_tasks INDEXED BY move_tasks_running
         WHERE status = 'RUNNING'",
    )?;
    let tasks = select.query_map([], |row| {
        let (per_second, started, total, moved): (Option<i64>, i64, i64, i64) = (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
        let by_now = per_second.map_or(total, |rate| total.min(rate * (1 + (now - started) / 1000)));
        Ok(Running {
            id: row.get(0)?,
            source: row.get(1)?,
            destination: row.get(2)?,
            due: (by_now - moved).min(CHUNK),
            left: total - moved,
        })
    })?;
    for task in tasks.collect::<Result<Vec<_>, _>>()? {
        move_some(connection, now, &task)?;
    }
    Ok(())
}

fn move_some(connection: &Connection, now: i64, task: &Running) -> Result<(), ServiceError> {
    let Some(source) = Queue::by_arn(connection, &task.source)? else {
        return end(connection, task.id, "FAILED", Some("The source queue is gone."));
    };
    let mut select = connection.prepare_cached(
        "SELECT id, origin FROM messages INDEXED BY messages_by_time WHERE queue = ?1 AND visible_at <= ?2 AND sent > ?3
         ORDER BY visible_at, id LIMIT ?4",
    )?;
    let rows = select
        .query_map((source.id, now, source.oldest(now), task.due), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, Option<String>)>, _>>()?;
    let moved = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    for (row, origin) in rows {
        let destination = match task.destination.as_ref().or(origin.as_ref()) {
            Some(arn) => Queue::by_arn(connection, arn)?,
            None => None,
        };
        let Some(destination) = destination else {
            return end(connection, task.id, "FAILED", Some("AWS.SimpleQueueService.NonExistentQueue"));
        };
        resend(connection, now, row, &destination)?;
    }
    connection.prepare_cached("UPDATE move_tasks SET moved = moved + ?1 WHERE id = ?2")?.execute((moved, task.id))?;
    if moved >= task.left || moved < task.due { end(connection, task.id, "COMPLETED", None) } else { Ok(()) }
}

/// A moved message is a new one: new id, new age, never received.
fn resend(connection: &Connection, now: i64, row: i64, destination: &Queue) -> Result<(), ServiceError> {
    connection
        .prepare_cached(
            "INSERT INTO messages (queue, visible_at, sent, fifo, grp, dedup, sender, message_id, trace, attributes, body)
             SELECT ?1, ?2, ?3, fifo, grp, dedup, ?4, ?5, trace, attributes, body FROM messages WHERE id = ?6",
        )?
        .execute((destination.id, now + destination.delay() * 1000, now, ACCOUNT, Uuid::new_v4().to_string(), row))?;
    connection.prepare_cached("DELETE FROM messages WHERE id = ?1")?.execute([row])?;
    Ok(())
}

fn end(connection: &Connection, task: i64, status: &str, failure: Option<&str>) -> Result<(), ServiceError> {
    connection.prepare_cached("UPDATE move_tasks SET status = ?1, failure = ?2 WHERE id = ?3")?.execute((status, failure, task))?;
    Ok(())
}
