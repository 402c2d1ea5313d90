//! One test for each cause.

use super::*;
use crate::core::keda::{
    decision::{Rules, TriggerReading, decide},
    jobs::Counts,
};

fn decision(queue: f64, running: i64, pending: i64) -> Decision {
    let reading = TriggerReading {
        metric: "s0-aws-sqs-q".into(),
        value: queue,
        target: 1.0,
        active: queue > 0.0,
        activation: Some(0.0),
        parts: None,
        counted: None,
        error: None,
    };
    decide(&Rules::default(), &[reading], Counts { running, pending })
}

fn window(created: i64) -> Window {
    Window { created, ready: Some(Ready { status: "True".into(), message: "fine".into() }), ..Window::default() }
}

fn said(reason: &str) -> Vec<Said> {
    vec![Said { reason: reason.into(), note: "exceeded quota".into() }]
}

#[test]
fn as_many_as_the_rules_say_is_the_same_whatever_else_was_said() {
    let seen = Window { said: said("KEDAScalerFailed"), ..window(10) };
    let found = compare(&decision(10.0, 0, 0), &seen, &decision(10.0, 10, 10));
    assert_eq!((found.expected, found.created, found.cause, found.owed), (10, 10, Cause::Same, 0));
}

#[test]
fn another_moment_is_made_up_for_by_the_next_look_and_a_second_miss_is_not_excused() {
    let quiet = decision(10.0, 0, 0);
    let first = compare(&quiet, &window(0), &quiet);
    assert_eq!((first.cause, first.owed), (Cause::Phase, 10));
    let caught_up = compare(&decision(10.0, 10, 0), &Window { owed: first.owed, ..window(10) }, &decision(10.0, 10, 0));
    assert_eq!((caught_up.cause, caught_up.owed), (Cause::Phase, 0));
    let missed = compare(&quiet, &Window { owed: first.owed, ..window(0) }, &quiet);
    assert_eq!((missed.cause, missed.owed), (Cause::Unexplained, 0));
}

#[test]
fn what_keeps_keda_from_creating_is_named() {
    let quiet = decision(10.0, 0, 0);
    let cause = |window: Window| compare(&quiet, &window, &quiet);
    assert_eq!(cause(Window { paused: true, ..window(0) }).cause, Cause::Paused);
    let refused = cause(Window { said: said("KEDAJobCreateFailed"), ..window(4) });
    assert_eq!((refused.cause, refused.why.as_str()), (Cause::Refused, "KEDAJobCreateFailed: exceeded quota"));
    assert_eq!(cause(Window { said: said("KEDAScalerFailed"), ..window(0) }).cause, Cause::ScalerFailed);
    assert_eq!(cause(Window { ready: None, ..window(0) }).cause, Cause::NoController);
    let broken = Ready { status: "False".into(), message: "no such secret".into() };
    let unready = cause(Window { ready: Some(broken), ..window(0) });
    assert_eq!((unready.cause, unready.why.as_str()), (Cause::NotReady, "KEDA is not ready: no such secret"));
    assert_eq!(cause(Window { rolled_out: true, ..window(0) }).cause, Cause::RolledOut);
}

#[test]
fn what_changed_between_the_looks_is_said_with_its_figures() {
    let found = compare(&decision(0.0, 0, 0), &window(10), &decision(10.0, 10, 10));
    assert_eq!((found.cause, found.why.as_str()), (Cause::InputsChanged, "between the looks the queue went from 0 to 10"));
    let ended = compare(&decision(5.0, 5, 0), &window(2), &decision(5.0, 4, 0));
    assert_eq!((ended.cause, ended.why.as_str()), (Cause::InputsChanged, "between the looks 2 of 5 running jobs were left"));
}

#[test]
fn more_than_the_rules_say_is_not_blamed_on_a_refusal() {
    let found = compare(&decision(1.0, 0, 0), &Window { said: said("FailedCreate"), ..window(3) }, &decision(1.0, 3, 3));
    assert_eq!(found.cause, Cause::Unexplained);
}
