//! A watch without a terminal: one plain line for each event worth one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kedactl::core::{
    board::{Board, in_force},
    event::{Event, JobState, Released, What},
    keda::compare::Cause,
};

use super::figures::age;

/// Writes lines; remembers what it said last, so that equal polls are said once.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    said: BTreeMap<&'static str, String>,
}

impl Lines {
    /// The line for `event`, which `board` has taken in; none when it is not worth one.
    pub(crate) fn line(&mut self, event: &Event, board: &Board) -> Option<String> {
        let (word, text) = match &event.what {
            What::Polled { decision, .. } => self.news("poll", board.decisions.back()?.text.clone(), decision.create != 0)?,
            What::ObjectPolled { decision, why, .. } => self.news("poll", why.clone(), decision.activation.replicas.is_some())?,
            What::HpaSynced { decision, why, .. } => self.news("hpa", why.clone(), decision.rescales())?,
            What::ObjectForecast { why, .. } => self.news("rules", why.clone(), false)?,
            What::HpaForecast { why, .. } => self.news("hpa", format!("the rules say: {why}"), false)?,
            What::HpaSeen { name, current, desired, condition } => {
                self.news("status", format!("{name}: {current} counted, {desired} wanted; ScalingActive {condition}"), false)?
            }
            What::Scaled { target, from, to, by } => ("scaled", format!("{target} {from} -> {to} ({})", by.word())),
            What::ReplicasChanged { wanted, ready, ending, .. } => ("pool", format!("{wanted} wanted, {ready} ready, {ending} ending")),
            What::Deleted { job, message_id } if board.replicas.is_some() => ("done", format!("{job} message {message_id}")),
            What::ReleasedMessage { job, message_id, reason: Released::Signal } if board.replicas.is_some() => {
                ("kill", format!("{job} was told to end and gave message {message_id} back"))
            }
            What::JobCreated { job, .. } => ("job", format!("{job} created")),
            What::JobChanged { job, state, reason, message_id, created_at } => {
                ("job", changed(event.at, job, *state, (reason.as_deref(), message_id.as_deref()), *created_at)?)
            }
            What::JobDeleted { job, reason } => ("job", format!("{job} deleted ({reason})")),
            What::ScalerFailed { metric, error } => ("error", format!("{metric}: {error}")),
            What::Lease { held: true, .. } => ("lease", "this process scales".to_owned()),
            What::Lease { held: false, holder } => ("lease", format!("looking on: {holder} scales")),
            What::Paused { paused: true } => ("pause", "paused by its annotation".to_owned()),
            What::Paused { paused: false } => ("pause", "no longer paused".to_owned()),
            What::RolledOut { generation, deleted } => ("rollout", in_force(*generation, *deleted)),
            What::Forecast { .. } => self.news("rules", board.decisions.back()?.text.clone(), false)?,
            What::Compared { cause: Cause::Same, created: 0, .. } | What::ReplicasCompared { cause: Cause::Same | Cause::Phase, .. } => {
                return None;
            }
            What::ReplicasCompared { expected, wanted, why, .. } => ("keda", format!("{wanted} wanted, the rules said {expected}: {why}")),
            What::Compared { expected, created, why, .. } => ("keda", format!("created {created}, the rules say {expected}: {why}")),
            What::ClusterEvent { object, reason, note, .. } => ("event", format!("{object} {reason}: {note}")),
            What::Conditions { ready, active, .. } => ("status", format!("Ready {ready}; Active {active}")),
            What::Drained { done, seconds } => ("drained", format!("{done} messages in {seconds:.1} s")),
            What::Warning { message } => ("warning", message.clone()),
            _ => return None,
        };
        Some(format!("{} {word:8} {text}", stamp(event.at)))
    }

    /// The line of a decision, unless it is the one that was said last and nothing is done about it.
    fn news(&mut self, word: &'static str, text: String, acts: bool) -> Option<(&'static str, String)> {
        let is_known = self.said.insert(word, text.clone()).as_ref() == Some(&text);
        (acts || !is_known).then_some((word, text))
    }
}

fn changed(at: Timestamp, job: &str, state: JobState, of: (Option<&str>, Option<&str>), created_at: Timestamp) -> Option<String> {
    let (reason, message_id) = of;
    let message = message_id.map(|id| format!(" message {id}")).unwrap_or_default();
    let word = match state {
        JobState::Pending => return None,
        JobState::Running => return Some(format!("{job} running{message}")),
        JobState::Complete => "complete",
        JobState::Failed => "failed",
    };
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    Some(format!("{job} {word}{reason} after {}{message}", age(at.duration_since(created_at).as_secs())))
}

/// The second, RFC 3339, UTC.
pub(super) fn stamp(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
