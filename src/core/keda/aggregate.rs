//! From readings to one demand: how several triggers become one queue length and one number of jobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    bounds::Bounds,
    number::{ceil_to_int, to_float},
};

/// `multipleScalersCalculation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Calculation {
    /// The trigger with the longest queue, the first of equals.
    #[default]
    Max,
    /// The trigger with the shortest queue; an active 0 counts as unset.
    Min,
    /// The mean over active triggers.
    Avg,
    /// The sum over active triggers.
    Sum,
}

impl Calculation {
    /// The names a manifest may use.
    pub const NAMES: [&str; 4] = ["max", "min", "avg", "sum"];

    /// Reads a manifest's word; absent, empty and unknown mean `max`.
    #[must_use]
    pub fn from_name(name: Option<&str>) -> Self {
        match name {
            Some("min") => Self::Min,
            Some("avg") => Self::Avg,
            Some("sum") => Self::Sum,
            _ => Self::Max,
        }
    }

    /// The manifest's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Min => "min",
            Self::Avg => "avg",
            Self::Sum => "sum",
        }
    }
}

/// What one metric contributes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The queue's length.
    pub queue_length: f64,
    /// Jobs wanted for it, already capped; see [`max_value`].
    pub max_value: f64,
    /// Whether the trigger is active; what is not active does not count.
    pub active: bool,
}

/// What all triggers together want.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Whether anything is active, or a minimum forces it.
    pub is_active: bool,
    /// The combined queue length.
    pub queue_length: f64,
    /// The combined number of jobs, capped at the room, before rounding.
    pub max_value: f64,
    /// The queue length rounded up: most jobs to create in one poll.
    pub scale_to: i64,
    /// The number of jobs rounded up.
    pub max_scale: i64,
}

/// Jobs wanted for one queue: length over target, at most `room`; a target of 0 wants none.
#[must_use]
pub fn max_value(queue_length: f64, target: f64, room: i64) -> f64 {
    if target == 0.0 { 0.0 } else { (queue_length / target).min(to_float(room)) }
}

/// The arithmetic mean of the targets of one trigger's metrics; a metric without an average value counts 0.
#[must_use]
pub fn mean_target(targets: &[Option<f64>]) -> f64 {
    if targets.is_empty() {
        return 0.0;
    }
    let sum: f64 = targets.iter().map(|target| target.unwrap_or(0.0)).sum();
    sum / count(targets.len())
}

/// Combines `entries`, in the order of the triggers.
#[must_use]
pub fn combine(calculation: Calculation, entries: &[Entry], bounds: Bounds) -> Demand {
    let active = || entries.iter().filter(|entry| entry.active);
    let (is_active, queue_length, wanted) = match calculation {
        Calculation::Max => choose(active(), |entry, best| entry.queue_length > best),
        Calculation::Min => choose(active(), |entry, best| best == 0.0 || entry.queue_length < best),
        Calculation::Avg => {
            let (any, queue, wanted) = total(active());
            let number = count(active().count().max(1));
            (any, queue / number, wanted / number)
        }
        Calculation::Sum => total(active()),
    };
    let max_value = wanted.min(to_float(bounds.max));
    Demand {
        is_active: is_active || bounds.min > 0,
        queue_length,
        max_value,
        scale_to: ceil_to_int(queue_length),
        max_scale: ceil_to_int(max_value),
    }
}

fn choose<'a>(entries: impl Iterator<Item = &'a Entry>, better: impl Fn(&Entry, f64) -> bool) -> (bool, f64, f64) {
    entries.fold((false, 0.0, 0.0), |best, entry| if better(entry, best.1) { (true, entry.queue_length, entry.max_value) } else { best })
}

fn total<'a>(entries: impl Iterator<Item = &'a Entry>) -> (bool, f64, f64) {
    let (any, queue, wanted) = entries.fold((false, 0.0, 0.0), |sum, entry| (true, sum.1 + entry.queue_length, sum.2 + entry.max_value));
    (any, f64::min(queue, f64::MAX), wanted.clamp(f64::MIN, f64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "a list that long does not fit in memory")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(queue_length: f64, max_value: f64) -> Entry {
        Entry { queue_length, max_value, active: true }
    }

    #[test]
    fn an_active_empty_queue_is_not_taken_by_max() {
        let demand = combine(Calculation::Max, &[entry(0.0, 0.0)], Bounds::default());
        assert!(!demand.is_active);
    }

    #[test]
    fn zero_counts_as_unset_for_min_so_that_order_matters() {
        let bounds = Bounds::default();
        assert_eq!(combine(Calculation::Min, &[entry(0.0, 0.0), entry(7.0, 7.0)], bounds).scale_to, 7);
        assert_eq!(combine(Calculation::Min, &[entry(7.0, 7.0), entry(0.0, 0.0)], bounds).scale_to, 0);
    }

    #[test]
    fn a_minimum_makes_an_idle_job_active() {
        assert!(combine(Calculation::Sum, &[], Bounds::new(Some(1), None)).is_active);
    }
}
