//! Depth and jobs over time, in bounded memory.

use jiff::Timestamp;

/// Most samples kept; when full, every second one is dropped.
const MOST: usize = 1024;

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Messages in all queues.
    pub depth: i64,
    /// Jobs that have not ended.
    pub jobs: usize,
}

/// Highest values seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peak {
    /// Messages in all queues.
    pub depth: i64,
    /// Jobs that have not ended.
    pub jobs: usize,
}

/// Samples in order of time; a value holds until the next sample.
#[derive(Debug, Clone, Default)]
pub struct History {
    samples: Vec<Sample>,
    peak: Peak,
}

impl History {
    /// Adds `sample` if it differs from the last one. A sample from the past counts as happening with the last one.
    pub fn record(&mut self, sample: Sample) {
        self.peak = Peak { depth: self.peak.depth.max(sample.depth), jobs: self.peak.jobs.max(sample.jobs) };
        match self.samples.last_mut() {
            Some(last) if (last.depth, last.jobs) == (sample.depth, sample.jobs) => return,
            Some(last) if sample.at <= last.at => *last = Sample { at: last.at, ..sample },
            _ => self.samples.push(sample),
        }
        if self.samples.len() > MOST {
            let mut index = 0;
            self.samples.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
    }

    /// The highest values so far.
    #[must_use]
    pub fn peak(&self) -> Peak {
        self.peak
    }

    /// The time from the first sample to `now` in `width` equal parts: each shows the highest of the values that
    /// began in it, or the value that held throughout.
    #[must_use]
    pub fn series(&self, width: usize, now: Timestamp) -> Vec<Peak> {
        let Some(first) = self.samples.first() else { return Vec::new() };
        let part = |at: Timestamp| -> usize {
            let span = now.duration_since(first.at).as_millis().max(1);
            let offset = at.duration_since(first.at).as_millis().clamp(0, span);
            let index = offset * i128::try_from(width).unwrap_or(i128::MAX) / span;
            usize::try_from(index).unwrap_or(0).min(width.saturating_sub(1))
        };
        // For each part: the highest values that began in it, and the last ones.
        let mut parts: Vec<Option<(Peak, Peak)>> = vec![None; width];
        for sample in &self.samples {
            let value = Peak { depth: sample.depth, jobs: sample.jobs };
            let Some(slot) = parts.get_mut(part(sample.at)) else { continue };
            let highest = slot.map_or(value, |(seen, _)| Peak { depth: seen.depth.max(value.depth), jobs: seen.jobs.max(value.jobs) });
            *slot = Some((highest, value));
        }
        let mut held = Peak::default();
        let shown = |slot: Option<(Peak, Peak)>| {
            let (highest, last) = slot.unwrap_or((held, held));
            held = last;
            highest
        };
        parts.into_iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, depth: i64, jobs: usize) -> Sample {
        Sample { at: Timestamp::from_second(second).expect("valid"), depth, jobs }
    }

    fn depths(history: &History, width: usize, now: i64) -> Vec<i64> {
        history.series(width, Timestamp::from_second(now).expect("valid")).iter().map(|peak| peak.depth).collect()
    }

    #[test]
    fn a_value_holds_until_the_next_sample() {
        let mut history = History::default();
        for one in [sample(0, 10, 0), sample(5, 4, 1)] {
            history.record(one);
        }
        assert_eq!(depths(&history, 10, 10), [10, 10, 10, 10, 10, 4, 4, 4, 4, 4]);
    }

    #[test]
    fn a_short_peak_is_not_lost_between_two_parts() {
        let mut history = History::default();
        for one in [sample(0, 1, 0), sample(50, 9, 0), sample(51, 1, 0)] {
            history.record(one);
        }
        assert_eq!(depths(&history, 2, 100), [1, 9]);
        assert_eq!(history.peak().depth, 9);
    }

    #[test]
    fn memory_is_bounded_and_the_peak_survives_it() {
        let mut history = History::default();
        for second in 0..100_000 {
            history.record(sample(second, if second == 777 { 1_000_000 } else { second % 100 }, 0));
        }
        assert!(history.samples.len() <= MOST + 1);
        assert_eq!(history.peak().depth, 1_000_000);
        assert_eq!(history.series(60, Timestamp::from_second(100_000).expect("valid")).len(), 60);
    }

    #[test]
    fn without_samples_or_width_there_is_no_series() {
        let mut history = History::default();
        assert!(depths(&history, 10, 5).is_empty());
        history.record(sample(0, 1, 1));
        assert!(depths(&history, 0, 5).is_empty());
        assert_eq!(depths(&history, 1, 0), [1]);
    }
}
