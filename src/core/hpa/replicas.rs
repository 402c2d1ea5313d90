//! What one metric asks for: `pkg/controller/podautoscaler/replica_calculator.go`, for external metrics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Input, TOLERANCE};
use crate::core::keda::{
    number::{to_float, to_int},
    trigger::metric_type::MetricType,
};

/// An external metric as it was read, in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// What its target is compared with.
    pub metric_type: MetricType,
    /// Its target.
    pub target: i64,
    /// Its value, or why there is none.
    pub value: Result<i64, String>,
}

/// What one metric asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// The metric's name.
    pub metric: String,
    /// What its target is compared with.
    pub metric_type: MetricType,
    /// Its target, in thousandths.
    pub target: i64,
    /// Its value, in thousandths; 0 when it could not be read.
    pub value: i64,
    /// What is there over what is wanted; absent where nothing is there to divide by.
    pub ratio: Option<f64>,
    /// Replicas that it was divided among: there, or ready.
    pub among: i32,
    /// Replicas it asks for; absent when it could not be read.
    pub replicas: Option<i32>,
    /// Whether that is what there is, because the difference is too small.
    pub is_tolerated: bool,
    /// Why it could not be read.
    pub error: Option<String>,
}

/// How far a ratio may be from 1 without an effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Below 1.
    pub scale_down: f64,
    /// Above 1.
    pub scale_up: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { scale_down: TOLERANCE, scale_up: TOLERANCE }
    }
}

impl Tolerance {
    pub(super) fn covers(self, ratio: f64) -> bool {
        (1.0 - self.scale_down..=1.0 + self.scale_up).contains(&ratio)
    }
}

/// What `metric` asks for.
///
/// An average value is the sum over the target, whatever runs and whatever is ready; it only compares with what is there. A
/// value is a ratio, which the ready pods are multiplied with. A target that is not positive makes no HPA: the API server
/// refuses it.
#[must_use]
pub fn propose(metric: &Metric, input: &Input<'_>, tolerance: Tolerance) -> Proposal {
    let is_value = metric.metric_type == MetricType::Value;
    let among = if is_value { input.ready } else { input.there };
    let failed = |error: &str| Proposal {
        metric: metric.name.clone(),
        metric_type: metric.metric_type,
        target: metric.target,
        value: 0,
        ratio: None,
        among,
        replicas: None,
        is_tolerated: false,
        error: Some(error.to_owned()),
    };
    let value = match &metric.value {
        Ok(value) => *value,
        Err(error) => return failed(error),
    };
    if metric.target <= 0 {
        return failed("an HPA's target must be above 0");
    }
    let (usage, target) = (to_float(value), to_float(metric.target));
    let (ratio, replicas, unchanged) = if is_value {
        (usage / target, ceil(usage / target * f64::from(input.ready)), input.current)
    } else {
        (usage / (target * f64::from(input.there)), ceil(usage / target), input.there)
    };
    let is_tolerated = tolerance.covers(ratio);
    Proposal {
        value,
        ratio: ratio.is_finite().then_some(ratio),
        replicas: Some(if is_tolerated { unchanged } else { replicas }),
        is_tolerated,
        error: None,
        ..failed("")
    }
}

/// Rounds up to a number of replicas.
pub(super) fn ceil(value: f64) -> i32 {
    to_int(value.ceil()).map_or(i32::MAX, |whole| i32::try_from(whole).unwrap_or(if whole < 0 { 0 } else { i32::MAX }))
}

#[cfg(test)]
mod tests {
    use super::{super::Spec, *};

    fn asked(metric_type: MetricType, value: i64, target: i64, (current, there, ready): (i32, i32, i32)) -> (Option<i32>, bool) {
        let spec = Spec::default();
        let metric = Metric { name: "s0-x".into(), metric_type, target, value: Ok(value) };
        let input = Input { spec: &spec, current, there, ready, metrics: &[], resources: &[] };
        let proposal = propose(&metric, &input, Tolerance::default());
        (proposal.replicas, proposal.is_tolerated)
    }

    #[test]
    fn an_average_value_is_the_sum_over_the_target() {
        let average = |value, there| asked(MetricType::AverageValue, value, 5000, (there, there, there));
        assert_eq!(average(23_000, 1), (Some(5), false), "23 / 5 = 4.6");
        assert_eq!(average(23_000, 20), (Some(5), false), "what runs is no factor");
        assert_eq!(average(11_000, 2), (Some(2), true), "1.1 is tolerated");
        assert_eq!(average(11_001, 2), (Some(3), false));
        assert_eq!(average(9_000, 2), (Some(2), true), "0.9 is tolerated");
        assert_eq!(average(0, 3), (Some(0), false));
        assert_eq!(average(7_000, 0), (Some(2), false), "nothing is there: the ratio is infinite");
        assert_eq!(average(0, 0), (Some(0), false), "and here it is none at all");
    }

    #[test]
    fn a_value_multiplies_what_is_ready() {
        let of = |value, current, ready| asked(MetricType::Value, value, 10_000, (current, current, ready));
        assert_eq!(of(20_000, 3, 3), (Some(6), false));
        assert_eq!(of(20_000, 3, 1), (Some(2), false), "only what is ready counts");
        assert_eq!(of(10_500, 3, 1), (Some(3), true));
    }

    #[test]
    fn a_target_of_nothing_is_an_error() {
        assert_eq!(asked(MetricType::AverageValue, 1000, 0, (1, 1, 1)), (None, false));
    }
}
