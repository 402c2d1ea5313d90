//! How values are spread: median, 95th percentile, maximum.

use serde::Serialize;

/// Percentiles by the nearest-rank method: each is a value that occurred.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Half of the values are at most this.
    pub p50: f64,
    /// 95 of 100 values are at most this.
    pub p95: f64,
    /// The largest value.
    pub max: f64,
}

impl Spread {
    /// The spread of `values`; none when there are none.
    #[must_use]
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let rank = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { p50: rank(50)?, p95: rank(95)?, max: *sorted.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let spread = Spread::of((1..=20).map(f64::from)).expect("values");
        assert_eq!((spread.p50, spread.p95, spread.max), (10.0, 19.0, 20.0));
        let one = Spread::of(std::iter::once(7.0)).expect("a value");
        assert_eq!((one.p50, one.p95, one.max), (7.0, 7.0, 7.0));
        assert!(Spread::of(std::iter::empty()).is_none());
    }
}
