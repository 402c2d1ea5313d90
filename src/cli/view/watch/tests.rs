//! Tests of the live view: frames of a made-up watch.

use std::time::Duration;

use kedactl::core::{
    event::{Event, JobState, Released, ReplicaState, ScaledBy, What},
    hpa::{self, Input},
    keda::{
        bounds::Bounds,
        decision::{Parts, Rules, TriggerReading, decide},
        executor,
        fallback::{Health, Replicas},
        jobs::Counts,
        object::{Around, Known, MetricRead, ObjectDecision},
        pause::Pauses,
        trigger::metric_type::MetricType,
    },
};

use super::*;

const START: i64 = 1_768_629_045;

fn after(seconds: f64) -> Timestamp {
    Timestamp::from_second(START).expect("valid") + Duration::from_secs_f64(seconds)
}

fn depths(visible: i64, in_flight: i64) -> Vec<(String, Depth)> {
    vec![("s0-aws-sqs-test-queue".into(), Depth { visible, in_flight, delayed: 0 })]
}

fn polled(visible: i64, in_flight: i64, running: i64) -> What {
    let reading = TriggerReading {
        metric: "s0-aws-sqs-test-queue".into(),
        value: f64::from(i32::try_from(visible + in_flight).expect("small")),
        target: 1.0,
        active: visible + in_flight > 0,
        activation: Some(0.0),
        parts: Some(Parts { visible, in_flight: Some(in_flight), delayed: None }),
        counted: None,
        error: None,
    };
    let rules = Rules { bounds: Bounds { min: 0, max: 100 }, ..Rules::default() };
    let decision = Box::new(decide(&rules, &[reading], Counts { running, pending: 0 }));
    What::Polled { depths: depths(visible, in_flight), decision, timing: None }
}

fn job(number: usize, state: JobState, reason: Option<&str>) -> What {
    What::JobChanged {
        job: format!("video-processor-{number:05}"),
        state,
        reason: reason.map(Into::into),
        message_id: Some(format!("{number:08}-7c1e-4f0a-9a51-2f1f6a3a0b11")),
        created_at: after(0.2),
    }
}

/// The article's demo with `count` messages: each second one more job is done.
fn script(count: usize) -> Vec<Event> {
    let messages = i64::try_from(count).expect("small");
    let mut events: Vec<(f64, What)> = vec![(0.0, What::Lease { held: true, holder: "1234@host".into() }), (0.1, polled(messages, 0, 0))];
    for number in 0..count {
        events.push((0.2, What::JobCreated { job: format!("video-processor-{number:05}"), generation: 1 }));
        events.push((0.8, job(number, JobState::Running, None)));
    }
    events.push((1.0, What::DepthChanged { depths: depths(0, messages) }));
    for number in 0..count / 2 {
        let left = messages - 1 - i64::try_from(number).expect("small");
        let second = 3.0 + f64::from(u32::try_from(number).expect("small"));
        events.push((second, job(number, JobState::Complete, Some("done"))));
        events.push((second, What::DepthChanged { depths: depths(0, left) }));
    }
    events.push((10.1, polled(0, messages - messages / 2, messages - messages / 2)));
    events.into_iter().map(|(second, what)| Event { at: after(second), about: None, what }).collect()
}

fn played(count: usize) -> Board {
    let mut board = Board::default();
    for event in script(count) {
        board.apply(&event);
    }
    board
}

fn plain(board: &Board, rows: usize, columns: usize) -> String {
    let lines = frame(board, "demo: video-processor on test-queue", after(12.0), (rows, columns));
    console::strip_ansi_codes(&lines.join("\n")).into_owned()
}

#[test]
fn eighty_columns_hold_the_whole_demo() {
    insta::assert_snapshot!(plain(&played(10), 23, 80));
}

#[test]
fn a_wide_terminal_shows_message_ids_in_full() {
    insta::assert_snapshot!(plain(&played(10), 40, 160));
}

#[test]
fn a_small_terminal_shows_what_matters_most() {
    insta::assert_snapshot!(plain(&played(100), 12, 60));
}

#[test]
fn no_size_breaks_the_frame() {
    let mut board = played(100);
    board.apply(&Event {
        at: after(11.0),
        about: None,
        what: What::ScalerFailed { metric: "s0".into(), error: "access denied ".repeat(9) },
    });
    for rows in 1..60 {
        for columns in (20..220).step_by(7) {
            let lines = frame(&board, "demo", after(12.0), (rows, columns));
            assert!(lines.len() <= rows, "{rows} rows, {columns} columns");
        }
    }
}

#[test]
fn before_anything_happened_there_is_a_frame() {
    let text = plain(&Board::default(), 23, 80);
    assert!(text.contains("not read yet") && text.contains("0/0 messages"), "{text}");
}

