//! Tests of the live view: frames of a made-up watch.

use std::time::Duration;

use kedactl::core::{
    event::{Event, JobState, What},
    keda::{
        bounds::Bounds,
        decision::{Parts, Rules, TriggerReading, decide},
        jobs::Counts,
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
