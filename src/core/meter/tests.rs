//! What the fold makes of events: the series, their labels and their values.

use super::*;
use crate::core::{
    hpa::{HpaDecision, Reason},
    keda::{
        decision::{Rules, TriggerReading, decide},
        executor,
        fallback::{Health, Replicas},
        jobs::Counts,
        object::{Around, Known, MetricRead, ObjectDecision},
        pause::Pauses,
        trigger::metric_type::MetricType,
    },
    timing::Timed,
};
use jiff::Timestamp;

fn subject(kind: ScalingKind, name: &str, triggers: &[&str]) -> Subject {
    Subject { kind, namespace: "a".into(), name: name.into(), triggers: triggers.iter().map(ToString::to_string).collect() }
}

fn jobs() -> Subject {
    subject(ScalingKind::ScaledJob, "x", &["aws-sqs-queue", "cpu"])
}

fn reading(value: f64) -> TriggerReading {
    TriggerReading { value, target: 5.0, active: value > 0.0, error: None, ..TriggerReading::failed("s0-q", "") }
}

fn timing(late: f64, metric: Option<&str>, seconds: Option<f64>) -> Timing {
    let asked = Timed { kind: "aws-sqs-queue".into(), scaler: "awsSqsQueueScaler".into(), metric: metric.map(str::to_owned), seconds };
    let cpu = Timed { kind: "cpu".into(), scaler: "cpuMemoryScaler".into(), metric: None, seconds: None };
    Timing { late_seconds: late, triggers: vec![asked, cpu] }
}

fn polled(reading: TriggerReading, timing: Timing) -> Event {
    let decision = Box::new(decide(&Rules::default(), &[reading], Counts::default()));
    Event::now(What::Polled { depths: Vec::new(), decision, timing: Some(timing) })
}

/// The samples of `family`, each as its labels and its value.
fn of(meter: &Meter, family: Family) -> Vec<(String, f64)> {
    meter.samples().filter(|(one, ..)| *one == family).map(|(_, labels, value)| (labels.join(" "), value)).collect()
}

fn one(labels: &str, value: f64) -> Vec<(String, f64)> {
    vec![(labels.to_owned(), value)]
}

#[test]
fn before_anything_happens_it_is_known_what_there_is() {
    let objects = vec![jobs(), subject(ScalingKind::ScaledObject, "y", &["cron", "cpu"])];
    let authentications = [("TriggerAuthentication", "a"), ("TriggerAuthentication", "a"), ("ClusterTriggerAuthentication", "")];
    let meter = Meter::of(objects, &authentications.map(|(kind, namespace)| (kind.to_owned(), namespace.to_owned())));
    let expected = [
        ("cluster_trigger_authentication default", 1.0),
        ("scaled_job a", 1.0),
        ("scaled_object a", 1.0),
        ("trigger_authentication a", 2.0),
    ];
    assert_eq!(of(&meter, Family::Resources), expected.map(|(labels, value)| (labels.to_owned(), value)));
    let expected = [("aws-sqs-queue", 1.0), ("cpu", 2.0), ("cron", 1.0)];
    assert_eq!(of(&meter, Family::Triggers), expected.map(|(labels, value)| (labels.to_owned(), value)));
    assert_eq!(of(&meter, Family::ObjectPaused), one("a y", 0.0));
    assert_eq!(of(&meter, Family::BuildInfo).len(), 1);
    assert!(meter.samples().all(|(family, labels, _)| labels.len() == family.labels().len()));
}

#[test]
fn a_poll_sets_value_activity_and_times() {
    let mut meter = Meter::of(vec![jobs()], &[]);
    meter.apply(&polled(reading(12.5), timing(0.25, Some("s0-q"), Some(0.003))));
    let labels = "a s0-q x awsSqsQueueScaler 0 scaledjob";
    assert_eq!(of(&meter, Family::Value), one(labels, 12.5));
    assert_eq!(of(&meter, Family::Active), one(labels, 1.0));
    assert_eq!(of(&meter, Family::TriggerLatency), one(labels, 0.003));
    assert_eq!(of(&meter, Family::TriggerErrors), one(labels, 0.0));
    assert_eq!(of(&meter, Family::LoopLatency), one("a scaledjob x", 0.25));
    assert_eq!(of(&meter, Family::JobErrors), one("a x", 0.0));
    meter.apply(&polled(reading(0.0), timing(0.0, Some("s0-q"), Some(0.004))));
    assert_eq!((of(&meter, Family::Value), of(&meter, Family::Active)), (one(labels, 0.0), one(labels, 0.0)));
}

#[test]
fn a_failure_of_a_scaled_jobs_trigger_is_the_objects_and_the_last_value_stays() {
    let mut meter = Meter::of(vec![jobs()], &[]);
    let labels = "a s0-q x awsSqsQueueScaler 0 scaledjob";
    meter.apply(&polled(reading(3.0), timing(0.0, Some("s0-q"), Some(0.1))));
    meter.apply(&polled(TriggerReading::failed("s0-q", "no"), timing(0.0, Some("s0-q"), Some(0.2))));
    meter.apply(&polled(TriggerReading::failed("triggers", "no"), timing(0.0, None, None)));
    assert_eq!(of(&meter, Family::JobErrors), one("a x", 2.0));
    assert_eq!(of(&meter, Family::TriggerErrors), one(labels, 0.0));
    assert_eq!((of(&meter, Family::Value), of(&meter, Family::TriggerLatency)), (one(labels, 3.0), one(labels, 0.2)));
}

