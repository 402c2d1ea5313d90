//! One SQS queue as the demo uses it: batches of ten, an outcome per entry, one message at a time.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{MessageSystemAttributeName as SystemAttribute, QueueAttributeName as Attribute, SendMessageBatchRequestEntry},
};
use jiff::Timestamp;

use super::error::{fault, fault_without_text, kind_of};
use crate::core::{
    error::{Error, Kind, Result},
    event::Depth,
    ports::{Outgoing, Queue, Received, SendOutcome, Sink},
};

/// SQS's limit for the bodies of one request, in bytes.
const REQUEST_BYTES: usize = 1024 * 1024;
/// SQS's longest poll.
const LONGEST_POLL: Duration = Duration::from_secs(20);
/// SQS's longest visibility timeout.
const LONGEST_VISIBILITY: Duration = Duration::from_hours(12);

/// One queue, asked under one identity.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
    name: String,
}

impl SqsQueue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        let url = url.into();
        let name = url.rsplit('/').next().unwrap_or(&url).to_owned();
        Self { client, url, name }
    }

    async fn send_chunk(&self, chunk: &[Outgoing]) -> Result<Vec<SendOutcome>> {
        let what = || format!("could not send to queue `{}`", self.name);
        let entries = chunk.iter().enumerate().map(|(index, message)| entry(index, message)).collect::<Result<Vec<_>>>()?;
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = request.send().await.map_err(|error| fault(what(), &error))?;
        let sent = answer.successful.into_iter().map(|entry| (entry.id, SendOutcome::Sent(entry.message_id)));
        let refused = answer.failed.into_iter().map(|entry| {
            let passing = !entry.sender_fault || kind_of(&entry.code) == Kind::Unavailable;
            (entry.id, SendOutcome::Refused { message: entry.message.unwrap_or_default(), code: entry.code, passing })
        });
        let mut outcomes: HashMap<String, SendOutcome> = sent.chain(refused).collect();
        Ok((0..chunk.len()).map(|index| outcomes.remove(&index.to_string()).unwrap_or_else(unanswered)).collect())
    }

    async fn change_visibility(&self, what: String, receipt: &str, visibility: Duration) -> Result<()> {
        let seconds = whole_seconds(visibility.min(LONGEST_VISIBILITY));
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt).visibility_timeout(seconds);
        request.send().await.map_err(|error| fault_without_text(what, &error))?;
        Ok(())
    }
}

