//! When each of many objects is first polled: spread over its interval, and together with those that ask for the same.

use std::{collections::BTreeMap, time::Duration};

use crate::core::keda::manifest::Trigger;

/// From this many objects on, first polls are spread. Fewer poll at once, as KEDA does after its start.
const MANY: usize = 50;

/// An object's place among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// What its first trigger asks for: objects that ask for the same are polled together, so that one answer serves them.
    pub source: String,
    /// Time from one poll to the next.
    pub interval: Duration,
}

impl Seat {
    /// The place of an object in `namespace` called `name`.
    #[must_use]
    pub fn new(namespace: &str, name: &str, triggers: &[Trigger], interval: Duration) -> Self {
        let first = triggers.iter().find(|trigger| trigger.kind.starts_with("aws-"));
        let source = first.map_or_else(|| format!("{namespace}/{name}"), source);
        Self { source, interval }
    }
}

/// What a trigger asks for, without what it makes of the answer.
fn source(trigger: &Trigger) -> String {
    let named = ["queueURL", "queueURLFromEnv", "streamName", "tableName", "indexName", "namespace", "metricName", "expression"];
    let parts: Vec<&str> = named.iter().filter_map(|name| trigger.metadata.get(*name)).map(String::as_str).collect();
    format!("{} {}", trigger.kind, parts.join(" "))
}

/// The first poll of each of `seats`, in their order: the i-th of n sources, by name, waits i/n of the shortest interval at which
/// it is asked. So its other polls, at longer intervals, fall together with those.
#[must_use]
pub fn offsets(seats: &[Seat]) -> Vec<Duration> {
    if seats.len() < MANY {
        return vec![Duration::ZERO; seats.len()];
    }
    let mut offsets = BTreeMap::<&str, Duration>::new();
    for seat in seats {
        offsets.entry(&seat.source).and_modify(|shortest| *shortest = seat.interval.min(*shortest)).or_insert(seat.interval);
    }
    let all = f64::from(u32::try_from(offsets.len()).unwrap_or(u32::MAX));
    for (index, offset) in (0_u32..).zip(offsets.values_mut()) {
        *offset = offset.mul_f64(f64::from(index) / all);
    }
    seats.iter().map(|seat| offsets[seat.source.as_str()]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn seat(source: &str) -> Seat {
        Seat { source: source.to_owned(), interval: Duration::from_secs(10) }
    }

    #[test]
    fn few_objects_poll_at_once() {
        assert_eq!(offsets(&[seat("b"), seat("a")]), [Duration::ZERO; 2]);
    }

    #[test]
    fn what_a_trigger_makes_of_the_answer_does_not_part_it_from_others() {
        let trigger = |pairs: &[(&str, &str)]| Trigger {
            kind: "aws-sqs-queue".to_owned(),
            metadata: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..Trigger::default()
        };
        let seat = |pairs| Seat::new("default", "a", &[trigger(pairs)], Duration::from_secs(10));
        assert_eq!(seat(&[("queueURL", "q"), ("queueLength", "5")]), seat(&[("queueURL", "q")]));
        assert_ne!(seat(&[("queueURL", "q")]), seat(&[("queueURL", "r")]));
    }

    #[test]
    fn polls_of_one_source_at_different_intervals_fall_together() {
        let slow = |seat: Seat| Seat { interval: Duration::from_secs(30), ..seat };
        let seats: Vec<Seat> = (0..60).flat_map(|index| [slow(seat(&format!("{index:03}"))), seat(&format!("{index:03}"))]).collect();
        let offsets = offsets(&seats);
        assert!(offsets.chunks(2).all(|pair| pair[0] == pair[1] && pair[0] < Duration::from_secs(10)), "{offsets:?}");
    }

    proptest! {
        #[test]
        fn first_polls_fill_the_interval_evenly_and_sources_stay_together(sources in proptest::collection::vec(0u8..100, 50..300)) {
            let seats: Vec<Seat> = sources.iter().map(|source| seat(&format!("{source:03}"))).collect();
            let offsets = offsets(&seats);
            let distinct: std::collections::BTreeSet<&u8> = sources.iter().collect();
            let mut used: Vec<Duration> = offsets.clone();
            used.sort();
            used.dedup();
            prop_assert_eq!(used.len(), distinct.len());
            prop_assert!(used.iter().all(|offset| *offset < Duration::from_secs(10)));
            let step = Duration::from_secs(10).div_f64(f64::from(u32::try_from(distinct.len()).expect("few")));
            prop_assert!(used.windows(2).all(|pair| pair[1].abs_diff(pair[0]).abs_diff(step) < Duration::from_micros(1)));
            for (one, source) in sources.iter().enumerate() {
                for (other, _) in sources.iter().enumerate().filter(|(_, same)| *same == source) {
                    prop_assert_eq!(offsets[one], offsets[other]);
                }
            }
        }
    }
}
