//! What a cluster's own controllers do with replicas: a `ReplicaSet` keeps their number, a kubelet starts anew those that died.

use std::{cmp::Ordering, time::Duration};

use jiff::Timestamp;

/// The first pause before a replica that died again is started again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// A replica that lived so long has recovered: its earlier deaths are forgotten.
const RECOVERED: Duration = Duration::from_mins(10);

/// One replica as its controllers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it became ready, if it is.
    pub ready_at: Option<Timestamp>,
    /// How often it was started anew.
    pub restarts: u32,
    /// Whether it was made from another pod template than today's.
    pub is_outdated: bool,
}

/// What is to be done so that as many replicas run as are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// How many to start.
    pub start: usize,
    /// Which to end.
    pub end: Vec<String>,
}

/// What is to be done with `replicas`, none of which is ending, when `wanted` are wanted.
///
/// Outdated ones are replaced all at once, as by the strategy `Recreate`.
#[must_use]
pub fn upkeep(replicas: &[Standing], wanted: usize, now: Timestamp) -> Upkeep {
    let (outdated, mut current): (Vec<&Standing>, Vec<&Standing>) = replicas.iter().partition(|replica| replica.is_outdated);
    let mut end: Vec<String> = outdated.into_iter().map(|replica| replica.name.clone()).collect();
    current.sort_by(|a, b| first_to_end(a, b, now));
    let surplus = current.len().saturating_sub(wanted);
    end.extend(current.iter().take(surplus).map(|replica| replica.name.clone()));
    Upkeep { start: wanted.saturating_sub(current.len()), end }
}

/// Which of two replicas a `ReplicaSet` ends first: one that is not ready, one that was ready for a shorter time, one that was
/// started anew more often, the newer one. Times count by their power of two, as Kubernetes has it since 1.22; where that does
/// not tell them apart, chance decides, here that of their names. (`ActivePodsWithRanks` of `pkg/controller/controller_utils.go`;
/// nodes and deletion costs are the same for all replicas here.)
fn first_to_end(a: &Standing, b: &Standing, now: Timestamp) -> Ordering {
    let by_name = || a.name.cmp(&b.name);
    match (a.ready_at, b.ready_at) {
        (None, Some(_)) => return Ordering::Less,
        (Some(_), None) => return Ordering::Greater,
        (Some(one), Some(other)) if one != other => return rank(one, now).cmp(&rank(other, now)).then_with(by_name),
        _ => {}
    }
    let newer = || rank(a.created_at, now).cmp(&rank(b.created_at, now));
    b.restarts.cmp(&a.restarts).then_with(newer).then_with(by_name)
}

/// The power of two of the nanoseconds since `at`.
fn rank(at: Timestamp, now: Timestamp) -> i64 {
    let nanos = now.duration_since(at).as_nanos();
    if nanos <= 0 { -1 } else { i64::from(nanos.ilog2()) }
}

/// Deaths of one replica in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deaths(pub u32);

impl Deaths {
    /// One more, of a replica that had lived for `lived`.
    #[must_use]
    pub fn after(self, lived: Duration) -> Self {
        if lived >= RECOVERED { Self(1) } else { Self(self.0.saturating_add(1)) }
    }

    /// The pause before it is started again: none after the first death, then 10 s, 20 s and so on to 5 min, as a kubelet's
    /// `CrashLoopBackOff`.
    #[must_use]
    pub fn pause(self) -> Duration {
        match self.0 {
            0 | 1 => Duration::ZERO,
            many => FIRST_PAUSE.saturating_mul(1 << (many - 2).min(16)).min(LONGEST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    fn ready(name: &str, created: i64, ready: Option<i64>) -> Standing {
        Standing { name: name.into(), created_at: at(created), ready_at: ready.map(at), restarts: 0, is_outdated: false }
    }

    fn ended(replicas: &[Standing], wanted: usize) -> Vec<String> {
        upkeep(replicas, wanted, at(10_000)).end
    }

    #[test]
    fn those_that_are_not_ready_end_before_those_that_are() {
        let replicas = [ready("old", 1, Some(2)), ready("starting", 1, None), ready("new", 9_990, Some(9_999))];
        assert_eq!(ended(&replicas, 2), ["starting"]);
        assert_eq!(ended(&replicas, 1), ["starting", "new"]);
        assert_eq!(ended(&replicas, 0), ["starting", "new", "old"]);
    }

    #[test]
    fn of_two_that_are_not_ready_the_one_that_died_more_often_ends_first_then_the_newer_one() {
        let broken = Standing { restarts: 3, ..ready("broken", 1, None) };
        assert_eq!(ended(&[ready("new", 9_999, None), broken, ready("old", 1, None)], 0), ["broken", "new", "old"]);
    }

    #[test]
    fn times_that_are_close_do_not_tell_replicas_apart() {
        let replicas = [ready("b", 1, Some(5_001)), ready("a", 1, Some(5_000))];
        assert_eq!(ended(&replicas, 1), ["a"]);
    }

    #[test]
    fn a_new_pod_template_replaces_all_at_once() {
        let outdated = Standing { is_outdated: true, ..ready("a", 1, Some(2)) };
        let found = upkeep(&[outdated, ready("b", 1, Some(2))], 3, at(3));
        assert_eq!(found, Upkeep { start: 2, end: vec!["a".into()] });
    }

    #[test]
    fn the_pause_doubles_from_the_second_death_on_and_ends_at_five_minutes() {
        let pauses = (0..9).map(|deaths| Deaths(deaths).pause().as_secs());
        assert_eq!(pauses.collect::<Vec<_>>(), [0, 0, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(Deaths(u32::MAX).after(Duration::ZERO).pause(), LONGEST_PAUSE);
        assert_eq!(Deaths(7).after(Duration::from_mins(10)), Deaths(1));
    }

    proptest! {
        #[test]
        fn afterwards_there_are_as_many_as_wanted(
            times in proptest::collection::vec((0_i64..10_000, proptest::option::of(0_i64..10_000), 0_u32..4, any::<bool>()), 0..20),
            wanted in 0_usize..20,
        ) {
            let replicas: Vec<Standing> = times.iter().enumerate().map(|(index, (created, became, restarts, is_outdated))| {
                Standing { restarts: *restarts, is_outdated: *is_outdated, ..ready(&index.to_string(), *created, *became) }
            }).collect();
            let found = upkeep(&replicas, wanted, at(10_000));
            prop_assert_eq!(replicas.len() - found.end.len() + found.start, wanted);
            let stays = |replica: &&Standing| !found.end.contains(&replica.name);
            prop_assert!(replicas.iter().filter(stays).all(|replica| !replica.is_outdated));
        }
    }
}
