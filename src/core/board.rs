//! What `watch` shows: a pure fold over the event stream.

mod history;
mod jobs;
mod replicas;

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    event::{Depth, Event, JobState, What},
    keda::compare::Cause,
    log::consumer,
};

pub use history::{History, Sample};
pub use jobs::{JobRow, Tally};
pub use replicas::{ReplicaRow, Replicas, Scaling};

/// How many decisions and notes are kept.
const KEPT: usize = 8;

/// One decision, or a run of equal ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// When it was last made.
    pub at: Timestamp,
    /// Its arithmetic.
    pub text: String,
    /// Whether something is done about it.
    pub acts: bool,
    /// How often in a row.
    pub times: u32,
}

impl Decided {
    /// Puts a decision in the place of `last`, or counts it where it is the same again.
    fn take(last: &mut Option<Self>, at: Timestamp, text: &str, acts: bool) {
        match last.as_mut().filter(|last| last.text == text) {
            Some(last) => (last.at, last.times) = (at, last.times + 1),
            None => *last = Some(Self { at, text: text.to_owned(), acts, times: 1 }),
        }
    }
}

/// Something to know: a warning, a trigger that could not be read, a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// KEDA beside its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keda {
    /// The `Ready` condition as `Status/Reason: message`; empty before it was seen.
    pub ready: String,
    /// The `Active` condition, likewise.
    pub active: String,
    /// Looks at which it did what the rules say, at once or with its next look.
    pub agreed: u64,
    /// Looks at which it did not.
    pub differed: u64,
    /// The last comparison: both numbers in words, why they differ, and the same in words.
    pub last: Option<(String, Cause, String)>,
}

/// The state of a watch, as far as its events tell.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// When the first event happened.
    pub started_at: Option<Timestamp>,
    /// When the last event happened.
    pub last_at: Option<Timestamp>,
    /// Depth of each trigger's queue, by metric name.
    pub queues: Vec<(String, Depth)>,
    /// The last decisions, oldest first; equal ones in a row are one.
    pub decisions: VecDeque<Decided>,
    /// The last notes, oldest first.
    pub notes: VecDeque<Note>,
    /// Messages done since the watch began.
    pub done: u64,
    /// Whether this process scales, and who does.
    pub lease: Option<(bool, String)>,
    /// Whether the ScaledJob is paused.
    pub paused: bool,
    /// What KEDA does, where it is KEDA that scales.
    pub keda: Option<Keda>,
    /// The replicas, where a ScaledObject is watched.
    pub replicas: Option<Replicas>,
    /// Depth, and jobs or replicas over time.
    pub history: History,
    jobs: BTreeMap<String, JobRow>,
    gone: Tally,
    expected: u64,
    polls: u64,
    created: u64,
    idle: u64,
    drained: Option<f64>,
}

/// What a watch came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Messages done.
    pub done: u64,
    /// Messages still queued, as last read.
    pub left: i64,
    /// Whether every queue was empty and no job ran at the end.
    pub drained: bool,
    /// Seconds from the first event to the last.
    pub seconds: f64,
    /// Polls of the scaler.
    pub polls: u64,
    /// Jobs created.
    pub created: u64,
    /// Jobs by state.
    pub jobs: Tally,
    /// Jobs that found no message.
    pub idle: u64,
    /// The most messages that were queued at once.
    pub peak_depth: i64,
    /// The most jobs that had not ended, or replicas, at once.
    pub peak_jobs: usize,
    /// Replicas told to end with a message in hand, and how often the target was scaled; where a ScaledObject was watched.
    pub replicas: Option<(u64, u64)>,
}

