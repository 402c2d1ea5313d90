//! Where what is produced goes: a queue, a stream, a table, a metric.

use async_trait::async_trait;

use crate::core::error::Result;

/// A message to send: a record, an item or a value where it goes elsewhere than to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Sequence number within one run of `produce`.
    pub number: u64,
    /// The body.
    pub body: String,
    /// Seconds before it becomes visible, 0 to 900; absent means the queue's own.
    pub delay_seconds: Option<u32>,
    /// FIFO queues: the group. Streams: the partition key.
    pub group: Option<String>,
    /// FIFO queues: the deduplication id.
    pub deduplication: Option<String>,
}

/// What became of one message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// Accepted, with this id.
    Sent(String),
    /// Refused.
    Refused {
        /// The service's code.
        code: String,
        /// Its text.
        message: String,
        /// Whether the same message may be accepted later.
        passing: bool,
    },
}

/// Something that takes messages.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Sends as many as its [`Limits`](crate::core::load::Limits) allow; one outcome each, in order. An error means that none is known
    /// to be sent.
    async fn send(&self, batch: &[Outgoing]) -> Result<Vec<SendOutcome>>;
}
