//! What one poll of a ScaledObject reads and decides, with every input: KEDA's own half, and what its metrics server gives the HPA.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    decision::TriggerReading,
    executor::{self, Activation, Rule, Rules, Seen},
    explain::{failure, inactivity, value},
    fallback::{self, Fallback, Health, Milli, Outcome, Replicas},
    number::{short, to_float, to_int},
    pause::Pauses,
    trigger::metric_type::MetricType,
};
use crate::core::hpa;

/// One metric as it was read, after the fallback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricRead {
    /// What was read.
    #[serde(flatten)]
    pub reading: TriggerReading,
    /// What its target is compared with.
    pub metric_type: MetricType,
    /// Failures in a row; counted only where there is a fallback.
    pub failures: i32,
    /// What takes its place since it failed too often, in thousandths.
    pub replaced: Option<i64>,
}

/// A metric of a trigger, as far as it is known without asking anybody.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// What its target is compared with.
    pub metric_type: MetricType,
    /// What one replica is wanted for.
    pub target: f64,
}

impl MetricRead {
    /// Takes in a reading of a metric, counts its failures in `health`, and says what takes its place when there are too many.
    #[must_use]
    pub fn after(reading: TriggerReading, known: &Known, fallback: Option<&Fallback>, health: &mut Health, replicas: Replicas) -> Self {
        let metric = Milli { target: milli(known.target), metric_type: known.metric_type };
        let outcome = fallback::apply(fallback, health, metric, reading.error.is_none(), replicas);
        let replaced = if let Outcome::Replaced(value) = outcome { Some(value) } else { None };
        let reading = TriggerReading { target: known.target, ..reading };
        Self { reading, metric_type: known.metric_type, failures: health.number_of_failures, replaced }
    }

    /// Whether it speaks for replicas: it is active, or the fallback stands in for it.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.reading.active || self.replaced.is_some()
    }

    /// Whether it failed and nothing takes its place.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.reading.error.is_some() && self.replaced.is_none()
    }

    /// What the HPA is given.
    #[must_use]
    pub fn metric(&self) -> hpa::replicas::Metric {
        let value = match (self.replaced, &self.reading.error) {
            (Some(value), _) => Ok(value),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Ok(milli(self.reading.value)),
        };
        let TriggerReading { metric, target, .. } = &self.reading;
        hpa::replicas::Metric { name: metric.clone(), metric_type: self.metric_type, target: milli(*target), value }
    }

    fn explain(&self, among_others: bool) -> String {
        let reading = &self.reading;
        let name = if among_others { format!("{}: ", reading.metric) } else { String::new() };
        let target = short(reading.target);
        match (&reading.error, self.replaced) {
            (Some(error), Some(stand_in)) => {
                let stand_in = short(to_float(stand_in) / 1000.0);
                format!("{}, {} in a row: the fallback says {stand_in}, target {target}", failure(reading, error), self.failures)
            }
            (Some(error), None) if self.failures > 0 => format!("{}, {} in a row", failure(reading, error), self.failures),
            (Some(error), None) => failure(reading, error),
            (None, _) if reading.active => format!("{name}{}, active", value(reading)),
            (None, _) => format!("{name}{}, {}", value(reading), inactivity(reading)),
        }
    }
}

/// A value in thousandths, as a quantity has it.
fn milli(value: f64) -> i64 {
    to_int((value * 1000.0).round()).unwrap_or(if value < 0.0 { i64::MIN } else { i64::MAX })
}

/// One poll of a ScaledObject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectDecision {
    /// What the ScaledObject says.
    pub rules: Rules,
    /// What its annotations say.
    pub pauses: Pauses,
    /// What the triggers said, in their order; those that are of the pods themselves are left out.
    pub triggers: Vec<MetricRead>,
    /// Whether all triggers are of the pods themselves, so that it is always active.
    pub is_of_pods: bool,
    /// `spec.replicas` of the target.
    pub current: i32,
    /// When it was last known to be active.
    #[schemars(with = "Option<String>")]
    pub last_active: Option<Timestamp>,
    /// Whether a trigger is active.
    pub is_active: bool,
    /// Whether a trigger could not be read.
    pub is_error: bool,
    /// What is done.
    pub activation: Activation,
}

/// What a poll is about, besides its triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// What the ScaledObject says.
    pub rules: Rules,
    /// What its annotations say.
    pub pauses: Pauses,
    /// Whether all triggers are of the pods themselves.
    pub is_of_pods: bool,
    /// `spec.replicas` of the target.
    pub current: i32,
    /// When it was last known to be active.
    pub last_active: Option<Timestamp>,
    /// When the object was created.
    pub created: Option<Timestamp>,
}

