//! The recommendations of the last minutes, and what they make of the newest.

use jiff::{SignedDuration, Timestamp};

/// What was recommended, and when; each before it was stabilized.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Recommendations(Vec<(Timestamp, i32)>);

impl Recommendations {
    /// The first sync takes what runs for a recommendation.
    pub(super) fn begin(&mut self, current: i32, now: Timestamp) {
        if self.0.is_empty() {
            self.0.push((now, current));
        }
    }

    /// Without a `behavior`: `wanted`, but nothing lower than what was recommended within `seconds`.
    pub(super) fn highest(&mut self, wanted: i32, seconds: i32, now: Timestamp) -> i32 {
        let cutoff = before(now, seconds);
        let highest = self.0.iter().filter(|(at, _)| *at >= cutoff).map(|(_, replicas)| *replicas).max();
        self.record(wanted, cutoff, now);
        highest.map_or(wanted, |highest| highest.max(wanted))
    }

    /// With a `behavior`: `current`, moved only as far as every recommendation within the windows (up, down) agrees.
    pub(super) fn between(&mut self, wanted: i32, current: i32, windows: (i32, i32), now: Timestamp) -> i32 {
        let (up, down) = (before(now, windows.0), before(now, windows.1));
        let within = |cutoff: Timestamp| self.0.iter().filter(move |(at, _)| *at > cutoff).map(|(_, replicas)| *replicas);
        let lowest = within(up).fold(wanted, i32::min);
        let highest = within(down).fold(wanted, i32::max);
        self.record(wanted, up.min(down), now);
        // Raised first, then lowered, as the HPA does.
        current.max(lowest).min(highest)
    }

    fn record(&mut self, wanted: i32, cutoff: Timestamp, now: Timestamp) {
        self.0.retain(|(at, _)| *at >= cutoff);
        self.0.push((now, wanted));
    }
}

/// `now`, so many seconds ago.
pub(super) fn before(now: Timestamp, seconds: i32) -> Timestamp {
    now.checked_sub(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MIN)
}