#[test]
fn triggers_that_change_are_counted_anew() {
    let mut meter = Meter::of(vec![subject(ScalingKind::ScaledJob, "x", &["cron"])], &[]);
    meter.apply(&polled(reading(1.0), timing(0.0, Some("s0-q"), None)));
    let expected = [("aws-sqs-queue", 1.0), ("cpu", 1.0), ("cron", 0.0)];
    assert_eq!(of(&meter, Family::Triggers), expected.map(|(labels, value)| (labels.to_owned(), value)));
}

#[test]
fn events_count_for_the_object_and_the_kind_that_they_are_about() {
    let mut meter =
        Meter::of(vec![jobs(), subject(ScalingKind::ScaledObject, "x", &[]), subject(ScalingKind::ScaledObject, "y", &[])], &[]);
    let about = |about: &str, what: What| Event { about: Some(about.to_owned()), ..Event::now(what) };
    meter.apply(&about("a/y", What::Paused { paused: true }));
    assert_eq!(of(&meter, Family::ObjectPaused), [one("a x", 0.0), one("a y", 1.0)].concat());
    meter.apply(&Event { about: Some("a/x".into()), ..polled(reading(2.0), timing(0.0, Some("s0-q"), None)) });
    meter.apply(&Event { about: Some("b/x".into()), ..polled(reading(9.0), timing(0.0, Some("s0-q"), None)) });
    meter.apply(&about("a/x", What::RolledOut { generation: 2, deleted: 0 }));
    assert_eq!(
        of(&meter, Family::Value),
        one("a s0-q x awsSqsQueueScaler 0 scaledjob", 2.0),
        "a new generation of the ScaledJob keeps them"
    );
}

fn object_polled(reading: TriggerReading) -> Event {
    let rules = executor::Rules::default();
    let around = Around { rules, pauses: Pauses::default(), is_of_pods: false, current: 1, last_active: None, created: None };
    let known = Known { metric_type: MetricType::AverageValue, target: 5.0 };
    let read = MetricRead::after(reading, &known, None, &mut Health::default(), Replicas::default());
    let decision = Box::new(ObjectDecision::decide(around, vec![read], Timestamp::UNIX_EPOCH));
    Event::now(What::ObjectPolled { depths: Vec::new(), decision, why: String::new(), timing: Some(timing(0.5, Some("s0-q"), Some(0.1))) })
}

fn synced(value: i64, error: Option<&str>) -> Event {
    let proposal = Proposal {
        metric: "s0-q".into(),
        metric_type: MetricType::AverageValue,
        target: 5000,
        value,
        ratio: None,
        among: 1,
        replicas: None,
        is_tolerated: false,
        error: error.map(str::to_owned),
    };
    let (reason, wanted, stabilized, limit) = (Reason::Metrics, None, None, None);
    let decision = HpaDecision { min: 1, max: 9, current: 1, proposals: vec![proposal], reason, wanted, stabilized, limit, result: 1 };
    let timing = Some(timing(0.0, Some("s0-q"), Some(0.2)));
    Event::now(What::HpaSynced { decision: Box::new(decision), why: String::new(), timing })
}

#[test]
fn a_scaled_objects_failures_count_as_often_as_kedas_do() {
    let mut meter = Meter::of(vec![subject(ScalingKind::ScaledObject, "x", &["aws-sqs-queue", "cpu"])], &[]);
    let labels = "a s0-q x awsSqsQueueScaler 0 scaledobject";
    let counted = |meter: &Meter| (of(meter, Family::TriggerErrors), of(meter, Family::ObjectErrors));
    meter.apply(&object_polled(reading(7.0)));
    assert_eq!(counted(&meter), (one(labels, 0.0), one("a x", 0.0)));
    assert_eq!((of(&meter, Family::Value), of(&meter, Family::Active)), (one(labels, 7.0), one(labels, 1.0)));
    assert_eq!(of(&meter, Family::LoopLatency), one("a scaledobject x", 0.5));
    meter.apply(&object_polled(TriggerReading::failed("s0-q", "no")));
    assert_eq!(counted(&meter), (one(labels, 1.0), one("a x", 2.0)));
    meter.apply(&synced(0, Some("no")));
    assert_eq!(counted(&meter), (one(labels, 2.0), one("a x", 3.0)));
    meter.apply(&Event::now(What::ScalerFailed { metric: "triggers".into(), error: "no".into() }));
    assert_eq!(counted(&meter), (one(labels, 2.0), one("a x", 4.0)));
    meter.apply(&synced(2500, None));
    assert_eq!((of(&meter, Family::Value), of(&meter, Family::TriggerLatency)), (one(labels, 2.5), one(labels, 0.2)));
    assert!(of(&meter, Family::JobErrors).is_empty());
    meter.apply(&Event::now(What::RolledOut { generation: 2, deleted: 0 }));
    assert!(of(&meter, Family::Value).is_empty() && of(&meter, Family::TriggerErrors).is_empty(), "a new generation begins anew");
    assert_eq!(of(&meter, Family::ObjectErrors), one("a x", 4.0));
}
