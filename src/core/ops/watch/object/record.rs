//! What KEDA keeps in a ScaledObject's status: its conditions, when it was last active, and how each metric fares.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Clock;
use crate::core::keda::{
    conditions::{Condition, INITIAL, Status},
    fallback::Health,
    manifest::ScaledObject,
    object::{MetricRead, ObjectDecision},
    state::triggers_activity,
};

/// The status as it should be.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    /// When it was last known to be active, by the wall's clock.
    pub(super) last_active: Option<Timestamp>,
    /// How each metric fares, by name; kept only where there is a fallback.
    pub(super) healths: BTreeMap<String, Health>,
    /// By type: status, reason and message; those of others as well.
    conditions: Vec<Value>,
    activity: BTreeMap<String, bool>,
    has_fallback: bool,
    /// What was written last.
    written: Option<Value>,
    failed: bool,
}

impl Record {
    /// What the status of `object` says.
    pub(super) fn of(object: &Value) -> Self {
        let mut record = Self::default();
        record.take(object);
        record
    }

    /// Takes over what the status of `object` says.
    pub(super) fn take(&mut self, object: &Value) {
        let status = &object["status"];
        self.last_active = status["lastActiveTime"].as_str().and_then(|text| text.parse().ok());
        let health = |value: &Value| {
            let number_of_failures = value["numberOfFailures"].as_i64().and_then(|count| i32::try_from(count).ok())?;
            Some(Health { number_of_failures, is_failing: value["status"] == FAILING })
        };
        let healths = status["health"].as_object().into_iter().flatten();
        self.healths = healths.filter_map(|(metric, value)| Some((metric.clone(), health(value)?))).collect();
        self.conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        for (kind, status) in INITIAL {
            if !self.conditions.iter().any(|condition| condition["type"] == kind) {
                self.conditions.push(json!({ "type": kind, "status": status.as_str() }));
            }
        }
    }

    /// Notes what a poll came to.
    pub(super) fn poll(&mut self, object: &ScaledObject, decision: &ObjectDecision) {
        let activation = &decision.activation;
        self.set("Ready", Some(&activation.ready));
        self.set("Active", activation.active.as_ref());
        self.pause(object, false);
        self.fallback(object, &decision.triggers);
        let names: Vec<String> = decision.triggers.iter().map(|trigger| trigger.reading.metric.clone()).collect();
        let active = |trigger: &&MetricRead| trigger.is_active();
        let active: Vec<String> = decision.triggers.iter().filter(active).map(|trigger| trigger.reading.metric.clone()).collect();
        self.activity = triggers_activity(&names, &active);
    }

    /// Notes whether anything stands in for a metric.
    pub(super) fn fallback(&mut self, object: &ScaledObject, read: &[MetricRead]) {
        self.has_fallback = object.spec.fallback.is_some();
        let is_on = read.iter().any(|metric| metric.replaced.is_some());
        let condition = if is_on { (Status::True, "FallbackExists") } else { (Status::False, "NoFallbackFound") };
        self.set("Fallback", Some(&Condition::new(condition.0, condition.1)));
    }

    /// Notes whether it is paused.
    pub(super) fn pause(&mut self, _object: &ScaledObject, is_paused: bool) {
        let condition = if is_paused { (Status::True, "ScaledObjectPaused") } else { (Status::False, "ScaledObjectUnpaused") };
        self.set("Paused", Some(&Condition::new(condition.0, condition.1)));
    }

    /// Notes how the HPA fares.
    pub(super) fn hpa(&mut self, condition: &Condition) {
        self.set("HPAActive", Some(condition));
    }

    fn set(&mut self, kind: &str, condition: Option<&Condition>) {
        let Some(condition) = condition else { return };
        let value = json!({
            "type": kind,
            "status": condition.status.as_str(),
            "reason": condition.reason,
            "message": message(&condition.reason),
        });
        match self.conditions.iter_mut().find(|one| one["type"] == kind) {
            Some(one) => *one = value,
            None => self.conditions.push(value),
        }
    }

