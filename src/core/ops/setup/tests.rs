//! What setup does to a list of resources, whatever they are.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;

use super::*;
use crate::core::{
    event::Event,
    plan::{Observed, ResourceId},
    settings::{Choices, Origin},
};

/// A resource that fails `faults` times before it can be made.
struct Thing {
    name: &'static str,
    observed: Mutex<Observed>,
    faults: AtomicUsize,
    kind: Kind,
}

impl Thing {
    fn sound(name: &'static str, observed: Observed) -> Box<dyn Resource> {
        Self::failing(name, observed, 0, Kind::Failed)
    }

    fn failing(name: &'static str, observed: Observed, faults: usize, kind: Kind) -> Box<dyn Resource> {
        Box::new(Self { name, observed: Mutex::new(observed), faults: AtomicUsize::new(faults), kind })
    }
}

#[async_trait]
impl Resource for Thing {
    fn id(&self) -> ResourceId {
        ResourceId::new("thing", self.name)
    }

    fn replaces(&self) -> Vec<String> {
        vec![format!("make {}", self.name)]
    }

    async fn observe(&self) -> Result<Observed> {
        Ok(self.observed.lock().expect("lock").clone())
    }

    async fn apply(&self) -> Result<()> {
        if self.faults.load(Ordering::SeqCst) > 0 {
            self.faults.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::new(self.kind, "could not", "because"));
        }
        *self.observed.lock().expect("lock") = Observed::Ready;
        Ok(())
    }

    async fn delete(&self) -> Result<()> {
        *self.observed.lock().expect("lock") = Observed::Absent;
        Ok(())
    }
}

#[derive(Default)]
struct Tape(Mutex<Vec<What>>);

impl Reporter for Tape {
    fn report(&self, event: &Event) {
        self.0.lock().expect("lock").push(event.what.clone());
    }
}

async fn run(resources: &[Box<dyn Resource>]) -> (Result<()>, Vec<What>) {
    run_within(Duration::from_mins(1), resources).await
}

async fn run_within(limit: Duration, resources: &[Box<dyn Resource>]) -> (Result<()>, Vec<What>) {
    let (tape, cancel) = (Tape::default(), CancellationToken::new());
    let plan = plan(resources).await.expect("planned");
    let patience = Patience { limit, pause: Duration::ZERO };
    let outcome = Apply { reporter: &tape, cancel: &cancel, patience }.all(resources, &plan).await;
    (outcome, tape.0.into_inner().expect("lock"))
}

#[tokio::test]
async fn only_what_is_missing_is_made_and_told() {
    let resources = [Thing::sound("a", Observed::Ready), Thing::sound("b", Observed::Absent)];
    let (outcome, told) = run(&resources).await;
    outcome.expect("applied");
    assert_eq!(told.len(), 2);
    assert!(matches!(&told[1], What::StepDone { resource, action } if resource == "thing b" && action == "create"));
    let (outcome, told) = run(&resources).await;
    outcome.expect("applied");
    assert!(told.is_empty());
}

#[tokio::test]
async fn a_passing_fault_is_waited_out_and_told_once() {
    let resources = [Thing::failing("a", Observed::Absent, 3, Kind::Unavailable)];
    let (outcome, told) = run(&resources).await;
    outcome.expect("applied");
    assert_eq!(told.iter().filter(|what| matches!(what, What::Waiting { .. })).count(), 1);
}

#[tokio::test]
async fn a_passing_fault_that_stays_is_given_up() {
    let resources = [Thing::failing("a", Observed::Absent, usize::MAX, Kind::Unavailable)];
    assert_eq!(run_within(Duration::ZERO, &resources).await.0.expect_err("given up").kind, Kind::Unavailable);
}

#[tokio::test]
async fn a_fault_that_stays_stops_at_once_and_the_next_run_completes() {
    let resources = [Thing::sound("a", Observed::Absent), Thing::failing("b", Observed::Absent, 1, Kind::Denied)];
    assert_eq!(run(&resources).await.0.expect_err("denied").kind, Kind::Denied);
    let (outcome, told) = run(&resources).await;
    outcome.expect("applied");
    assert_eq!(told.len(), 2, "only b is left to do");
}

#[tokio::test]
async fn what_was_done_so_far_is_listed_when_a_step_fails() {
    let denied = Thing::failing("b", Observed::Absent, 1, Kind::Denied);
    let resources = [Thing::sound("a", Observed::Absent), denied, Thing::sound("c", Observed::Absent)];
    let hint = run(&resources).await.0.expect_err("denied").hint.expect("a way out");
    assert!(hint.contains("run `kedactl setup` again") && hint.contains("1 of 3 steps done: thing a"), "{hint}");
}

#[tokio::test]
async fn an_interrupt_stops_between_two_steps() {
    let resources = [Thing::sound("a", Observed::Absent)];
    let plan = plan(&resources).await.expect("planned");
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = apply(&resources, &plan, &Tape::default(), &cancel).await.expect_err("interrupted");
    assert_eq!(error.exit_code(), 130);
    assert_eq!(resources[0].observe().await.expect("seen"), Observed::Absent);
}

#[tokio::test]
async fn what_is_foreign_is_named_before_anything_is_changed() {
    let foreign = Observed::Foreign { why: "it has no tag".into() };
    let plan = plan(&[Thing::sound("a", Observed::Absent), Thing::sound("b", foreign)]).await.expect("planned");
    let error = check_unblocked(&plan, &StackName::default()).expect_err("blocked");
    assert_eq!((error.kind, error.exit_code()), (Kind::Foreign, 1));
    assert!(error.to_string().contains("thing b (it has no tag)"), "{error}");
}

#[test]
fn a_stack_that_is_set_up_does_not_move() {
    let with = |key, text: &str| {
        let flags = Choices::from([(key, text.to_owned())]);
        Settings::resolve(StackName::default(), "/s".into(), "1", &[(Origin::Flag, flags)]).expect("valid")
    };
    let before = with(Key::Queue, "a");
    check_same_place(&before, &before).expect("the same");
    let error = check_same_place(&before, &with(Key::Queue, "b")).expect_err("moved");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("--queue `b`") && error.to_string().contains("`a`"), "{error}");
    let mut faster = before.clone();
    faster.scaling.polling_interval = 1;
    check_same_place(&before, &faster).expect("numbers may change");
}
