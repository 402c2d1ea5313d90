//! A lease that several processes contend for: when it may be taken, and how long its holder may act. The clock is an argument.

use std::time::{Duration, Instant};

/// The times of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long a record must stay unchanged before another may take it.
    pub duration: Duration,
    /// How often its holder renews it.
    pub renew_every: Duration,
    /// How long its holder acts after the last renewal that it asked for and got; what is less than `duration` is left
    /// for requests on their way.
    pub acts_for: Duration,
}

impl Default for Terms {
    /// 15 s, renewed every 5 s; its holder stops acting after 10 s.
    fn default() -> Self {
        Self { duration: Duration::from_secs(15), renew_every: Duration::from_secs(5), acts_for: Duration::from_secs(10) }
    }
}

/// The record that everybody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; nobody when it was given back.
    pub holder: Option<String>,
    /// Changes at each write.
    pub version: String,
    /// The holder's own word for how long it stays theirs.
    pub duration: Duration,
}

/// Whether a record may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody holds it, or its holder let it lapse.
    Free,
    /// Someone else holds it.
    HeldBy(String),
}

/// One process that wants a lease. It trusts no clock but its own: what counts is how long it saw no change.
#[derive(Debug, Clone, Default)]
pub struct Rival {
    seen: Option<(String, Instant)>,
}

impl Rival {
    /// Whether `me` may take the lease whose record was read at `now`.
    pub fn look(&mut self, record: &Record, me: &str, now: Instant) -> Standing {
        let since = match &self.seen {
            Some((version, since)) if *version == record.version => *since,
            _ => {
                self.seen = Some((record.version.clone(), now));
                now
            }
        };
        match record.holder.as_deref().filter(|holder| !holder.is_empty()) {
            Some(holder) if holder != me && now.duration_since(since) < record.duration => Standing::HeldBy(holder.to_owned()),
            _ => Standing::Free,
        }
    }
}

/// The time in which a holder may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenure {
    terms: Terms,
    asked: Instant,
}

impl Tenure {
    /// Begins, or is renewed, by a request that was sent at `asked` and then granted. The time of sending counts, as nobody
    /// can tell when the record was written after it.
    #[must_use]
    pub fn from(asked: Instant, terms: Terms) -> Self {
        Self { terms, asked }
    }

    /// Whether its holder may act at `now`.
    #[must_use]
    pub fn acts(&self, now: Instant) -> bool {
        now.duration_since(self.asked) < self.terms.acts_for
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(holder: Option<&str>, version: u64) -> Record {
        Record { holder: holder.map(str::to_owned), version: version.to_string(), duration: Terms::default().duration }
    }

    #[test]
    fn a_record_is_taken_only_after_it_was_seen_unchanged_for_its_whole_duration() {
        let (mut rival, start) = (Rival::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let held = Standing::HeldBy("a".into());
        assert_eq!(rival.look(&record(Some("a"), 1), "b", at(0)), held);
        assert_eq!(rival.look(&record(Some("a"), 1), "b", at(14)), held);
        assert_eq!(rival.look(&record(Some("a"), 2), "b", at(16)), held, "it was renewed");
        assert_eq!(rival.look(&record(Some("a"), 2), "b", at(30)), held);
        assert_eq!(rival.look(&record(Some("a"), 2), "b", at(31)), Standing::Free);
    }

    #[test]
    fn what_was_given_back_or_is_ones_own_is_free_at_once() {
        let now = Instant::now();
        assert_eq!(Rival::default().look(&record(None, 1), "b", now), Standing::Free);
        assert_eq!(Rival::default().look(&record(Some(""), 1), "b", now), Standing::Free);
        assert_eq!(Rival::default().look(&record(Some("b"), 1), "b", now), Standing::Free);
    }

    /// One process of the simulation.
    #[derive(Default)]
    struct Process {
        rival: Rival,
        tenure: Option<Tenure>,
    }

    proptest! {
        #[test]
        fn two_never_act_at_once_whatever_the_network_does(weather in prop::collection::vec((0_u8..4, 0_u8..4), 1..400)) {
            let (start, terms, names) = (Instant::now(), Terms::default(), ["a", "b"]);
            let mut processes = [Process::default(), Process::default()];
            let (mut holder, mut version) = (None::<&str>, 0_u64);
            for (second, (first, second_luck)) in weather.into_iter().enumerate() {
                let now = start + Duration::from_secs(second as u64);
                for (index, luck) in [first, second_luck].into_iter().enumerate() {
                    // 0: the request is lost; 1: only its answer is; otherwise it works.
                    if luck == 0 {
                        continue;
                    }
                    let process = &mut processes[index];
                    if process.rival.look(&record(holder, version), names[index], now) == Standing::Free {
                        (holder, version) = (Some(names[index]), version + 1);
                        if luck > 1 {
                            process.tenure = Some(Tenure::from(now, terms));
                        }
                    }
                }
                let acting = processes.iter().filter(|process| process.tenure.is_some_and(|tenure| tenure.acts(now))).count();
                prop_assert!(acting <= 1, "both act in second {second}");
            }
        }
    }
}
