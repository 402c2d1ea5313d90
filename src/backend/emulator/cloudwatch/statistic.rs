//! One number for the samples of a period.

use std::cmp::Ordering;

use super::{error::validation, series::Point};
use crate::backend::emulator::error::ServiceError;

/// A statistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Statistic {
    Average,
    Sum,
    Minimum,
    Maximum,
    SampleCount,
    /// The percentile, 0 to 100.
    Percentile(f64),
}

impl Statistic {
    /// The statistic called `name`, such as `Average` or `p99.9`.
    pub(super) fn parse(name: &str) -> Result<Self, ServiceError> {
        match name {
            "Average" => Ok(Self::Average),
            "Sum" => Ok(Self::Sum),
            "Minimum" => Ok(Self::Minimum),
            "Maximum" => Ok(Self::Maximum),
            "SampleCount" => Ok(Self::SampleCount),
            other => {
                let percent = other.strip_prefix('p').filter(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
                let percent = percent.and_then(|text| text.parse::<f64>().ok()).filter(|percent| (0.0..=100.0).contains(percent));
                let offered = "the embedded CloudWatch has Average, Sum, Minimum, Maximum, SampleCount and percentiles such as p99";
                percent.map(Self::Percentile).ok_or_else(|| validation(format!("The statistic `{other}` is not valid: {offered}.")))
            }
        }
    }

    /// Its value for `points`; none without samples, and no percentile of statistic sets, whose samples are not known.
    pub(super) fn of(self, points: &[Point]) -> Option<f64> {
        let samples: f64 = points.iter().map(|point| point.samples).sum();
        let sum: f64 = points.iter().map(|point| point.sum).sum();
        match self {
            _ if points.is_empty() || samples <= 0.0 => None,
            Self::Average => Some(sum / samples),
            Self::Sum => Some(sum),
            Self::Minimum => points.iter().map(|point| point.low).reduce(f64::min),
            Self::Maximum => points.iter().map(|point| point.high).reduce(f64::max),
            Self::SampleCount => Some(samples),
            Self::Percentile(percent) => percentile(points, samples * percent / 100.0),
        }
    }
}

/// The smallest value that `rank` samples do not exceed.
fn percentile(points: &[Point], rank: f64) -> Option<f64> {
    let are_known = points.iter().all(|point| point.low.total_cmp(&point.high) == Ordering::Equal);
    let mut sorted: Vec<&Point> = points.iter().filter(|_| are_known).collect();
    sorted.sort_by(|one, other| one.low.total_cmp(&other.low));
    let mut passed = 0.0;
    let reached = sorted.iter().find(|point| {
        passed += point.samples;
        passed >= rank
    });
    reached.or(sorted.last()).map(|point| point.low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: f64, samples: f64) -> Point {
        Point { at: 0, low: value, high: value, samples, sum: value * samples }
    }

    fn of(name: &str, points: &[Point]) -> Option<f64> {
        Statistic::parse(name).expect("known").of(points)
    }

    #[test]
    fn counted_values_weigh_as_often_as_they_were_seen() {
        let points = [value(1.0, 3.0), value(5.0, 1.0)];
        let all = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"].map(|name| of(name, &points));
        assert_eq!(all, [2.0, 8.0, 1.0, 5.0, 4.0].map(Some));
        assert_eq!([of("p75", &points), of("p75.1", &points), of("p0", &points), of("p100", &points)], [1.0, 5.0, 1.0, 5.0].map(Some));
    }

    #[test]
    fn a_statistic_set_has_no_percentile() {
        let set = Point { at: 0, low: 1.0, high: 9.0, samples: 4.0, sum: 12.0 };
        assert_eq!((of("p50", &[set]), of("Average", &[set]), of("Maximum", &[set])), (None, Some(3.0), Some(9.0)));
        assert_eq!(of("SampleCount", &[]), None);
    }

    #[test]
    fn other_statistics_are_refused_by_name() {
        for name in ["average", "tm90", "IQM", "p101", "p", "p-1", "pNaN"] {
            assert!(Statistic::parse(name).is_err_and(|error| error.message.contains(name)), "{name}");
        }
    }
}
