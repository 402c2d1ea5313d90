//! Sending: one message or a batch.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    batch::{self, Entry},
    checksum, error, fifo,
    message::{self, Attributes},
    queue::Queue,
    session::Session,
    wire::{Number, number_or_text},
};
use crate::backend::emulator::error::ServiceError;

/// Most bytes of one batch.
const BATCH_LIMIT: usize = 1_048_576;

/// `SendMessageBatch`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendBatch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<Draft>,
}

/// A message as the sender gives it: `SendMessage`, or an entry of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Draft {
    queue_url: Option<String>,
    id: Option<String>,
    message_body: Option<String>,
    #[serde(default, deserialize_with = "number_or_text")]
    delay_seconds: Option<Number>,
    #[serde(default)]
    message_attributes: Attributes,
    #[serde(default)]
    message_system_attributes: Attributes,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

impl Entry for Draft {
    const NAME: &'static str = "SendMessageBatchRequestEntry";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// Sends one.
pub(super) fn send(session: &Session<'_>, draft: Draft) -> Result<Value, ServiceError> {
    let queue = session.open(draft.queue_url.as_deref(), "sqs:SendMessage")?;
    put(session, &queue, draft)
}

/// Sends up to ten, each on its own. On a FIFO queue one without its place in the order fails them all.
pub(super) fn send_batch(session: &Session<'_>, input: SendBatch) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:SendMessage")?;
    batch::check(&input.entries)?;
    let size = |draft: &Draft| message::size(draft.message_body.as_deref().unwrap_or_default(), &draft.message_attributes);
    let sent: usize = input.entries.iter().map(size).sum();
    if sent > BATCH_LIMIT {
        return Err(error::batch_too_long(BATCH_LIMIT, sent));
    }
    if queue.is_fifo() {
        for draft in &input.entries {
            let body = draft.message_body.as_deref().unwrap_or_default();
            fifo::order(&queue, draft.message_group_id.clone(), draft.message_deduplication_id.clone(), body)?;
        }
    }
    batch::each(input.entries, |draft| put(session, &queue, draft))
}

fn put(session: &Session<'_>, queue: &Queue, draft: Draft) -> Result<Value, ServiceError> {
    let body = message::check_body(draft.message_body)?;
    message::check_attributes(&draft.message_attributes)?;
    let limit = queue.maximum_message_size();
    if message::size(&body, &draft.message_attributes) > limit {
        return Err(error::invalid(format!("One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes.")));
    }
    let delay = match draft.delay_seconds {
        Some(Number(delay)) if !(0..=900).contains(&delay) => {
            return Err(error::invalid_value(delay, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900."));
        }
        Some(Number(delay)) if delay > 0 && queue.is_fifo() => {
            return Err(error::invalid_value(
                delay,
                "DelaySeconds",
                "The request include parameter that is not valid for this queue type.",
            ));
        }
        Some(Number(delay)) if !queue.is_fifo() => delay,
        _ => queue.delay(),
    };
    let order = fifo::order(queue, draft.message_group_id, draft.message_deduplication_id, &body)?;
    let mut answer = json!({ "MD5OfMessageBody": checksum::of_text(&body) });
    if !draft.message_attributes.is_empty() {
        answer["MD5OfMessageAttributes"] = checksum::of_attributes(&draft.message_attributes).into();
    }
    if !draft.message_system_attributes.is_empty() {
        answer["MD5OfMessageSystemAttributes"] = checksum::of_attributes(&draft.message_system_attributes).into();
    }
    let earlier = order.as_fifo().and_then(|dedup| fifo::earlier(session, queue, &order, dedup).transpose()).transpose()?;
    let (row, message_id) = match earlier {
        Some(earlier) => earlier,
        None => store(
            session,
            queue,
            &order,
            &Stored { delay, body, attributes: draft.message_attributes, trace: trace(draft.message_system_attributes)? },
        )?,
    };
    answer["MessageId"] = message_id.into();
    if queue.is_fifo() {
        answer["SequenceNumber"] = fifo::sequence_number(row).into();
    }
    Ok(answer)
}

/// The only attribute of the system's that senders may set.
fn trace(mut attributes: Attributes) -> Result<Option<String>, ServiceError> {
    let trace = attributes.remove("AWSTraceHeader");
    match (attributes.keys().next(), trace) {
        (Some(name), _) => Err(error::invalid(format!("Message system attribute name '{name}' is invalid."))),
        (None, Some(trace)) if trace.data_type != "String" => {
            Err(error::invalid("The message system attribute 'AWSTraceHeader' must be of type String."))
        }
        (None, trace) => Ok(trace.and_then(|trace| trace.string_value)),
    }
}

/// What is written of a new message beside its place in the order.
struct Stored {
    delay: i64,
    body: String,
    attributes: Attributes,
    trace: Option<String>,
}

fn store(session: &Session<'_>, queue: &Queue, order: &fifo::Order, message: &Stored) -> Result<(i64, String), ServiceError> {
    let message_id = Uuid::new_v4().to_string();
    let attributes =
        (!message.attributes.is_empty()).then(|| serde_json::to_string(&message.attributes)).transpose().map_err(error::unreadable)?;
    session
        .connection
        .prepare_cached(
            "INSERT INTO messages (queue, visible_at, sent, fifo, grp, dedup, sender, message_id, trace, attributes, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute((
            queue.id,
            session.now + message.delay * 1000,
            session.now,
            queue.is_fifo().then_some(1),
            &order.group,
            &order.dedup,
            session.sender()?,
            &message_id,
            &message.trace,
            attributes,
            &message.body,
        ))?;
    let row = session.connection.last_insert_rowid();
    if let Some(dedup) = order.as_fifo() {
        fifo::remember(session, queue, order, dedup, (row, &message_id))?;
    }
    Ok((row, message_id))
}
