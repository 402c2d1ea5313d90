//! The four scaling strategies: how many jobs may be created, given demand, running and pending jobs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    go,
    number::{to_float, to_int},
};

/// A job percentage as a manifest gives it: any text that Go reads as a float.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Percentage(String);

impl Percentage {
    /// Reads `text`; `None` when Go would not.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        go::parse_float(text).map(|_| Self(text.to_owned()))
    }

    /// Its value; may be NaN or infinite.
    #[must_use]
    pub fn value(&self) -> f64 {
        go::parse_float(&self.0).unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Percentage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Percentage {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is not a number"))
    }
}

impl From<Percentage> for String {
    fn from(percentage: Percentage) -> Self {
        percentage.0
    }
}

/// The strategy in force, with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", tag = "name")]
pub enum Strategy {
    /// Demand minus running jobs.
    #[default]
    Default,
    /// Demand minus a constant and a share of the running jobs.
    Custom {
        /// `customScalingQueueLengthDeduction`; may be negative.
        deduction: i64,
        /// `customScalingRunningJobPercentage`.
        percentage: Percentage,
    },
    /// For scalers that do not count messages being worked on.
    Accurate,
    /// As many as there is room for.
    Eager,
}

/// What a strategy looks at. Running jobs are counted above the minimum here, pending ones are not reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demanded {
    /// Jobs wanted.
    pub max_scale: i64,
    /// Unfinished jobs above the minimum.
    pub running: i64,
    /// Unfinished jobs that are pending; part of the running ones.
    pub pending: i64,
    /// Room above the minimum.
    pub room: i64,
}

impl Strategy {
    /// The names a manifest may use.
    pub const NAMES: [&str; 4] = ["default", "custom", "accurate", "eager"];

    /// Selects as KEDA does: an unknown name, or `custom` without a readable percentage, is `default`.
    #[must_use]
    pub fn select(name: Option<&str>, deduction: Option<i32>, percentage: Option<&str>) -> Self {
        match name {
            Some("custom") => match percentage.and_then(Percentage::parse) {
                Some(percentage) => Self::Custom { deduction: i64::from(deduction.unwrap_or(0)), percentage },
                None => Self::Default,
            },
            Some("accurate") => Self::Accurate,
            Some("eager") => Self::Eager,
            _ => Self::Default,
        }
    }

    /// The manifest's word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Custom { .. } => "custom",
            Self::Accurate => "accurate",
            Self::Eager => "eager",
        }
    }

    /// Jobs to create before the clamp at 0 and at the queue's length; may be negative.
    ///
    /// A product of `custom` that is no integer creates none: KEDA's own result depends on the processor.
    #[must_use]
    pub fn effective(&self, input: Demanded) -> i64 {
        let Demanded { max_scale, running, pending, room } = input;
        match self {
            Self::Default => max_scale.wrapping_sub(running),
            Self::Custom { deduction, percentage } => {
                let Some(share) = share_of(running, percentage) else { return i64::MIN };
                max_scale.wrapping_sub(*deduction).wrapping_sub(share).min(room)
            }
            Self::Accurate => {
                if max_scale.wrapping_add(running).wrapping_sub(pending) > room {
                    room.wrapping_sub(running)
                } else {
                    max_scale.wrapping_sub(pending)
                }
            }
            Self::Eager => room.wrapping_sub(running).wrapping_sub(pending).min(max_scale),
        }
    }

    /// The most jobs to create in one poll: the queue's length, which `eager` replaces by the room.
    #[must_use]
    pub fn scale_to(&self, queue_length: i64, room: i64) -> i64 {
        if matches!(self, Self::Eager) { room } else { queue_length }
    }
}

/// The running jobs that `custom` deducts, cut to an integer; `None` when the product is none.
#[must_use]
pub fn share_of(running: i64, percentage: &Percentage) -> Option<i64> {
    to_int(to_float(running) * percentage.value())
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::*;

    #[test]
    fn custom_without_a_readable_percentage_is_default() {
        for percentage in [None, Some(""), Some("50%"), Some(" 1"), Some("1e400")] {
            assert_eq!(Strategy::select(Some("custom"), Some(10), percentage), Strategy::Default);
        }
    }

    #[test]
    fn eager_subtracts_pending_jobs_twice() {
        let input = Demanded { max_scale: 10, running: 5, pending: 5, room: 10 };
        assert_eq!(Strategy::Eager.effective(input), 0);
    }

    #[test]
    fn a_percentage_that_is_not_finite_creates_nothing() {
        for text in ["nan", "inf", "-inf", "1e308"] {
            let strategy = Strategy::select(Some("custom"), Some(5), Some(text));
            let input = Demanded { max_scale: 0, running: 1_000, pending: 0, room: 10 };
            assert_eq!(strategy.effective(input), i64::MIN, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(max_scale: i64, running: i64, pending: i64, room: i64, name in "default|custom|accurate|eager|", percentage in "\\PC*") {
            let strategy = Strategy::select(Some(&name), Some(i32::MIN), Some(&percentage));
            let _ = strategy.effective(Demanded { max_scale, running, pending, room });
        }
    }
}
