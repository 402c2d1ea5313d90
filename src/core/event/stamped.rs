//! An event with its time, and the object that it is about.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::What;

/// One thing that happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When, by the clock of the process that reports it (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The object that it is about, as `namespace/name`, where several are run together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

impl Event {
    /// `what`, happening now.
    #[must_use]
    pub fn now(what: What) -> Self {
        Self { at: Timestamp::now(), about: None, what }
    }
}
