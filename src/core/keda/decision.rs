//! What the scaler decides at one poll.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One poll's decision, with every input and the formula, so that it can be explained, replayed and compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Unfinished jobs, the pending ones included.
    pub running: i64,
    /// Unfinished jobs that are pending.
    pub pending: i64,
    /// Jobs to create now.
    pub create: i64,
}
