//! What `run` shows: one row for each object, a pure fold over the event stream.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    event::{Event, JobState, What},
    keda::{
        decision::{Decision, TriggerReading},
        executor::Rule,
        number::short,
        object::ObjectDecision,
    },
};

/// One object as it is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// `ScaledJob` or `ScaledObject`.
    pub kind: String,
    /// The types of its triggers.
    pub triggers: Vec<String>,
    /// Each trigger's value over its target, as last read; `error` for one that could not be.
    pub values: Vec<String>,
    /// Whether a trigger is active; absent before the first poll.
    pub active: Option<bool>,
    /// What was decided last: a few words, and the whole arithmetic.
    pub decided: Option<(String, String)>,
    /// When.
    pub at: Option<Timestamp>,
    /// What is wrong, while it is.
    pub fault: Option<String>,
    running: BTreeSet<String>,
    /// Replicas that are there, of a ScaledObject's target.
    replicas: Option<usize>,
}

impl Row {
    /// Jobs that have not ended, or replicas.
    #[must_use]
    pub fn running(&self) -> usize {
        self.replicas.unwrap_or(self.running.len())
    }
}

/// The state of a run, as far as its events tell.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// The objects, by `namespace/name`.
    pub rows: BTreeMap<String, Row>,
    /// When the first event happened.
    pub started_at: Option<Timestamp>,
    /// When the last event happened.
    pub last_at: Option<Timestamp>,
    /// Polls so far.
    pub polls: u64,
    /// How often a target was scaled.
    pub scalings: u64,
    /// Jobs that were created.
    pub created: u64,
    /// Jobs that ended well.
    pub complete: u64,
    /// Jobs that ended badly.
    pub failed: u64,
    /// Reads that failed.
    pub errors: u64,
}

impl Roster {
    /// A run of these objects: `namespace/name`, kind, and the types of the triggers.
    pub fn of(objects: impl IntoIterator<Item = (String, String, Vec<String>)>) -> Self {
        let row = |(about, kind, triggers)| (about, Row { kind, triggers, ..Row::default() });
        Self { rows: objects.into_iter().map(row).collect(), ..Self::default() }
    }

    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        self.started_at = Some(self.started_at.map_or(event.at, |first| first.min(event.at)));
        self.last_at = Some(self.last_at.map_or(event.at, |last| last.max(event.at)));
        match &event.what {
            What::Polled { .. } | What::ObjectPolled { .. } => self.polls += 1,
            What::Scaled { .. } => self.scalings += 1,
            What::JobCreated { .. } => self.created += 1,
            What::JobChanged { state: JobState::Complete, .. } => self.complete += 1,
            What::JobChanged { state: JobState::Failed, .. } => self.failed += 1,
            What::ScalerFailed { .. } => self.errors += 1,
            _ => {}
        }
        let Some(row) = event.about.as_ref().and_then(|about| self.rows.get_mut(about)) else { return };
        match &event.what {
            What::Polled { decision, .. } => row.decide(event.at, decision),
            What::ObjectPolled { decision, why, .. } => row.decide_object(event.at, decision, why),
            What::HpaSynced { decision, why, .. } if decision.rescales() => {
                row.decided = Some((format!("HPA {} -> {}", decision.current, decision.result), why.clone()));
            }
            What::ReplicasChanged { current, .. } => row.replicas = Some(usize::try_from(*current).unwrap_or(0)),
            What::JobCreated { job, .. } => {
                row.running.insert(job.clone());
            }
            What::JobChanged { job, state, .. } if state.is_finished() => {
                row.running.remove(job);
            }
            What::JobDeleted { job, .. } => {
                row.running.remove(job);
            }
            What::ScalerFailed { metric, error } => row.fault = Some(format!("{metric}: {error}")),
            What::Warning { message } => row.fault = Some(message.clone()),
            What::Paused { paused: true } => row.decided = Some(("paused".to_owned(), "the object is paused".to_owned())),
            What::Drained { .. } => row.decided = Some(("drained".to_owned(), "no trigger is active and no job runs".to_owned())),
            _ => {}
        }
    }
}