    /// What is to be written; nothing when that is what was written last.
    pub(super) fn patch(&mut self, clock: &Clock) -> Option<Value> {
        let mut patch = json!({ "conditions": self.conditions });
        if let Some(at) = self.last_active {
            patch["lastActiveTime"] = clock.stored(at).into();
        }
        let activity = self.activity.iter().map(|(metric, is_active)| (metric.clone(), json!({ "isActive": is_active })));
        patch["triggersActivity"] = activity.collect::<Map<_, _>>().into();
        if self.has_fallback {
            let health = |health: &Health| json!({ "numberOfFailures": health.number_of_failures, "status": if health.is_failing { FAILING } else { "Happy" } });
            patch["health"] = self.healths.iter().map(|(metric, one)| (metric.clone(), health(one))).collect::<Map<_, _>>().into();
        }
        (self.written.replace(patch.clone()).as_ref() != Some(&patch)).then_some(patch)
    }

    /// Notes that it could not be written; whether that is news.
    pub(super) fn fails(&mut self) -> bool {
        self.written = None;
        !std::mem::replace(&mut self.failed, true)
    }
}

/// How a metric that cannot be read is said to fare.
const FAILING: &str = "Failing";

/// A reason in words.
fn message(reason: &str) -> &'static str {
    match reason {
        "ScaledObjectReady" => "the ScaledObject can be scaled",
        "PartialTriggerError" => "some triggers cannot be read",
        "TriggerError" => "the triggers cannot be read",
        "ScalerActive" => "a trigger is active",
        "ScalerNotActive" => "no trigger is active",
        "ScalerCooldown" => "no trigger is active; the cooldown lasts",
        "ScaledObjectPaused" => "an annotation pauses the ScaledObject",
        "ScaledObjectUnpaused" => "no annotation pauses the ScaledObject",
        "FallbackExists" => "the fallback stands in for a trigger that cannot be read",
        "NoFallbackFound" => "no fallback is in force",
        "HPAActive" | "ValidMetricFound" => "the HPA scales",
        "ScalingDisabled" => "nothing runs: the HPA waits until KEDA wakes the target",
        _ => "the HPA cannot read its metrics",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::keda::{
        fallback::{Behavior, Fallback},
        manifest::ScaledObjectSpec,
    };

    #[test]
    fn what_is_written_is_read_back_and_is_written_once() {
        let at = Timestamp::from_second(1_000_000).expect("in range");
        let clock = Clock::new(at, 1.0);
        let object = ScaledObject { spec: with_fallback(), ..ScaledObject::default() };
        let mut record = Record::of(&json!({ "status": { "conditions": [{ "type": "Mine", "status": "True" }] } }));
        record.last_active = Some(at);
        record.healths.insert("s0-x".into(), Health { number_of_failures: 2, is_failing: true });
        record.fallback(&object, &[]);
        let patch = record.patch(&clock).expect("news");
        assert_eq!(record.patch(&clock), None, "it is no news any more");
        let again = Record::of(&json!({ "status": patch }));
        assert_eq!((again.last_active, &again.healths, &again.conditions), (record.last_active, &record.healths, &record.conditions));
        let types: Vec<&str> = again.conditions.iter().filter_map(|one| one["type"].as_str()).collect();
        assert_eq!(types, ["Mine", "Ready", "Active", "Fallback", "Paused"]);
        assert!(record.fails() && !record.fails());
        assert!(record.patch(&clock).is_some(), "what was not kept is written again");
    }

    fn with_fallback() -> ScaledObjectSpec {
        let fallback = Fallback { failure_threshold: 1, replicas: 2, behavior: Behavior::Static };
        ScaledObjectSpec { fallback: Some(fallback), ..ScaledObjectSpec::default() }
    }
}
