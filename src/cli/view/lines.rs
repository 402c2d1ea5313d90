//! A watch without a terminal: one plain line for each event worth one.

use jiff::Timestamp;
use kedactl::core::{
    board::Board,
    event::{Event, JobState, What},
    keda::compare::Cause,
};

use super::figures::age;

/// Writes lines; remembers what it said last, so that equal polls are said once.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    said: Option<String>,
}

impl Lines {
    /// The line for `event`, which `board` has taken in; none when it is not worth one.
    pub(crate) fn line(&mut self, event: &Event, board: &Board) -> Option<String> {
        let (word, text) = match &event.what {
            What::Polled { decision, .. } => {
                let text = board.decisions.back()?.text.clone();
                if decision.create == 0 && self.said.as_ref() == Some(&text) {
                    return None;
                }
                self.said = Some(text.clone());
                ("poll", text)
            }
            What::JobCreated { job, .. } => ("job", format!("{job} created")),
            What::JobChanged { job, state, reason, message_id, created_at } => {
                ("job", changed(event.at, job, *state, (reason.as_deref(), message_id.as_deref()), *created_at)?)
            }
            What::JobDeleted { job, reason } => ("job", format!("{job} deleted ({reason})")),
            What::ScalerFailed { metric, error } => ("error", format!("{metric}: {error}")),
            What::Lease { held: true, .. } => ("lease", "this process scales".to_owned()),
            What::Lease { held: false, holder } => ("lease", format!("looking on: {holder} scales")),
            What::Paused { paused: true } => ("pause", "the ScaledJob is paused".to_owned()),
            What::Paused { paused: false } => ("pause", "the ScaledJob is no longer paused".to_owned()),
            What::RolledOut { generation, deleted } => {
                ("rollout", format!("generation {generation} is in force; {deleted} jobs of older ones deleted"))
            }
            What::Forecast { .. } => {
                let text = board.decisions.back()?.text.clone();
                if self.said.as_ref() == Some(&text) {
                    return None;
                }
                self.said = Some(text.clone());
                ("rules", text)
            }
            What::Compared { cause: Cause::Same, created: 0, .. } => return None,
            What::Compared { expected, created, why, .. } => ("keda", format!("created {created}, the rules say {expected}: {why}")),
            What::ClusterEvent { object, reason, note, .. } => ("event", format!("{object} {reason}: {note}")),
            What::Conditions { ready, active, .. } => ("status", format!("Ready {ready}; Active {active}")),
            What::Drained { done, seconds } => ("drained", format!("{done} messages in {seconds:.1} s")),
            What::Warning { message } => ("warning", message.clone()),
            _ => return None,
        };
        Some(format!("{} {word:8} {text}", stamp(event.at)))
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
