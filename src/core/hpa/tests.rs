//! Figures worked out by hand, and what must hold whatever the metrics say.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{
    behavior::{Behavior, Policy, Select, Step},
    *,
};
use crate::core::keda::trigger::metric_type::MetricType;

/// An HPA, its target, and a clock that moves by one sync at a time. What is wanted is there at once.
struct World {
    spec: Spec,
    state: State,
    replicas: i32,
    now: Timestamp,
}

impl World {
    fn new(replicas: i32, (min, max): (i32, i32), behavior: Option<Behavior>) -> Self {
        Self { spec: Spec { min, max, behavior }, state: State::default(), replicas, now: Timestamp::UNIX_EPOCH }
    }

    /// One sync with a queue of `depth` and a target of 1 for each replica; then the clock moves on.
    fn sync(&mut self, depth: i64) -> HpaDecision {
        self.sync_all(&[metric(Ok(depth * 1000))])
    }

    fn sync_all(&mut self, metrics: &[Metric]) -> HpaDecision {
        let input = Input { spec: &self.spec, current: self.replicas, there: self.replicas, ready: self.replicas, metrics, resources: &[] };
        let decision = sync(&input, &mut self.state, self.now);
        if decision.rescales() {
            self.state.scaled(&self.spec, self.replicas, decision.result, self.now);
            self.replicas = decision.result;
        }
        self.now += SignedDuration::from_secs(15);
        decision
    }

    fn go(&mut self, depths: &[i64]) -> Vec<i32> {
        depths.iter().map(|depth| self.sync(*depth).result).collect()
    }
}

fn metric(value: Result<i64, String>) -> Metric {
    Metric { name: "s0-x".into(), metric_type: MetricType::AverageValue, target: 1000, value }
}

#[test]
fn from_one_it_goes_to_four_and_then_doubles() {
    assert_eq!(World::new(1, (1, 100), None).go(&[50; 5]), [4, 8, 16, 32, 50]);
    assert_eq!(World::new(1, (1, 10), None).go(&[50; 3]), [4, 8, 10]);
}

#[test]
fn a_scale_in_waits_until_the_window_holds_nothing_higher_and_is_then_one_step() {
    let mut world = World::new(10, (1, 100), None);
    // The first sync takes the 10 that run for a recommendation; it holds for 300 s, which is 20 syncs, the last included.
    let results = world.go(&[2; 22]);
    assert_eq!((&results[..21], results[21]), (&[10; 21][..], 2));
}

#[test]
fn a_change_within_the_tolerance_is_none() {
    let decision = World::new(10, (1, 100), None).sync(11);
    assert_eq!((decision.result, decision.proposals[0].is_tolerated), (10, true));
    assert_eq!(World::new(10, (1, 100), None).sync(12).result, 12);
}

#[test]
fn nothing_running_disables_it_and_outside_its_bounds_it_looks_at_no_metric() {
    let decision = World::new(0, (1, 5), None).sync(9);
    assert_eq!((decision.reason, decision.result), (Reason::Disabled, 0));
    assert_eq!(World::new(9, (1, 5), None).sync(9).reason, Reason::AboveMaximum);
    let low = World::new(1, (2, 5), None).sync(0);
    assert_eq!((low.reason, low.result), (Reason::BelowMinimum, 2));
}

#[test]
fn a_metric_that_cannot_be_read_stops_a_scale_in_but_no_scale_out() {
    let failing = || metric(Err("throttled".into()));
    let with = |depth: i64| World::new(4, (1, 100), None).sync_all(&[metric(Ok(depth * 1000)), failing()]);
    assert_eq!((with(8).result, with(1).result, with(1).reason), (8, 4, Reason::Unreadable));
    assert_eq!(World::new(4, (1, 100), None).sync_all(&[failing()]).reason, Reason::Unreadable);
}

#[test]
fn policies_limit_the_rate_and_remember_the_period() {
    let mut behavior = Behavior::default();
    behavior.scale_up.policies = vec![Policy { step: Step::Pods(2), period: 60 }];
    behavior.scale_down.window = 0;
    behavior.scale_down.policies = vec![Policy { step: Step::Percent(50), period: 15 }];
    let mut world = World::new(1, (1, 100), Some(behavior));
    assert_eq!(world.go(&[9; 6]), [3, 3, 3, 3, 5, 5], "two a minute");
    assert_eq!(world.go(&[1; 3]), [2, 1, 1], "half of 5 is 2.5, cut to 2");
}

