//! Jobs as they are shown, one by one and counted by state.

use jiff::Timestamp;
use serde::Serialize;

use crate::core::event::JobState;

/// One job as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: JobState,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its end was seen.
    pub ended_at: Option<Timestamp>,
    /// The message it works on or worked on, once known.
    pub message_id: Option<String>,
    /// Why it ended, in a word.
    pub reason: Option<String>,
    /// Whether its message counts as done.
    pub(super) done: bool,
}

impl JobRow {
    /// Seconds since the job was created; it stands still once the job has ended.
    #[must_use]
    pub fn age_seconds(&self, now: Timestamp) -> i64 {
        self.ended_at.unwrap_or(now).duration_since(self.created_at).as_secs().max(0)
    }
}

/// Jobs by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Created, nothing runs yet.
    pub pending: usize,
    /// Running.
    pub running: usize,
    /// Ended well, those without a message included.
    pub complete: usize,
    /// Ended badly.
    pub failed: usize,
}

impl Tally {
    /// Jobs that have not ended.
    #[must_use]
    pub fn active(&self) -> usize {
        self.pending + self.running
    }
}

impl JobRow {
    pub(super) fn change(&mut self, at: Timestamp, state: JobState, reason: Option<&str>, message_id: Option<&str>) {
        if let Some(id) = message_id {
            self.message_id = Some(id.to_owned());
        }
        if let Some(reason) = reason {
            self.reason = Some(reason.to_owned());
        }
        // A consumer's own event may come after the scaler saw its end.
        if !self.state.is_finished() {
            self.state = state;
            self.ended_at = state.is_finished().then_some(at);
        }
    }
}

impl FromIterator<JobState> for Tally {
    fn from_iter<I: IntoIterator<Item = JobState>>(states: I) -> Self {
        states.into_iter().fold(Self::default(), |mut tally, state| {
            *tally.of(state) += 1;
            tally
        })
    }
}

impl Tally {
    pub(super) fn of(&mut self, state: JobState) -> &mut usize {
        match state {
            JobState::Pending => &mut self.pending,
            JobState::Running => &mut self.running,
            JobState::Complete => &mut self.complete,
            JobState::Failed => &mut self.failed,
        }
    }
}
