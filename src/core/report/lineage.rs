//! The life of one message, as the journal and the analyzer tell it.

use jiff::Timestamp;
use serde::Serialize;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Sent, and received by nobody yet.
    Waiting,
    /// Received, and not worked through yet.
    Received,
    /// Worked through; its deletion was not written down.
    Worked,
    /// Deleted, and counted once.
    Done,
    /// Deleted, and not counted exactly once.
    Miscounted,
    /// Worked through more than once.
    Duplicated,
}

/// The life of one message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lineage {
    /// The id that SQS gave it.
    pub message_id: String,
    /// Its number within its run of `produce`.
    pub number: Option<u64>,
    /// Whether the journal saw it accepted.
    pub ours: bool,
    /// When SQS accepted it.
    pub sent_at: Option<Timestamp>,
    /// When it was received for the first time.
    pub first_received_at: Option<Timestamp>,
    /// When its deletion was written down.
    pub deleted_at: Option<Timestamp>,
    /// How often it was received.
    pub receipts: u32,
    /// How often its work ended well.
    pub worked: u32,
    /// How often it was given back.
    pub released: u32,
    /// How often the analyzer counted it.
    pub counted: u32,
    /// Seconds of work, the last time.
    pub work_seconds: Option<f64>,
    /// The jobs that received it, in order.
    pub jobs: Vec<String>,
    /// What became of it.
    pub fate: Fate,
}

impl Lineage {
    /// A message of which nothing is known yet.
    pub(super) fn new(message_id: &str) -> Self {
        Self {
            message_id: message_id.to_owned(),
            number: None,
            ours: false,
            sent_at: None,
            first_received_at: None,
            deleted_at: None,
            receipts: 0,
            worked: 0,
            released: 0,
            counted: 0,
            work_seconds: None,
            jobs: Vec::new(),
            fate: Fate::Waiting,
        }
    }

    /// Seconds from sending to the first receipt; never negative, as two clocks may differ.
    #[must_use]
    pub fn wait_seconds(&self) -> Option<f64> {
        Some(self.first_received_at?.duration_since(self.sent_at?).as_secs_f64().max(0.0))
    }

    /// What became of it, by what was counted so far.
    pub(super) fn judge(&self) -> Fate {
        match (self.deleted_at.is_some(), self.worked) {
            (_, 2..) => Fate::Duplicated,
            (true, _) if self.counted == 1 => Fate::Done,
            (true, _) => Fate::Miscounted,
            (false, 1) => Fate::Worked,
            (false, _) if self.receipts > 0 => Fate::Received,
            (false, _) => Fate::Waiting,
        }
    }
}