impl Board {
    /// Takes in one event. Events of one process come in order; those of others may come late.
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        if self.replicas.is_some() && consumer(&event.what).is_some() && self.started_at.is_some_and(|first| at < first) {
            // A log is read from its first line: what a replica did before the watch began is old news.
            return;
        }
        self.started_at = Some(self.started_at.map_or(at, |first| first.min(at)));
        self.last_at = Some(self.last_at.map_or(at, |last| last.max(at)));
        match &event.what {
            What::Polled { depths, decision, .. } => {
                self.polls += 1;
                self.read(depths);
                self.decide(at, &decision.explain(), decision.create != 0);
            }
            What::ObjectPolled { depths, decision, why, .. } => {
                self.polls += 1;
                self.read(depths);
                self.decide(at, why, decision.activation.replicas.is_some());
                self.replicas.get_or_insert_default();
            }
            what if self.replicas.is_some() && is_of_replicas(what) => {
                let told = self.replicas.as_mut().is_some_and(|replicas| replicas.apply(event));
                self.done += u64::from(told);
            }
            What::ReplicasChanged { .. } | What::ReplicaChanged { .. } => {
                self.replicas.get_or_insert_default().apply(event);
            }
            What::DepthChanged { depths } => self.read(depths),
            What::JobCreated { job, .. } => {
                self.created += 1;
                self.job(job, at);
            }
            What::JobChanged { job, state, reason, message_id, created_at } => {
                let row = self.job(job, *created_at);
                row.created_at = *created_at;
                row.change(at, *state, reason.as_deref(), message_id.as_deref());
                let idle = reason.as_deref() == Some("idle");
                if *state == JobState::Complete && !idle && row.message_id.is_some() {
                    self.finish(job);
                }
                self.idle += u64::from(idle && state.is_finished());
            }
            What::JobDeleted { job, .. } => self.forget(job),
            What::Received { job, message_id, .. } => {
                let row = self.job(job, at);
                row.change(at, JobState::Running, None, Some(message_id));
            }
            What::Deleted { job, .. } => {
                self.job(job, at);
                self.finish(job);
            }
            What::Lease { held, holder } => self.lease = Some((*held, holder.clone())),
            What::Paused { paused } => {
                self.paused = *paused;
                self.note(at, if *paused { "paused by its annotation" } else { "no longer paused" });
            }
            What::RolledOut { generation, deleted } => self.note(at, &in_force(*generation, *deleted)),
            What::Forecast { decision } => {
                self.polls += 1;
                self.keda.get_or_insert_default();
                self.decide(at, &decision.explain(), decision.create != 0);
            }
            What::Compared { expected, created, cause, why } => {
                self.compare(format!("created {created}, the rules say {expected}"), *cause, why);
            }
            What::ReplicasCompared { expected, wanted, cause, why } => {
                self.compare(format!("{wanted} wanted, the rules said {expected}"), *cause, why);
            }
            What::ObjectForecast { decision, why } => {
                self.polls += 1;
                self.keda.get_or_insert_default();
                self.replicas.get_or_insert_default();
                self.decide(at, why, decision.activation.replicas.is_some());
            }
            What::Conditions { ready, active, .. } => {
                let keda = self.keda.get_or_insert_default();
                ready.clone_into(&mut keda.ready);
                active.clone_into(&mut keda.active);
            }
            What::ClusterEvent { object, reason, note, warning: true } => self.note(at, &format!("{object} {reason}: {note}")),
            What::ScalerFailed { metric, error } => self.note(at, &format!("{metric}: {error}")),
            What::Warning { message } => self.note(at, message),
            What::Drained { done, seconds } => {
                self.done = *done;
                self.expected = *done;
                self.drained = Some(*seconds);
            }
            _ => {}
        }
        let jobs = match &self.replicas {
            Some(replicas) => usize::try_from(replicas.current).unwrap_or(0),
            None => self.tally().active(),
        };
        self.history.record(Sample { at, depth: self.depth().total(), jobs });
    }

    /// The sum of all queues.
    #[must_use]
    pub fn depth(&self) -> Depth {
        let add = |sum: Depth, (_, one): &(String, Depth)| Depth {
            visible: sum.visible + one.visible,
            in_flight: sum.in_flight + one.in_flight,
            delayed: sum.delayed + one.delayed,
        };
        self.queues.iter().fold(Depth::default(), add)
    }

    /// Messages done and still to do, as of the last reading; never less than done.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.expected.max(self.done)
    }

    /// Jobs by state, those that were deleted included.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.jobs.values().fold(self.gone, |mut tally, row| {
            *tally.of(row.state) += 1;
            tally
        })
    }

    /// Every job that still exists: active ones first, oldest first; then ended ones, latest end first.
    #[must_use]
    pub fn rows(&self) -> Vec<&JobRow> {
        let mut rows: Vec<&JobRow> = self.jobs.values().collect();
        rows.sort_by_key(|row| (row.ended_at.is_some(), row.ended_at.map(std::cmp::Reverse), row.created_at));
        rows
    }

    /// What the watch came to.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let span = self.started_at.zip(self.last_at).map_or(0.0, |(first, last)| last.duration_since(first).as_secs_f64());
        Summary {
            done: self.done,
            left: self.depth().total(),
            drained: self.drained.is_some(),
            seconds: self.drained.unwrap_or(span),
            polls: self.polls,
            created: self.created,
            jobs: self.tally(),
            idle: self.idle,
            peak_depth: self.history.peak().depth,
            peak_jobs: self.history.peak().jobs,
            replicas: self.replicas.as_ref().map(|replicas| (replicas.kills, replicas.scalings)),
        }
    }

    fn read(&mut self, depths: &[(String, Depth)]) {
        depths.clone_into(&mut self.queues);
        self.expected = self.done + u64::try_from(self.depth().total()).unwrap_or(0);
        self.drained = None;
    }

    fn decide(&mut self, at: Timestamp, text: &str, acts: bool) {
        match self.decisions.back_mut() {
            Some(last) if last.text == text => {
                last.at = at;
                last.times += 1;
            }
            _ => push(&mut self.decisions, Decided { at, text: text.to_owned(), acts, times: 1 }),
        }
    }

    fn compare(&mut self, numbers: String, cause: Cause, why: &str) {
        let keda = self.keda.get_or_insert_default();
        *if matches!(cause, Cause::Same | Cause::Phase) { &mut keda.agreed } else { &mut keda.differed } += 1;
        keda.last = Some((numbers, cause, why.to_owned()));
    }

    fn note(&mut self, at: Timestamp, text: &str) {
        match self.notes.back_mut() {
            Some(last) if last.text == text => last.at = at,
            _ => push(&mut self.notes, Note { at, text: text.to_owned() }),
        }
    }

    fn job(&mut self, name: &str, created_at: Timestamp) -> &mut JobRow {
        self.jobs.entry(name.to_owned()).or_insert_with(|| JobRow {
            name: name.to_owned(),
            state: JobState::Pending,
            created_at,
            ended_at: None,
            message_id: None,
            reason: None,
            done: false,
        })
    }

    /// Counts the message of `job` once, whichever of the two events that tell of it comes first.
    fn finish(&mut self, job: &str) {
        if let Some(row) = self.jobs.get_mut(job).filter(|row| !row.done) {
            row.done = true;
            self.done += 1;
        }
    }

    fn forget(&mut self, job: &str) {
        if let Some(row) = self.jobs.remove(job).filter(|row| row.state.is_finished()) {
            *self.gone.of(row.state) += 1;
        }
    }
}

/// Whether an event is about replicas once there are any: what a consumer tells is then told by one of them.
fn is_of_replicas(what: &What) -> bool {
    matches!(
        what,
        What::HpaSynced { .. }
            | What::HpaForecast { .. }
            | What::HpaSeen { .. }
            | What::Scaled { .. }
            | What::ReplicasChanged { .. }
            | What::ReplicaChanged { .. }
    ) || consumer(what).is_some()
}

/// A change of the object in words.
#[must_use]
pub fn in_force(generation: i64, deleted: usize) -> String {
    let older = if deleted > 0 { format!("; {deleted} jobs of older ones deleted") } else { String::new() };
    format!("generation {generation} is in force{older}")
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == KEPT {
        list.pop_front();
    }
    list.push_back(item);
}

#[cfg(test)]
mod tests;