#[test]
fn a_second_watch_says_who_scales() {
    let mut board = Board::default();
    board.apply(&Event { at: after(0.0), about: None, what: What::Lease { held: false, holder: "77@other".into() } });
    assert!(plain(&board, 23, 80).lines().next().expect("headline").contains("looking on, 77@other scales"));
}

#[test]
fn the_summary_names_what_happened() {
    let mut board = played(10);
    board.apply(&Event { at: after(14.0), about: None, what: What::Drained { done: 10, seconds: 14.0 } });
    assert!(summary(&board.summary()).starts_with("Drained: 10 messages done in 14.0 s\n10 jobs created, 5 complete;"));
}

/// One poll and one sync of a ScaledObject, with `current` replicas behind so many messages.
fn looked_at(second: f64, visible: i64, in_flight: i64, current: i32) -> [(f64, What); 2] {
    let What::Polled { depths, decision, .. } = polled(visible, in_flight, 0) else { unreachable!("it is a poll") };
    let known = Known { metric_type: MetricType::AverageValue, target: 2.0 };
    let read = MetricRead::after(decision.triggers[0].reading.clone(), &known, None, &mut Health::default(), Replicas::default());
    let metrics = [read.metric()];
    let around = Around {
        rules: executor::Rules::default(),
        pauses: Pauses::default(),
        is_of_pods: false,
        current,
        last_active: None,
        created: None,
    };
    let decision = ObjectDecision::decide(around, vec![read], after(second));
    let poll = What::ObjectPolled { depths, why: decision.explain(), decision: Box::new(decision), timing: None };
    let spec = hpa::Spec { min: 1, max: 100, behavior: None };
    let input = Input { spec: &spec, current: current.max(1), there: current.max(1), ready: current, metrics: &metrics, resources: &[] };
    let decision = hpa::sync(&input, &mut hpa::State::default(), after(second));
    [(second, poll), (second + 0.1, What::HpaSynced { why: decision.explain(), decision: Box::new(decision), timing: None })]
}

/// Four busy replicas that meet a wish for two.
fn pool() -> Board {
    let message = |number: usize| format!("{number:08}-7c1e-4f0a-9a51-2f1f6a3a0b11");
    let name = |number: usize| format!("video-processor-{number:05}");
    let replica = |number: usize, state: ReplicaState| What::ReplicaChanged {
        replica: name(number),
        state,
        message_id: Some(message(number)),
        created_at: after(0.2),
    };
    let scaled = |from: i32, to: i32, by: ScaledBy| What::Scaled { target: "Deployment/video-processor".into(), from, to, by };
    let counts = |wanted: i32, current: i32, ending: i32| What::ReplicasChanged { wanted, current, ready: current, ending };
    let mut events = vec![(0.0, What::Lease { held: true, holder: "process 1".into() })];
    events.extend(looked_at(0.1, 8, 0, 0));
    events.extend([(0.2, scaled(0, 1, ScaledBy::Keda)), (0.3, scaled(1, 4, ScaledBy::Hpa)), (0.4, counts(4, 4, 0))]);
    events.extend((0..4).map(|number| (0.5, replica(number, ReplicaState::Ready))));
    events.extend((0..4).map(|number| (5.0, What::Deleted { message_id: message(number), job: name(number) })));
    events.extend((0..4).map(|number| (5.1, replica(number, ReplicaState::Ready))));
    events.extend(looked_at(8.0, 0, 4, 4));
    events.extend([(8.1, scaled(4, 2, ScaledBy::Hpa)), (8.2, counts(2, 2, 2))]);
    for number in 0..2 {
        events.push((8.2, replica(number, ReplicaState::Ending)));
        events.push((8.3, What::ReleasedMessage { message_id: message(number), job: name(number), reason: Released::Signal }));
    }
    let mut board = Board::default();
    for (second, what) in events {
        board.apply(&Event { at: after(second), about: None, what });
    }
    board
}

#[test]
fn eighty_columns_hold_replicas_that_are_killed() {
    insta::assert_snapshot!(plain(&pool(), 23, 80));
}

#[test]
fn a_wide_terminal_shows_the_messages_of_replicas_in_full() {
    insta::assert_snapshot!(plain(&pool(), 40, 160));
}

#[test]
fn no_size_breaks_the_frame_of_replicas_and_the_summary_counts_kills() {
    let board = pool();
    for rows in 1..40 {
        for columns in (20..220).step_by(9) {
            assert!(frame(&board, "demo", after(12.0), (rows, columns)).len() <= rows, "{rows} rows, {columns} columns");
        }
    }
    let text = summary(&board.summary());
    assert_eq!(text, "4 messages left: 4 messages done in 8.3 s\nscaled 3 times, 2 kills; peak 4 replicas, 8 messages; 2 polls");
}