impl ObjectDecision {
    /// Decides one poll as KEDA does.
    #[must_use]
    pub fn decide(around: Around, triggers: Vec<MetricRead>, now: Timestamp) -> Self {
        let Around { rules, pauses, is_of_pods, current, last_active, created } = around;
        let is_active = is_of_pods || triggers.iter().any(MetricRead::is_active);
        let is_error = triggers.iter().any(MetricRead::is_error);
        let seen = Seen { current, is_active, is_error, pauses, last_active, created };
        let activation = executor::decide(&rules, &seen, now);
        Self { rules, pauses, triggers, is_of_pods, current, last_active, is_active, is_error, activation }
    }

    /// The reasoning in one line.
    #[must_use]
    pub fn explain(&self) -> String {
        let several = self.triggers.len() > 1;
        let mut clauses: Vec<String> = self.triggers.iter().map(|trigger| trigger.explain(several)).collect();
        if self.is_of_pods {
            clauses.push("only the pods' own use counts: always active".to_owned());
        }
        clauses.push(self.outcome());
        clauses.join("; ")
    }

    /// What is done, in words.
    fn outcome(&self) -> String {
        let current = self.current;
        let to = self.activation.replicas.unwrap_or(current);
        match self.activation.rule {
            Rule::Paused => format!("paused at {current}"),
            Rule::Activate if self.activation.is_forced && !self.is_active => format!("activation is forced: {current} -> {to}"),
            Rule::Activate => format!("active: {current} -> {to}"),
            Rule::ScaleOutPaused => format!("active, but scaling out is paused: stays at {current}"),
            Rule::Active => format!("{current} run: the HPA scales"),
            Rule::PartlyFailing => format!("{current} run: the HPA scales; the cooldown does not begin anew"),
            Rule::LeftToFallback => format!("left to the fallback: stays at {current}"),
            Rule::Failing => format!("a trigger fails: stays at {current}"),
            Rule::Deactivate => format!("the cooldown is over: {current} -> {to}"),
            Rule::CoolingDown => {
                format!("inactive: {current} stay for {} s of cooldown", self.activation.cooldown_left.unwrap_or_default())
            }
            Rule::ScaleInPaused => format!("inactive, but scaling in is paused: stays at {current}"),
            Rule::BelowMinimum => format!("below the minimum: {current} -> {to}"),
            Rule::Resting if current == 0 => "at rest".to_owned(),
            Rule::Resting => format!("inactive: at rest at {current}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FALLBACK: Fallback = Fallback { failure_threshold: 1, replicas: 3, behavior: fallback::Behavior::Static };

    fn known() -> Known {
        Known { metric_type: MetricType::AverageValue, target: 5.0 }
    }

    fn reading(value: f64) -> TriggerReading {
        TriggerReading { value, target: 5.0, active: value > 0.0, error: None, ..TriggerReading::failed("s0-x", "") }
    }

    fn around(current: i32) -> Around {
        let rules = Rules { fallback: Some(FALLBACK.replicas), ..Rules::default() };
        Around { rules, pauses: Pauses::default(), is_of_pods: false, current, last_active: None, created: None }
    }

    fn poll(current: i32, readings: Vec<MetricRead>) -> ObjectDecision {
        ObjectDecision::decide(around(current), readings, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_failed_too_often_is_replaced_wakes_the_target_and_is_what_the_hpa_is_given() {
        let mut health = Health::default();
        let mut fail =
            || MetricRead::after(TriggerReading::failed("s0-x", "throttled"), &known(), Some(&FALLBACK), &mut health, Replicas::default());
        let (first, second) = (fail(), fail());
        assert!(first.metric().value.is_err());
        assert_eq!((second.metric().value, second.metric().target), (Ok(15_000), 5_000));
        let (waits, wakes) = (poll(0, vec![first]), poll(0, vec![second]));
        assert_eq!((waits.activation.rule, wakes.activation.rule), (Rule::LeftToFallback, Rule::Activate));
        assert_eq!(wakes.explain(), "s0-x: error (throttled), 2 in a row: the fallback says 15, target 5; active: 0 -> 1");
    }

    #[test]
    fn what_is_read_is_given_in_thousandths_with_its_target() {
        let read = MetricRead::after(reading(2.5), &known(), None, &mut Health::default(), Replicas::default());
        assert_eq!((read.metric().value, read.metric().target), (Ok(2_500), 5_000));
        assert_eq!(poll(1, vec![read]).explain(), "value 2.5, active; 1 run: the HPA scales");
    }

    #[test]
    fn an_object_of_pods_alone_is_always_active() {
        let found = ObjectDecision::decide(Around { is_of_pods: true, ..around(1) }, Vec::new(), Timestamp::UNIX_EPOCH);
        assert_eq!((found.is_active, found.activation.rule), (true, Rule::Active));
    }
}
