//! Samples of one moment, and what a query makes of them: one number for each period.

use std::collections::BTreeMap;

use super::{statistic::Statistic, window::Window};

/// Samples of one moment: one value some times over, or a statistic set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Seconds since 1970.
    pub(super) at: i64,
    /// The smallest sample.
    pub(super) low: f64,
    /// The largest.
    pub(super) high: f64,
    /// How many there are.
    pub(super) samples: f64,
    /// Their sum.
    pub(super) sum: f64,
}

/// Numbers by the beginning of their period, in seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series {
    /// Where periods begin and end.
    pub(super) window: Window,
    /// The numbers; a period without data has none.
    pub(super) values: BTreeMap<i64, f64>,
}

impl Series {
    /// `statistic` of the points of each period of `window`.
    pub(super) fn of(points: &[Point], statistic: Statistic, window: Window) -> Self {
        let mut periods: BTreeMap<i64, Vec<Point>> = BTreeMap::new();
        for point in points.iter().filter(|point| window.holds(point.at)) {
            periods.entry(window.period_of(point.at)).or_default().push(*point);
        }
        let values = periods.into_iter().filter_map(|(start, points)| Some((start, statistic.of(&points)?))).collect();
        Self { window, values }
    }

    /// `change` of each number; what is no number any more is left out, as after a division by zero.
    pub(super) fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        let values = self.values.iter().map(|(start, value)| (*start, change(*value))).filter(|(_, value)| value.is_finite()).collect();
        Self { window: self.window, values }
    }

    /// `join` of the numbers that both have.
    pub(super) fn with(&self, other: &Self, join: impl Fn(f64, f64) -> f64) -> Self {
        let both = self.values.iter().filter_map(|(start, value)| Some((*start, join(*value, *other.values.get(start)?))));
        Self { window: self.window, values: both.filter(|(_, value)| value.is_finite()).collect() }
    }
}
