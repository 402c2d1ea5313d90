//! How an HPA fares, as KEDA reads it off the HPA's `ScalingActive` condition.

use super::conditions::{Condition, Status};

/// The HPA's `ScalingActive` condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScalingActive<'a> {
    /// Whether it holds.
    pub holds: bool,
    /// Why.
    pub reason: &'a str,
    /// The same in words.
    pub message: &'a str,
}

/// The `HPAActive` condition of the ScaledObject, with its message. An HPA that is disabled because nothing runs is well.
#[must_use]
pub fn hpa_active(hpa: &ScalingActive<'_>) -> (Condition, String) {
    match hpa.reason {
        _ if hpa.holds => (Condition::new(Status::True, "HPAActive"), "the HPA scales".to_owned()),
        "ScalingDisabled" => (Condition::new(Status::True, hpa.reason), hpa.message.to_owned()),
        "" => (Condition::new(Status::False, "HPAMetricsUnavailable"), unwell(hpa.message)),
        reason => (Condition::new(Status::False, reason), unwell(hpa.message)),
    }
}

fn unwell(message: &str) -> String {
    format!("the HPA does not scale: {message}")
}
