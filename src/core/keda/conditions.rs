//! Status conditions of an object of KEDA's: type, status and reason.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Status {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody can say.
    Unknown,
}

impl Status {
    /// The word Kubernetes uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// The conditions that a new object begins with; `HPAActive` comes only once there is an HPA.
pub const INITIAL: [(&str, Status); 4] =
    [("Ready", Status::Unknown), ("Active", Status::Unknown), ("Fallback", Status::Unknown), ("Paused", Status::False)];

/// One condition's status and KEDA's reason for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// Whether it holds.
    pub status: Status,
    /// Why, in one word.
    pub reason: String,
}

impl Condition {
    /// `status` because of `reason`.
    #[must_use]
    pub fn new(status: Status, reason: &str) -> Self {
        Self { status, reason: reason.to_owned() }
    }

    /// The `Ready` condition after one poll.
    #[must_use]
    pub fn ready(is_active: bool, is_error: bool) -> Self {
        match (is_error, is_active) {
            (false, _) => Self::new(Status::True, "ScaledJobReady"),
            (true, true) => Self::new(Status::Unknown, "PartialTriggerError"),
            (true, false) => Self::new(Status::False, "TriggerError"),
        }
    }

    /// The `Active` condition after one poll.
    #[must_use]
    pub fn active(is_active: bool) -> Self {
        if is_active { Self::new(Status::True, "ScalerActive") } else { Self::new(Status::False, "ScalerNotActive") }
    }

    /// The `Paused` condition when the pause annotation appears or goes.
    #[must_use]
    pub fn paused(is_paused: bool) -> Self {
        if is_paused { Self::new(Status::True, "ScaledJobPaused") } else { Self::new(Status::False, "ScaledJobUnpaused") }
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.status.as_str(), self.reason)
    }
}
