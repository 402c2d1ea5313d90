//! The two policies that tie a queue to its dead-letter queue.

use serde_json::{Value, json};

use super::{error, queue::Queue, session::Session};
use crate::backend::emulator::error::ServiceError;

/// Where messages go that were received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redrive {
    /// ARN of the dead-letter queue.
    pub(super) target: String,
    /// Receives after which a message is moved instead of being received once more.
    pub(super) max_receive_count: i64,
}

impl Redrive {
    /// The policy of `queue`, if it has one.
    pub(super) fn of(queue: &Queue) -> Option<Self> {
        Self::read(queue.attributes.get("RedrivePolicy")?)
    }

    /// Reads a policy; the count may be a number or a string, as AWS allows.
    fn read(text: &str) -> Option<Self> {
        let policy: Value = serde_json::from_str(text).ok()?;
        let count = &policy["maxReceiveCount"];
        let max_receive_count = count.as_i64().or_else(|| count.as_str()?.parse().ok())?;
        Some(Self { target: policy["deadLetterTargetArn"].as_str()?.to_owned(), max_receive_count })
    }
}

/// Checks a redrive policy for `queue` and writes it as AWS shows it.
pub(super) fn check_redrive(session: &Session<'_>, queue: &Queue, text: &str) -> Result<String, ServiceError> {
    let refuse = |reason: &str| error::invalid_value(text, "RedrivePolicy", reason);
    let policy: Value = serde_json::from_str(text).map_err(|_| refuse("Redrive policy is not a valid JSON map."))?;
    if policy["maxReceiveCount"].is_null() {
        return Err(refuse("Redrive policy does not contain mandatory attribute: maxReceiveCount."));
    }
    if policy["deadLetterTargetArn"].is_null() {
        return Err(refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn."));
    }
    let redrive = Redrive::read(text)
        .filter(|redrive| (1..=1000).contains(&redrive.max_receive_count))
        .ok_or_else(|| refuse("Invalid value for maxReceiveCount: it must be an integer between 1 and 1000."))?;
    let Some(target) = Queue::by_arn(session.connection, &redrive.target)? else {
        return Err(refuse("Dead letter target does not exist."));
    };
    if target.is_fifo() != queue.is_fifo() {
        return Err(refuse("Dead-letter queue must be same type of queue as the source."));
    }
    if !admits(&target, &queue.arn) {
        return Err(refuse("The dead-letter queue's RedriveAllowPolicy does not admit this source queue."));
    }
    Ok(json!({ "deadLetterTargetArn": redrive.target, "maxReceiveCount": redrive.max_receive_count }).to_string())
}

fn admits(target: &Queue, source: &str) -> bool {
    let Some(text) = target.attributes.get("RedriveAllowPolicy") else { return true };
    let policy: Value = serde_json::from_str(text).unwrap_or_default();
    match policy["redrivePermission"].as_str() {
        Some("denyAll") => false,
        Some("byQueue") => policy["sourceQueueArns"].as_array().is_some_and(|arns| arns.iter().any(|arn| arn == source)),
        _ => true,
    }
}

/// Checks who may use a queue as dead-letter queue.
pub(super) fn check_redrive_allow(text: &str) -> Result<(), ServiceError> {
    let refuse = |reason: &str| error::invalid_value(text, "RedriveAllowPolicy", reason);
    let policy: Value = serde_json::from_str(text).map_err(|_| refuse("RedriveAllowPolicy is not a valid JSON map."))?;
    let sources = policy["sourceQueueArns"].as_array().map(Vec::len);
    match (policy["redrivePermission"].as_str(), sources) {
        (Some("allowAll" | "denyAll"), None) | (Some("byQueue"), Some(1..=10)) => Ok(()),
        (Some("byQueue"), _) => Err(refuse("sourceQueueArns must name 1 to 10 queues.")),
        (Some("allowAll" | "denyAll"), Some(_)) => Err(refuse("sourceQueueArns is only allowed with redrivePermission byQueue.")),
        _ => Err(refuse("redrivePermission must be allowAll, denyAll or byQueue.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_may_be_text_or_a_number() {
        let number = Redrive::read(r#"{"deadLetterTargetArn":"a","maxReceiveCount":5}"#);
        let text = Redrive::read(r#"{"deadLetterTargetArn":"a","maxReceiveCount":"5"}"#);
        assert_eq!(number, Some(Redrive { target: "a".to_owned(), max_receive_count: 5 }));
        assert_eq!(number, text);
    }
}