#[test]
fn a_percentage_is_rounded_up_as_the_processor_has_it() {
    let mut behavior = Behavior::default();
    behavior.scale_up.policies = vec![Policy { step: Step::Percent(10), period: 15 }];
    // 100 * 1.1 is 110.00000000000001.
    assert_eq!(World::new(100, (1, 1_000), Some(behavior)).sync(990).result, 111);
}

#[test]
fn a_direction_that_is_disabled_stands_still() {
    let mut behavior = Behavior::default();
    behavior.scale_up.select = Select::Disabled;
    assert_eq!(World::new(3, (1, 100), Some(behavior)).go(&[50; 2]), [3, 3]);
}

#[test]
fn the_arithmetic_is_told() {
    assert_eq!(World::new(2, (1, 100), None).sync(50).explain(), "s0-x: 50 / 1 -> 50; at most 4 now; 2 -> 4");
    let quiet = World::new(8, (1, 100), None).sync(1).explain();
    assert_eq!(quiet, "s0-x: 1 / 1 -> 1; the stabilization window keeps 8; stays at 8");
}

fn behaviors() -> impl Strategy<Value = Option<Behavior>> {
    let step = prop_oneof![(1..50).prop_map(Step::Pods), (1..200).prop_map(Step::Percent)];
    let policies = || prop::collection::vec((step.clone(), 1..120).prop_map(|(step, period)| Policy { step, period }), 1..3);
    let select = || prop_oneof![Just(Select::Max), Just(Select::Min), Just(Select::Disabled)];
    let rules = || (0..400, select(), policies(), 0.0..0.3);
    let given = (rules(), rules()).prop_map(|(up, down)| {
        let make = |(window, select, policies, tolerance)| behavior::Rules { window, select, policies, tolerance };
        Behavior { scale_up: make(up), scale_down: make(down) }
    });
    prop::option::of(given)
}

proptest! {
    #[test]
    fn it_never_leaves_its_bounds(
        behavior in behaviors(), min in 1..10, room in 0..100, start in 0..150, depths in prop::collection::vec(0..1_000i64, 1..60),
    ) {
        let mut world = World::new(start, (min, min + room), behavior);
        for depth in depths {
            let before = world.replicas;
            let result = world.sync(depth).result;
            prop_assert!(before == 0 && result == 0 || (min..=min + room).contains(&result), "{before} -> {result}");
        }
    }

    #[test]
    fn within_the_tolerance_it_never_flaps(behavior in behaviors(), replicas in 1..200, swings in prop::collection::vec(-1.0..1.0f64, 1..60)) {
        let tolerance = behavior.as_ref().map_or_else(Tolerance::default, Behavior::tolerance);
        let mut world = World::new(replicas, (1, 200), behavior);
        for swing in swings {
            // A little inside, so that the rounding to thousandths stays within.
            let share = if swing < 0.0 { tolerance.scale_down } else { tolerance.scale_up };
            #[expect(clippy::cast_possible_truncation, reason = "a few thousands")]
            let value = (f64::from(replicas) * 1000.0 * (1.0 + swing * share * 0.99)).round() as i64;
            let inside = (f64::from(replicas) * 1000.0 * (1.0 - tolerance.scale_down), f64::from(replicas) * 1000.0 * (1.0 + tolerance.scale_up));
            #[expect(clippy::cast_precision_loss, reason = "a few thousands")]
            let is_inside = (inside.0..=inside.1).contains(&(value as f64));
            prop_assume!(is_inside);
            prop_assert_eq!(world.sync_all(&[metric(Ok(value))]).result, replicas);
        }
    }

    #[test]
    fn it_never_goes_below_what_was_recommended_within_the_window(start in 1..100, depths in prop::collection::vec(0..150i64, 1..80)) {
        let mut world = World::new(start, (1, 100), None);
        let mut recommended = vec![(world.now, start)];
        for depth in depths {
            let (before, now) = (world.replicas, world.now);
            let decision = world.sync(depth);
            let cutoff = now - SignedDuration::from_secs(300);
            let highest = recommended.iter().filter(|(at, _)| *at >= cutoff).map(|(_, replicas)| *replicas).max().unwrap_or(0);
            prop_assert!(decision.result >= before.min(highest), "{before} -> {} within {highest}", decision.result);
            recommended.extend(decision.wanted.map(|wanted| (now, wanted)));
        }
    }

    #[test]
    fn it_goes_up_at_most_by_doubling_or_to_four(start in 1..100, depths in prop::collection::vec(0..5_000i64, 1..40)) {
        let mut world = World::new(start, (1, 1_000), None);
        for depth in depths {
            let before = world.replicas;
            prop_assert!(world.sync(depth).result <= (2 * before).max(4));
        }
    }
}
