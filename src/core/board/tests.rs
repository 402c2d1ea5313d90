//! Tests of the board.

use proptest::prelude::*;

use super::*;
use crate::core::event::{Released, ReplicaState, ScaledBy};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("valid")
}

fn board(events: &[(i64, What)]) -> Board {
    let mut board = Board::default();
    for (second, what) in events {
        board.apply(&Event { at: at(*second), about: None, what: what.clone() });
    }
    board
}

fn depth(visible: i64, in_flight: i64) -> What {
    What::DepthChanged { depths: vec![("s0-queue".into(), Depth { visible, in_flight, delayed: 0 })] }
}

fn created(job: &str) -> What {
    What::JobCreated { job: job.into(), generation: 1 }
}

fn changed(job: &str, state: JobState, reason: Option<&str>, message: Option<&str>) -> What {
    What::JobChanged { job: job.into(), state, reason: reason.map(Into::into), message_id: message.map(Into::into), created_at: at(1) }
}

fn deleted(job: &str) -> What {
    What::Deleted { message_id: "m".into(), job: job.into() }
}

#[test]
fn a_message_told_of_by_its_job_and_by_its_deletion_is_done_once() {
    let board = board(&[
        (0, depth(2, 0)),
        (1, created("a")),
        (2, changed("a", JobState::Running, None, Some("m"))),
        (3, deleted("a")),
        (4, changed("a", JobState::Complete, Some("done"), Some("m"))),
    ]);
    assert_eq!((board.done, board.total()), (1, 2));
}

#[test]
fn an_idle_job_completes_without_a_message_done() {
    let board = board(&[(1, created("a")), (2, changed("a", JobState::Complete, Some("idle"), None))]);
    assert_eq!((board.done, board.summary().idle, board.tally().complete), (0, 1, 1));
}

#[test]
fn the_total_follows_the_readings_and_never_falls_below_done() {
    let mut board = board(&[(0, depth(10, 0)), (1, created("a")), (2, deleted("a"))]);
    assert_eq!((board.done, board.total()), (1, 10));
    board.apply(&Event { at: at(3), about: None, what: depth(4, 5) });
    assert_eq!(board.total(), 10);
    board.apply(&Event { at: at(4), about: None, what: depth(0, 0) });
    assert_eq!(board.total(), 1);
}

#[test]
fn age_ticks_while_a_job_runs_and_stands_still_afterwards() {
    let mut board = board(&[(1, created("a")), (2, changed("a", JobState::Running, None, None))]);
    assert_eq!(board.rows()[0].age_seconds(at(31)), 30);
    board.apply(&Event { at: at(41), about: None, what: changed("a", JobState::Complete, Some("done"), Some("m")) });
    assert_eq!(board.rows()[0].age_seconds(at(1000)), 40);
    assert_eq!(board.rows()[0].age_seconds(at(0)), 40);
}

#[test]
fn a_consumers_late_event_does_not_revive_an_ended_job() {
    let board = board(&[
        (1, created("a")),
        (3, changed("a", JobState::Failed, Some("killed"), None)),
        (3, What::Received { message_id: "m".into(), job: "a".into(), receive_count: 1, sent_at: None }),
    ]);
    assert_eq!(board.rows()[0].state, JobState::Failed);
    assert_eq!(board.rows()[0].message_id.as_deref(), Some("m"));
}

#[test]
fn active_jobs_come_first_then_the_latest_that_ended() {
    let board = board(&[
        (1, created("old")),
        (2, created("early")),
        (2, created("late")),
        (3, changed("early", JobState::Complete, Some("done"), Some("m1"))),
        (4, changed("late", JobState::Complete, Some("done"), Some("m2"))),
        (5, created("new")),
    ]);
    let names: Vec<_> = board.rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["old", "new", "late", "early"]);
}

#[test]
fn jobs_that_history_limits_delete_stay_in_the_tally() {
    let board = board(&[
        (1, created("a")),
        (2, changed("a", JobState::Complete, Some("done"), Some("m"))),
        (3, What::JobDeleted { job: "a".into(), reason: "history".into() }),
    ]);
    assert!(board.rows().is_empty());
    assert_eq!((board.tally().complete, board.done, board.summary().created), (1, 1, 1));
}

#[test]
fn equal_notes_in_a_row_are_one() {
    let failed = || What::ScalerFailed { metric: "s0-queue".into(), error: "access denied".into() };
    let board = board(&[(1, failed()), (2, failed()), (3, What::Warning { message: "slow".into() })]);
    assert_eq!(board.notes.len(), 2);
    assert_eq!(board.notes[0].at, at(2));
}

