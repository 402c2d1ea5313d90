//! Two clocks: the wall's, and KEDA's, which runs as much faster as the watch does.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Both clocks; they showed the same when the watch began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began: Timestamp,
    at: Instant,
    pace: f64,
}

impl Clock {
    /// Both show `began` now; from here on KEDA's runs `pace` times as fast.
    pub(super) fn new(began: Timestamp, pace: f64) -> Self {
        Self { began, at: Instant::now(), pace }
    }

    /// When both showed the same.
    pub(super) fn began(&self) -> Timestamp {
        self.began
    }

    /// The wall's time.
    pub(super) fn wall(&self) -> Timestamp {
        later(self.began, self.at.elapsed())
    }

    /// KEDA's time.
    pub(super) fn keda(&self) -> Timestamp {
        later(self.began, self.at.elapsed().mul_f64(self.pace))
    }

    /// KEDA's time of what happened at `wall`: so many times as long ago.
    pub(super) fn keda_of(&self, wall: Timestamp) -> Timestamp {
        let ago = self.wall().duration_since(wall).mul_f64(self.pace);
        self.keda().checked_sub(ago).unwrap_or(Timestamp::MIN)
    }

    /// `wall` as it is stored: in whole seconds as KEDA does, finer where its clock runs at another pace.
    pub(super) fn stored(&self, wall: Timestamp) -> String {
        let is_real = (self.pace - 1.0).abs() < f64::EPSILON;
        if is_real { format!("{wall:.0}") } else { format!("{wall:.3}") }
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_fast_clock_makes_what_was_long_ago_longer_ago() {
        let began = Timestamp::from_second(1_000_000).expect("in range");
        let clock = Clock::new(began, 10.0);
        tokio::time::advance(Duration::from_secs(2)).await;
        let after = |seconds: i64| began + SignedDuration::from_secs(seconds);
        assert_eq!((clock.wall(), clock.keda()), (after(2), after(20)));
        assert_eq!([clock.keda_of(after(2)), clock.keda_of(began), clock.keda_of(after(-1))], [20, 0, -10].map(after));
        assert_eq!(clock.keda_of(Timestamp::MIN), Timestamp::MIN);
        assert_eq!(clock.stored(began + SignedDuration::from_millis(1_999)), "1970-01-12T13:46:41.999Z");
        assert_eq!(Clock::new(began, 1.0).stored(began + SignedDuration::from_millis(1_999)), "1970-01-12T13:46:41Z");
    }
}
