//! One poll over all triggers: readings, names, activity, and the events that KEDA emits for it.

use std::collections::BTreeMap;

use super::{aggregate::mean_target, conditions::Status, decision::TriggerReading, events::KedaEvent, number::through_quantity};

/// What a scaler said when it was asked for one metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Values by metric name, and whether the trigger is active.
    Values(Vec<(String, f64)>, bool),
    /// It could not be asked; the text is the error's.
    Failed(String),
}

/// One metric of a trigger, and the answers of this poll.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoll {
    /// The metric's name.
    pub name: String,
    /// Its average value; absent on metrics of another type.
    pub target: Option<f64>,
    /// Whether it is an external metric; the others (`cpu`, `memory`) contribute nothing.
    pub external: bool,
    /// The answer as built.
    pub first: Answer,
    /// The answer after the scaler was rebuilt, or why it could not be; asked for only when the first failed.
    pub second: Option<Answer>,
}

impl MetricPoll {
    /// Whether the answer that counts says active, whatever earlier metrics of the trigger said.
    fn is_active(&self) -> bool {
        self.external && matches!(self.answer(), Answer::Values(_, true))
    }

    /// The answer that counts: the second, when there is one.
    fn answer(&self) -> &Answer {
        match (&self.first, &self.second) {
            (Answer::Failed(_), Some(second)) => second,
            (first, _) => first,
        }
    }
}

/// The readings of one trigger with any number of metrics; most triggers have one.
///
/// Two oddities are KEDA's: the length is always the sum over values named like the *first* metric, and once a metric was
/// active, the later ones of the same trigger count as active too.
#[must_use]
pub fn readings(metrics: &[MetricPoll]) -> Vec<TriggerReading> {
    let first_name = metrics.first().map_or("", |metric| metric.name.as_str());
    let target = mean_target(&metrics.iter().map(|metric| metric.target).collect::<Vec<_>>());
    let mut sticky = false;
    let read = |metric: &MetricPoll| match metric.answer() {
        Answer::Failed(error) => TriggerReading::failed(&metric.name, error),
        Answer::Values(values, active) => {
            sticky |= active;
            let named = values.iter().filter(|(name, _)| name == first_name);
            TriggerReading {
                metric: metric.name.clone(),
                value: named.fold(0.0, |sum, (_, value)| sum + through_quantity(*value)),
                target,
                active: sticky,
                activation: None,
                parts: None,
                counted: None,
                error: None,
            }
        }
    };
    metrics.iter().filter(|metric| metric.external).map(read).collect()
}

/// What one poll over all triggers came to, besides the decision.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PollState {
    /// Names of all external metrics, in order.
    pub metric_names: Vec<String>,
    /// Names of those that are active.
    pub active_triggers: Vec<String>,
    /// Whether a trigger failed.
    pub is_error: bool,
    /// One warning for each failure.
    pub events: Vec<KedaEvent>,
}

impl PollState {
    /// Sums up the readings of triggers that have one metric each.
    #[must_use]
    pub fn of(readings: &[TriggerReading]) -> Self {
        let failure = |reading: &TriggerReading| reading.error.clone().map(|error| KedaEvent::ScalerFailed { error });
        let events: Vec<KedaEvent> = readings.iter().filter_map(failure).collect();
        Self {
            metric_names: readings.iter().map(|reading| reading.metric.clone()).collect(),
            active_triggers: readings.iter().filter(|reading| reading.active).map(|reading| reading.metric.clone()).collect(),
            is_error: !events.is_empty(),
            events,
        }
    }

    /// Sums up triggers with any number of metrics; here only what a metric said itself makes it active.
    #[must_use]
    pub fn of_metrics(triggers: &[Vec<MetricPoll>]) -> Self {
        let read: Vec<TriggerReading> = triggers.iter().flat_map(|metrics| readings(metrics)).collect();
        let active = triggers.iter().flatten().filter(|metric| metric.is_active()).map(|metric| metric.name.clone());
        Self { active_triggers: active.collect(), ..Self::of(&read) }
    }

    /// `status.triggersActivity` after this poll.
    #[must_use]
    pub fn triggers_activity(&self) -> BTreeMap<String, bool> {
        triggers_activity(&self.metric_names, &self.active_triggers)
    }
}

/// One entry for each metric of the poll: whether it is active.
#[must_use]
pub fn triggers_activity(metric_names: &[String], active: &[String]) -> BTreeMap<String, bool> {
    metric_names.iter().map(|name| (name.clone(), active.contains(name))).collect()
}

/// The same after a push of one metric only: the other entries stay.
#[must_use]
pub fn pushed_activity(existing: &BTreeMap<String, bool>, metric: &str, active: &[String]) -> BTreeMap<String, bool> {
    let mut activity = existing.clone();
    activity.insert(metric.to_owned(), active.iter().any(|name| name == metric));
    activity
}

/// The event for a change of the stored `Active` condition; unknown counts as not active.
#[must_use]
pub fn activity_event(before: Status, is_active: bool) -> Option<KedaEvent> {
    match (before == Status::True, is_active) {
        (false, true) => Some(KedaEvent::Active),
        (true, false) => Some(KedaEvent::Inactive),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, value: f64, active: bool) -> MetricPoll {
        let first = Answer::Values(vec![(name.to_owned(), value)], active);
        MetricPoll { name: name.to_owned(), target: Some(2.0), external: true, first, second: None }
    }

    #[test]
    fn activity_sticks_within_a_trigger_and_only_the_first_name_counts() {
        let read = readings(&[metric("s0-a", 3.0, true), metric("s0-b", 9.0, false)]);
        assert_eq!(read.iter().map(|reading| (reading.value, reading.active)).collect::<Vec<_>>(), [(3.0, true), (0.0, true)]);
    }

    #[test]
    fn only_the_second_answer_counts_after_a_failure() {
        let failed = |text: &str| Answer::Failed(text.to_owned());
        let healed = MetricPoll {
            first: failed("x"),
            second: Some(Answer::Values(vec![("s0-a".to_owned(), 4.0)], true)),
            ..metric("s0-a", 0.0, false)
        };
        let broken = MetricPoll { first: failed("x"), second: Some(failed("y")), ..metric("s1-a", 0.0, false) };
        let read: Vec<TriggerReading> = [healed, broken].iter().flat_map(|metric| readings(std::slice::from_ref(metric))).collect();
        let state = PollState::of(&read);
        assert_eq!(state.events, [KedaEvent::ScalerFailed { error: "y".to_owned() }]);
        assert_eq!(state.triggers_activity(), BTreeMap::from([("s0-a".to_owned(), true), ("s1-a".to_owned(), false)]));
    }

    #[test]
    fn activity_events_come_on_changes_only() {
        assert_eq!(activity_event(Status::Unknown, true), Some(KedaEvent::Active));
        assert_eq!(activity_event(Status::True, false), Some(KedaEvent::Inactive));
        assert_eq!((activity_event(Status::Unknown, false), activity_event(Status::True, true)), (None, None));
    }
}