#[test]
fn the_summary_tells_peaks_and_the_end() {
    let board = board(&[
        (0, depth(10, 0)),
        (1, created("a")),
        (2, created("b")),
        (9, depth(0, 0)),
        (10, What::Drained { done: 10, seconds: 10.5 }),
    ]);
    let summary = board.summary();
    assert_eq!((summary.done, summary.left, summary.peak_depth, summary.peak_jobs), (10, 0, 10, 2));
    assert!(summary.drained && (summary.seconds - 10.5).abs() < f64::EPSILON);
}

fn any_event() -> impl Strategy<Value = (i64, What)> {
    let job = prop::sample::select(vec!["a", "b", "c"]);
    let state = prop::sample::select(vec![JobState::Pending, JobState::Running, JobState::Complete, JobState::Failed]);
    let what = prop_oneof![
        (0i64..50, 0i64..50).prop_map(|(visible, in_flight)| depth(visible, in_flight)),
        job.clone().prop_map(created),
        job.clone().prop_map(deleted),
        (job.clone(), state, prop::bool::ANY).prop_map(|(job, state, message)| changed(job, state, None, message.then_some("m"))),
        job.prop_map(|job| What::JobDeleted { job: job.into(), reason: "history".into() }),
    ];
    (0i64..1000, what)
}

proptest! {
    #[test]
    fn whatever_happens_the_figures_agree_with_each_other(events in prop::collection::vec(any_event(), 0..60)) {
        let board = board(&events);
        let active = board.rows().iter().filter(|row| !row.state.is_finished()).count();
        prop_assert_eq!(active, board.tally().active());
        prop_assert!(board.total() >= board.done);
        prop_assert!(board.rows().iter().all(|row| row.state.is_finished() == row.ended_at.is_some()));
        let summary = board.summary();
        prop_assert!(summary.peak_depth >= summary.left);
        prop_assert!(summary.peak_jobs >= active);
    }
}

#[test]
fn what_keda_did_is_counted_beside_what_its_rules_say() {
    let compared = |cause, created| What::Compared { expected: 3, created, cause, why: "so".into() };
    let board = board(&[
        (0, What::Conditions { ready: "True/ScaledJobReady: fine".into(), active: "False".into(), paused: "False".into() }),
        (1, compared(Cause::Same, 3)),
        (2, compared(Cause::Phase, 0)),
        (3, compared(Cause::Refused, 1)),
        (4, What::ClusterEvent { object: "Job/a".into(), reason: "FailedCreate".into(), note: "quota".into(), warning: true }),
    ]);
    let keda = board.keda.expect("it was told of");
    assert_eq!((keda.agreed, keda.differed, keda.last), (2, 1, Some(("created 1, the rules say 3".into(), Cause::Refused, "so".into()))));
    assert_eq!(board.notes.back().map(|note| note.text.as_str()), Some("Job/a FailedCreate: quota"));
}

fn replica(name: &str, state: ReplicaState) -> What {
    What::ReplicaChanged { replica: name.into(), state, message_id: None, created_at: at(1) }
}

fn received(job: &str) -> What {
    What::Received { message_id: "m".into(), job: job.into(), receive_count: 1, sent_at: None }
}

#[test]
fn a_replica_does_many_messages_and_a_kill_is_counted_where_it_held_one() {
    let board = board(&[
        (0, depth(5, 0)),
        (1, What::ReplicasChanged { wanted: 2, current: 2, ready: 1, ending: 0 }),
        (1, replica("a", ReplicaState::Ready)),
        (1, replica("b", ReplicaState::Starting)),
        (2, received("a")),
        (3, deleted("a")),
        (3, received("a")),
        (4, deleted("a")),
        (5, received("b")),
        (6, What::Scaled { target: "Deployment/d".into(), from: 2, to: 1, by: ScaledBy::Hpa }),
        (6, replica("b", ReplicaState::Ending)),
        (7, What::ReleasedMessage { message_id: "m".into(), job: "b".into(), reason: Released::Signal }),
        (8, replica("b", ReplicaState::Gone)),
    ]);
    let replicas = board.replicas.as_ref().expect("there are some");
    assert_eq!((board.done, replicas.kills, replicas.scalings, replicas.peak), (2, 1, 1, 2));
    let rows: Vec<_> =
        replicas.rows().iter().map(|row| (row.name.as_str(), row.state, row.done, row.kills, row.message_id.clone())).collect();
    assert_eq!(rows, [("a", ReplicaState::Ready, 2, 0, None), ("b", ReplicaState::Gone, 0, 1, None)]);
    assert_eq!(board.summary().replicas, Some((1, 1)));
    assert_eq!(board.tally().active(), 0, "none of them is a job");
}

#[test]
fn what_a_replica_did_before_the_watch_is_old_news() {
    let board = board(&[(10, What::ReplicasChanged { wanted: 1, current: 1, ready: 1, ending: 0 }), (3, deleted("a")), (11, deleted("a"))]);
    assert_eq!((board.done, board.started_at), (1, Some(at(10))));
}
