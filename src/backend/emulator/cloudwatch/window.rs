//! The time that a query asks for, in periods.

use std::cmp::Ordering;

use super::{error::validation, model::Moment};
use crate::backend::emulator::error::ServiceError;

/// Seconds in a day.
const DAY: i64 = 24 * 3600;

/// From `start` to before `end`, in periods from `start` on; all in seconds, the former since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) period: i64,
}

impl Window {
    /// The window that a request asks for at `now` (milliseconds since 1970).
    ///
    /// Its start is rounded down to a whole minute, to the period when that is shorter, or to five minutes and an hour where
    /// CloudWatch keeps no finer data (15 and 63 days back), as `GetMetricData` is documented.
    pub(super) fn new(start: Moment, end: Moment, period: i64, now: i64) -> Self {
        let begin = start.0.div_euclid(1000);
        let grain = match now.div_euclid(1000) - begin {
            age if age > 63 * DAY => 3600,
            age if age > 15 * DAY => 300,
            _ => period.clamp(1, 60),
        };
        Self { start: begin - begin.rem_euclid(grain), end: end.0.div_euclid(1000) + i64::from(end.0.rem_euclid(1000) > 0), period }
    }

    /// Whether the window holds the moment.
    pub(super) fn holds(&self, at: i64) -> bool {
        (self.start..self.end).contains(&at)
    }

    /// The beginning of the period that holds the moment.
    pub(super) fn period_of(&self, at: i64) -> i64 {
        at - (at - self.start).rem_euclid(self.period.max(1))
    }

    /// The beginnings of all periods.
    pub(super) fn periods(&self) -> impl Iterator<Item = i64> + use<> {
        let step = usize::try_from(self.period.max(1)).unwrap_or(usize::MAX);
        (self.start..self.end).step_by(step)
    }
}

/// Checks that a span has a length, by whole seconds; the text says what is wrong.
pub(super) fn check_span(start: Moment, end: Moment) -> Result<(), &'static str> {
    match start.0.div_euclid(1000).cmp(&end.0.div_euclid(1000)) {
        Ordering::Less => Ok(()),
        Ordering::Equal => Err("The parameter StartTime must not equal parameter EndTime."),
        Ordering::Greater => Err("The parameter EndTime must be greater than StartTime."),
    }
}

/// Checks a period: 1, 5, 10, 20, 30, or a multiple of 60.
pub(super) fn check_period(period: i64) -> Result<i64, ServiceError> {
    if matches!(period, 1 | 5 | 10 | 20 | 30) || (period >= 60 && period % 60 == 0) {
        Ok(period)
    } else {
        Err(validation(format!("The period {period} is not valid: it must be 1, 5, 10, 20, 30 or a multiple of 60.")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_start_is_rounded_down_to_what_cloudwatch_keeps() {
        let start = |age: i64, period| {
            let now = 2_000_000_000_000;
            Window::new(Moment(now - age * 1000 + 999), Moment(now), period, now).start
        };
        assert_eq!([start(7, 1), start(7, 5), start(7, 60)], [1_999_999_993, 1_999_999_990, 1_999_999_980]);
        assert_eq!([start(16 * DAY, 60) % 300, start(64 * DAY, 60) % 3600], [0, 0]);
    }

    proptest! {
        #[test]
        fn each_moment_of_a_window_is_in_one_of_its_periods(from in 0i64..1_000_000, length in 1i64..10_000, period in 1i64..700, pick in 0i64..10_000) {
            let window = Window { start: from, end: from + length, period };
            let at = from + pick % length;
            let holding: Vec<i64> = window.periods().filter(|start| (*start..start + period).contains(&at)).collect();
            prop_assert_eq!(holding, vec![window.period_of(at)]);
        }
    }
}
