//! Figures worked out by hand from the rules, and what must hold whatever the pods use.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 100_000;

fn at(seconds_ago: i64) -> Timestamp {
    Timestamp::from_second(NOW - seconds_ago).expect("valid")
}

/// A pod that requests 100m and has been ready for long, using so many thousandths; unmeasured when absent.
fn pod(name: &str, used: Option<i64>) -> Pod {
    let sample = used.map(|used| Sample { used, at: at(10), window: SignedDuration::from_secs(30) });
    Pod { name: name.into(), phase: Phase::Started, started_at: Some(at(3600)), ready: Some((true, at(3500))), request: Some(100), sample }
}

fn pods(used: &[Option<i64>]) -> Vec<Pod> {
    used.iter().enumerate().map(|(index, used)| pod(&format!("p{index}"), *used)).collect()
}

fn cpu(target: Aim, pods: Vec<Pod>) -> ResourceMetric {
    ResourceMetric { name: "cpu".into(), target, pods: Ok(pods) }
}

fn wanted(target: Aim, pods: Vec<Pod>) -> Option<i32> {
    let current = i32::try_from(pods.len()).expect("few");
    propose(&cpu(target, pods), current, Tolerance::default(), at(0)).replicas
}

const HALF: Aim = Aim::Utilization(50);

#[test]
fn the_share_of_what_is_requested_is_a_whole_number() {
    assert_eq!(wanted(HALF, pods(&[Some(100), Some(100)])), Some(4));
    assert_eq!(wanted(HALF, pods(&[Some(55), Some(56)])), Some(2), "55.5 % is cut to 55, which is within the tolerance");
    assert_eq!(wanted(HALF, pods(&[Some(56), Some(56)])), Some(3));
    assert_eq!(wanted(HALF, pods(&[Some(10), Some(10), Some(10)])), Some(1));
    assert_eq!(wanted(HALF, pods(&[Some(0), Some(0)])), Some(0), "the bounds are the HPA's");
}

#[test]
fn an_average_is_of_each_pod_and_needs_no_request() {
    let mut free = pods(&[Some(200), Some(401)]);
    for pod in &mut free {
        pod.request = None;
    }
    assert_eq!(wanted(Aim::Average(100), free.clone()), Some(6), "601 / 2 is 300");
    assert_eq!(wanted(HALF, free), None);
}

#[test]
fn pods_that_were_not_measured_damp() {
    assert_eq!(wanted(HALF, pods(&[Some(10), Some(10), None])), Some(3), "110 of 300 are 36 %: ceil(0.72 * 3)");
    assert_eq!(wanted(HALF, pods(&[Some(10), None])), Some(2), "110 of 200 are 55 %: within the tolerance");
    assert_eq!(wanted(HALF, pods(&[Some(100), Some(100), None])), Some(4), "200 of 300 are 66 %: ceil(1.32 * 3)");
    assert_eq!(wanted(HALF, pods(&[Some(60), None])), Some(2), "60 of 200 are 30 %: the direction would turn");
    assert_eq!(wanted(Aim::Utilization(150), pods(&[Some(100), None])), Some(2), "150 % of a request stand in");
}

#[test]
fn pods_that_are_not_ready_hold_a_scale_out_back_and_nothing_else() {
    let pending = Pod { phase: Phase::Pending, sample: None, ..pod("new", None) };
    let with = |used: &[Option<i64>]| [pods(used), vec![pending.clone()]].concat();
    assert_eq!(wanted(HALF, with(&[Some(100)])), Some(2), "100 of 200 are 50 %");
    assert_eq!(wanted(HALF, with(&[Some(200)])), Some(4), "200 of 200 are 100 %: ceil(2 * 2)");
    assert_eq!(wanted(HALF, with(&[Some(10), Some(10)])), Some(1), "it does not count in a scale-in: ceil(0.2 * 2)");
    let leaving = Pod { phase: Phase::Leaving, ..pod("old", Some(1000)) };
    assert_eq!(wanted(HALF, vec![pod("a", Some(50)), leaving]), Some(2), "within the tolerance: what is wanted stays");
}

#[test]
fn a_young_pod_counts_once_it_was_measured_since_it_became_ready() {
    let young = |ready: Option<(bool, Timestamp)>| Pod { started_at: Some(at(60)), ready, ..pod("young", Some(500)) };
    let counts = |pod: &Pod| !pod.is_unready(pod.sample.expect("measured"), at(0));
    assert!(counts(&young(Some((true, at(40))))));
    assert!(!counts(&young(Some((true, at(39))))), "its window began before");
    assert!(!counts(&young(Some((false, at(50))))));
    assert!(!counts(&young(None)));
    let old = |ready| Pod { ready: Some(ready), ..pod("old", Some(500)) };
    assert!(counts(&old((false, at(3570)))), "it was ready once, and is not now");
    assert!(!counts(&old((false, at(3571)))), "it never was");
    assert!(counts(&old((true, at(1)))));
}

#[test]
fn memory_counts_whatever_is_ready() {
    let starting = Pod { ready: Some((false, at(1))), started_at: Some(at(10)), ..pod("a", Some(100)) };
    let metric = |name: &str| ResourceMetric { name: name.into(), ..cpu(HALF, vec![starting.clone()]) };
    let replicas = |name| propose(&metric(name), 1, Tolerance::default(), at(0)).replicas;
    assert_eq!((replicas("memory"), replicas("cpu")), (Some(2), None));
}

#[test]
fn what_is_assumed_is_of_each_pod() {
    let replicas = |metric_type, figures| {
        propose(&ResourceMetric::assumed("cpu", metric_type, figures, 3, at(0)), 3, Tolerance::default(), at(0)).replicas
    };
    assert_eq!(replicas(MetricType::Utilization, (80.0, 50.0)), Some(5), "ceil(1.6 * 3)");
    assert_eq!(replicas(MetricType::AverageValue, (0.25, 0.5)), Some(2), "ceil(0.5 * 3)");
}

#[test]
fn why_nothing_can_be_said_is_told() {
    let error = |pods| propose(&cpu(HALF, pods), 1, Tolerance::default(), at(0)).error.expect("nothing to say");
    assert_eq!(error(Vec::new()), "the target has no pods");
    assert_eq!(error(pods(&[None])), "no cpu was measured of its pods, which may not be ready");
    assert_eq!(error(vec![Pod { request: None, ..pod("a", Some(1)) }]), "a container of pod `a` requests no cpu");
    assert_eq!(error(vec![Pod { request: Some(0), ..pod("a", Some(1)) }]), "its pods request nothing");
}

proptest! {
    #[test]
    fn it_never_goes_against_the_use(
        used in proptest::collection::vec(proptest::option::of(0_i64..400), 1..20),
        percent in 1_i32..200,
    ) {
        let pods = pods(&used);
        let current = i32::try_from(pods.len()).expect("few");
        let measured: Vec<i64> = used.iter().copied().flatten().collect();
        let proposal = propose(&cpu(Aim::Utilization(percent), pods), current, Tolerance::default(), at(0));
        let Some(replicas) = proposal.replicas else {
            prop_assert!(measured.is_empty());
            return Ok(());
        };
        let share = measured.iter().sum::<i64>() / i64::try_from(measured.len()).expect("few");
        if share > i64::from(percent) {
            prop_assert!(replicas >= current, "{} % of {percent} % used: {current} -> {replicas}", share);
        } else if share < i64::from(percent) {
            prop_assert!(replicas <= current, "{} % of {percent} % used: {current} -> {replicas}", share);
        }
    }
}
