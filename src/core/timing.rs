//! How a poll went in time, and whom it asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a poll went in time, and whom it asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Seconds by which it began later than it was due.
    pub late_seconds: f64,
    /// Every trigger of the object, in order: its place is its index.
    pub triggers: Vec<Timed>,
}

/// One trigger, and how long it took to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timed {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name, or else what KEDA calls the scaler of its type.
    pub scaler: String,
    /// The metric's name; absent where it has none of its own, or could not be built.
    pub metric: Option<String>,
    /// Seconds until it answered, however; absent where it was not asked.
    pub seconds: Option<f64>,
}
