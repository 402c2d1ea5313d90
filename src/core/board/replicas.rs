//! The replicas of a ScaledObject's target, as far as events tell.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::{Decided, push};
use crate::core::event::{Event, Released, ReplicaState, ScaledBy, What};

/// One replica as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaRow {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: ReplicaState,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was seen to be there no more.
    pub gone_at: Option<Timestamp>,
    /// The message it works on, once known.
    pub message_id: Option<String>,
    /// Messages it processed.
    pub done: u64,
    /// Messages that it had in hand when it was told to end.
    pub kills: u64,
}

impl ReplicaRow {
    /// Seconds since it was created; it stands still once it is gone.
    #[must_use]
    pub fn age_seconds(&self, now: Timestamp) -> i64 {
        self.gone_at.unwrap_or(now).duration_since(self.created_at).as_secs().max(0)
    }
}

/// The target was told how many replicas to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaling {
    /// When.
    pub at: Timestamp,
    /// Replicas wanted before.
    pub from: i32,
    /// Replicas wanted since.
    pub to: i32,
    /// By whom.
    pub by: ScaledBy,
}

/// All replicas of the target.
#[derive(Debug, Clone, Default)]
pub struct Replicas {
    /// Wanted.
    pub wanted: i32,
    /// There, and not told to end.
    pub current: i32,
    /// Ready.
    pub ready: i32,
    /// Told to end.
    pub ending: i32,
    /// The most that were there at once.
    pub peak: i32,
    /// How often one was told to end with a message in hand.
    pub kills: u64,
    /// How often the target was told another number.
    pub scalings: u64,
    /// The last of those, oldest first.
    pub scaled: VecDeque<Scaling>,
    /// What the HPA found at its last sync.
    pub synced: Option<Decided>,
    /// What the cluster's own HPA says, where there is one.
    pub seen: Option<String>,
    rows: BTreeMap<String, ReplicaRow>,
}

impl Replicas {
    /// Takes in one event; whether it tells that a message was done.
    pub(super) fn apply(&mut self, event: &Event) -> bool {
        let at = event.at;
        match &event.what {
            What::HpaSeen { name, current, desired, condition } => {
                self.seen = Some(format!("{name}: {current} counted, {desired} wanted; ScalingActive {condition}"));
            }
            What::HpaSynced { decision, why, .. } | What::HpaForecast { decision, why } => {
                Decided::take(&mut self.synced, at, why, decision.rescales());
            }
            What::Scaled { from, to, by, .. } => {
                self.scalings += 1;
                push(&mut self.scaled, Scaling { at, from: *from, to: *to, by: *by });
            }
            What::ReplicasChanged { wanted, current, ready, ending } => {
                (self.wanted, self.current, self.ready, self.ending) = (*wanted, *current, *ready, *ending);
                self.peak = self.peak.max(*current);
            }
            What::ReplicaChanged { replica, state, message_id, created_at } => {
                let row = self.row(replica, *created_at);
                (row.state, row.created_at) = (*state, *created_at);
                match state {
                    ReplicaState::Starting | ReplicaState::Ready => row.message_id.clone_from(message_id),
                    // What it had in hand it gives back, and says so itself.
                    ReplicaState::Ending => {}
                    ReplicaState::Gone => row.message_id = None,
                }
                row.gone_at = (*state == ReplicaState::Gone).then_some(at);
            }
            What::Received { job, message_id, .. } => self.row(job, at).message_id = Some(message_id.clone()),
            What::Deleted { job, .. } => {
                let row = self.row(job, at);
                row.message_id = None;
                row.done += 1;
                return true;
            }
            What::ReleasedMessage { job, reason, .. } => {
                let killed = u64::from(*reason == Released::Signal);
                let row = self.row(job, at);
                row.message_id = None;
                row.kills += killed;
                self.kills += killed;
            }
            _ => {}
        }
        false
    }

    fn row(&mut self, name: &str, created_at: Timestamp) -> &mut ReplicaRow {
        self.rows.entry(name.to_owned()).or_insert_with(|| ReplicaRow {
            name: name.to_owned(),
            state: ReplicaState::Starting,
            created_at,
            gone_at: None,
            message_id: None,
            done: 0,
            kills: 0,
        })
    }

    /// Every replica ever seen: those that are there first, oldest first; then those that are gone, the latest first.
    #[must_use]
    pub fn rows(&self) -> Vec<&ReplicaRow> {
        let mut rows: Vec<&ReplicaRow> = self.rows.values().collect();
        rows.sort_by_key(|row| (row.gone_at.is_some(), row.gone_at.map(std::cmp::Reverse), row.created_at));
        rows
    }
}