#[async_trait]
impl Sink for SqsQueue {
    async fn send(&self, batch: &[Outgoing]) -> Result<Vec<SendOutcome>> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for chunk in chunks(batch) {
            match self.send_chunk(chunk).await {
                Ok(answers) => outcomes.extend(answers),
                Err(error) if outcomes.is_empty() => return Err(error),
                Err(error) => outcomes.extend(chunk.iter().map(|_| refused(&error))),
            }
        }
        Ok(outcomes)
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn depth(&self) -> Result<Depth> {
        let what = || format!("could not read the counters of queue `{}`", self.name);
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let request = request.attribute_names(Attribute::ApproximateNumberOfMessages);
        let request = request.attribute_names(Attribute::ApproximateNumberOfMessagesNotVisible);
        let request = request.attribute_names(Attribute::ApproximateNumberOfMessagesDelayed);
        let answer = request.send().await.map_err(|error| fault(what(), &error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let counter = |name: Attribute| match attributes.get(&name).map(|text| text.parse::<i64>()) {
            Some(Ok(count)) => Ok(count),
            _ => Err(Error::failed(what(), format!("SQS answered without a number for {name}"))),
        };
        Ok(Depth {
            visible: counter(Attribute::ApproximateNumberOfMessages)?,
            in_flight: counter(Attribute::ApproximateNumberOfMessagesNotVisible)?,
            delayed: counter(Attribute::ApproximateNumberOfMessagesDelayed)?,
        })
    }

    async fn receive(&self, wait: Duration, visibility: Option<Duration>) -> Result<Option<Received>> {
        let what = || format!("could not receive from queue `{}`", self.name);
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(1);
        let request = request.wait_time_seconds(whole_seconds(wait.min(LONGEST_POLL)));
        let request = request.set_visibility_timeout(visibility.map(|time| whole_seconds(time.min(LONGEST_VISIBILITY))));
        let request = request.message_system_attribute_names(SystemAttribute::ApproximateReceiveCount);
        let request = request.message_system_attribute_names(SystemAttribute::SentTimestamp);
        let answer = request.send().await.map_err(|error| fault(what(), &error))?;
        let Some(message) = answer.messages.unwrap_or_default().into_iter().next() else { return Ok(None) };
        let attributes = message.attributes.unwrap_or_default();
        let attribute = |name: SystemAttribute| attributes.get(&name).map(String::as_str);
        let lacks = |part: &str| Error::failed(what(), format!("SQS answered without {part}"));
        Ok(Some(Received {
            message_id: message.message_id.ok_or_else(|| lacks("a message id"))?,
            receipt: message.receipt_handle.ok_or_else(|| lacks("a receipt handle"))?,
            body: message.body.unwrap_or_default(),
            receive_count: attribute(SystemAttribute::ApproximateReceiveCount).and_then(|text| text.parse().ok()).unwrap_or(1),
            sent_at: attribute(SystemAttribute::SentTimestamp)
                .and_then(|text| text.parse().ok())
                .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()),
        }))
    }

    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<()> {
        self.change_visibility(format!("could not extend the visibility timeout in queue `{}`", self.name), receipt, visibility).await
    }

    async fn release(&self, receipt: &str) -> Result<()> {
        self.change_visibility(format!("could not release a message to queue `{}`", self.name), receipt, Duration::ZERO).await
    }

    async fn delete(&self, receipt: &str) -> Result<()> {
        let what = || format!("could not delete a message from queue `{}`", self.name);
        let request = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
        request.send().await.map_err(|error| fault_without_text(what(), &error))?;
        Ok(())
    }
}

fn entry(index: usize, message: &Outgoing) -> Result<SendMessageBatchRequestEntry> {
    SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(&message.body)
        .set_delay_seconds(message.delay_seconds.map(|seconds| seconds.try_into().unwrap_or(i32::MAX)))
        .set_message_group_id(message.group.clone())
        .set_message_deduplication_id(message.deduplication.clone())
        .build()
        .map_err(|error| Error::failed("could not write a batch entry", error))
}

/// `batch` cut so that no request is larger than SQS takes; a message that is too large alone is left for SQS to refuse.
fn chunks(batch: &[Outgoing]) -> Vec<&[Outgoing]> {
    let mut chunks = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, message) in batch.iter().enumerate() {
        let size = message.body.len();
        if index > start && (bytes + size > REQUEST_BYTES || index - start == 10) {
            chunks.push(&batch[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    if start < batch.len() {
        chunks.push(&batch[start..]);
    }
    chunks
}

fn refused(error: &Error) -> SendOutcome {
    let code = error.code.clone().unwrap_or_else(|| "Unreachable".to_owned());
    SendOutcome::Refused { code, message: error.why.clone(), passing: error.is_passing() }
}

fn unanswered() -> SendOutcome {
    SendOutcome::Refused { code: "NoAnswer".to_owned(), message: "SQS did not say what became of it".to_owned(), passing: true }
}

/// Whole seconds, rounded up: SQS knows no fractions, and a shorter time than asked for would be wrong.
fn whole_seconds(time: Duration) -> i32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    seconds.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Outgoing {
        Outgoing { number: 0, body: "x".repeat(bytes), delay_seconds: None, group: None, deduplication: None }
    }

    #[test]
    fn ten_small_messages_are_one_request() {
        assert_eq!(chunks(&vec![message(10); 10]).len(), 1);
        assert_eq!(chunks(&vec![message(10); 11]).len(), 2);
        assert!(chunks(&[]).is_empty());
    }

    #[test]
    fn a_batch_over_the_size_limit_becomes_several_requests() {
        let batch = vec![message(400 * 1024); 5];
        let sizes: Vec<usize> = chunks(&batch).iter().map(|chunk| chunk.len()).collect();
        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn a_fraction_of_a_second_is_rounded_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::ZERO), 0);
    }
}