impl Row {
    fn decide(&mut self, at: Timestamp, decision: &Decision) {
        self.values = decision.triggers.iter().map(|trigger| value(&trigger.reading)).collect();
        self.active = Some(decision.is_active);
        self.at = Some(at);
        if !decision.is_error {
            self.fault = None;
        }
        self.decided = Some((in_words(decision), decision.explain()));
    }

    fn decide_object(&mut self, at: Timestamp, decision: &ObjectDecision, why: &str) {
        self.values = decision.triggers.iter().map(|trigger| value(&trigger.reading)).collect();
        self.active = Some(decision.is_active);
        self.at = Some(at);
        if !decision.is_error {
            self.fault = None;
        }
        // What the HPA did last stays until KEDA does something itself, or there is something else to say.
        let is_hpas = decision.activation.rule == Rule::Active && self.decided.as_ref().is_some_and(|(words, _)| words.starts_with("HPA"));
        if !is_hpas {
            self.decided = Some((object_in_words(decision), why.to_owned()));
        }
    }
}

/// `0 -> 1`, `2 stay`.
#[must_use]
pub fn object_in_words(decision: &ObjectDecision) -> String {
    let current = decision.current;
    match decision.activation.replicas {
        Some(to) if to != current => format!("KEDA {current} -> {to}"),
        _ if decision.is_error => "trigger failed".to_owned(),
        _ if current == 0 => "at rest".to_owned(),
        _ => format!("{current} stay"),
    }
}

/// `12/5`, or that there is none.
#[must_use]
pub fn value(reading: &TriggerReading) -> String {
    match &reading.error {
        Some(_) => "error".to_owned(),
        None => format!("{}/{}", short(reading.value), short(reading.target)),
    }
}

/// `create 3`, `nothing to create`, `inactive`.
#[must_use]
pub fn in_words(decision: &Decision) -> String {
    match decision.create {
        0 if decision.is_error => "trigger failed".to_owned(),
        0 if !decision.is_active => "inactive".to_owned(),
        0 => "enough".to_owned(),
        create => format!("create {create}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::keda::{
        decision::{Rules, TriggerReading, decide},
        jobs::Counts,
    };

    fn polled(value: f64) -> What {
        let reading = TriggerReading {
            metric: "s0-q".to_owned(),
            value,
            target: 5.0,
            active: value > 0.0,
            activation: Some(0.0),
            parts: None,
            counted: None,
            error: None,
        };
        What::Polled { depths: Vec::new(), decision: Box::new(decide(&Rules::default(), &[reading], Counts::default())), timing: None }
    }

    #[test]
    fn each_event_counts_for_the_object_that_it_is_about() {
        let names = ["a/x", "b/x"].map(|about| (about.to_owned(), "ScaledJob".to_owned(), vec!["aws-sqs-queue".to_owned()]));
        let mut roster = Roster::of(names);
        let mut tell = |about: &str, what: What| roster.apply(&Event { about: Some(about.to_owned()), ..Event::now(what) });
        tell("a/x", What::ScalerFailed { metric: "s0-q".to_owned(), error: "denied".to_owned() });
        tell("a/x", polled(12.0));
        tell("a/x", What::JobCreated { job: "x-1".to_owned(), generation: 1 });
        tell("b/x", polled(0.0));
        let (a, b) = (&roster.rows["a/x"], &roster.rows["b/x"]);
        assert_eq!((a.values.as_slice(), a.running(), a.active, a.fault.as_ref()), (["12/5".to_owned()].as_slice(), 1, Some(true), None));
        assert_eq!(a.decided.as_ref().map(|(words, _)| words.as_str()), Some("create 3"));
        assert_eq!((b.running(), b.decided.as_ref().map(|(words, _)| words.as_str())), (0, Some("inactive")));
        assert_eq!((roster.polls, roster.created, roster.errors), (2, 1, 1));
    }
}
