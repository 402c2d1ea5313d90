//! What a metric becomes that cannot be read: the fallback of a ScaledObject.
//!
//! The rules are those of `pkg/fallback/fallback.go`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    number::{to_float, to_int},
    trigger::metric_type::MetricType,
};

/// `spec.fallback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// Failures of one metric in a row that are borne; the fallback begins with the next.
    pub failure_threshold: i32,
    /// Replicas to run then.
    pub replicas: i32,
    /// How they are reckoned with what runs.
    #[serde(default)]
    pub behavior: Behavior,
}

/// `spec.fallback.behavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Behavior {
    /// `replicas`, whatever runs.
    #[default]
    Static,
    /// What runs.
    CurrentReplicas,
    /// What runs, if that is more than `replicas`.
    CurrentReplicasIfHigher,
    /// What runs, if that is less than `replicas`.
    CurrentReplicasIfLower,
}

impl Behavior {
    /// The names a spec may use; `scalingModifiers` is one more, for formulas.
    pub const NAMES: [&str; 5] = ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower", "scalingModifiers"];

    /// The behavior of this name; `None` for `scalingModifiers` and what is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "static" => Some(Self::Static),
            "currentReplicas" => Some(Self::CurrentReplicas),
            "currentReplicasIfHigher" => Some(Self::CurrentReplicasIfHigher),
            "currentReplicasIfLower" => Some(Self::CurrentReplicasIfLower),
            _ => None,
        }
    }
}

/// How one metric fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Failures in a row.
    pub number_of_failures: i32,
    /// Whether the last reading failed.
    pub is_failing: bool,
}

/// Replicas of the target at the moment of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replicas {
    /// `spec.replicas`; `None` when it cannot be told.
    pub current: Option<i32>,
    /// Pods that are ready.
    pub ready: i32,
}

/// A metric in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Milli {
    /// Its target.
    pub target: i64,
    /// What the target is compared with.
    pub metric_type: MetricType,
}

/// A reading of a metric after the fallback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was read.
    Read,
    /// It failed, and the failure stands.
    Failed,
    /// It failed too often: this value, in thousandths, takes its place, and its trigger counts as active.
    Replaced(i64),
}

/// Counts a reading of a metric, and says what takes its place when it failed too often.
///
/// Without a fallback nothing is counted.
#[must_use]
pub fn apply(fallback: Option<&Fallback>, health: &mut Health, metric: Milli, was_read: bool, replicas: Replicas) -> Outcome {
    let Some(fallback) = fallback else { return if was_read { Outcome::Read } else { Outcome::Failed } };
    if was_read {
        *health = Health::default();
        return Outcome::Read;
    }
    *health = Health { number_of_failures: health.number_of_failures.saturating_add(1), is_failing: true };
    let is_valid = fallback.failure_threshold >= 0 && fallback.replicas >= 0;
    if !is_valid || health.number_of_failures <= fallback.failure_threshold {
        return Outcome::Failed;
    }
    replaced(fallback, metric, replicas).map_or(Outcome::Failed, Outcome::Replaced)
}

/// The value that asks for the fallback's replicas.
fn replaced(fallback: &Fallback, metric: Milli, replicas: Replicas) -> Option<i64> {
    let wanted = match fallback.behavior {
        Behavior::Static => fallback.replicas,
        Behavior::CurrentReplicas => replicas.current?,
        Behavior::CurrentReplicasIfHigher => replicas.current?.max(fallback.replicas),
        Behavior::CurrentReplicasIfLower => replicas.current?.min(fallback.replicas),
    };
    let asked = to_float(metric.target) * f64::from(wanted);
    match metric.metric_type {
        MetricType::AverageValue => to_int(asked),
        MetricType::Value if replicas.ready > 0 => to_int(asked / f64::from(replicas.ready)),
        MetricType::Value | MetricType::Utilization => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FALLBACK: Fallback = Fallback { failure_threshold: 2, replicas: 6, behavior: Behavior::Static };

    fn value(target: i64) -> Milli {
        Milli { target, metric_type: MetricType::AverageValue }
    }

    #[test]
    fn the_fallback_begins_one_failure_after_the_threshold_and_ends_with_a_reading() {
        let mut health = Health::default();
        let mut read = |was_read| apply(Some(&FALLBACK), &mut health, value(5000), was_read, Replicas::default());
        assert_eq!([read(false), read(false), read(false)], [Outcome::Failed, Outcome::Failed, Outcome::Replaced(30_000)]);
        assert_eq!([read(true), read(false)], [Outcome::Read, Outcome::Failed]);
    }

    #[test]
    fn a_value_is_shared_among_the_ready_pods_and_without_any_the_failure_stands() {
        let metric = Milli { target: 5000, metric_type: MetricType::Value };
        let late = Health { number_of_failures: 2, is_failing: true };
        let with = |ready| apply(Some(&FALLBACK), &mut late.clone(), metric, false, Replicas { current: Some(4), ready });
        assert_eq!([with(4), with(0)], [Outcome::Replaced(7500), Outcome::Failed]);
    }
}
