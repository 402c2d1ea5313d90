//! `doctor`: everything that must be right, looked at all at once, each with what repairs it.

use futures_util::{
    future::BoxFuture,
    stream::{FuturesOrdered, StreamExt},
};
use jiff::Timestamp;
use serde::Serialize;

use crate::core::{
    check::{Check, CheckState},
    error::Error,
    plan::{Plan, Step},
    ports::Sweep,
    settings::Target,
    stack::StackName,
};

/// Seconds of difference between two clocks from which tokens and signatures are refused.
const BROKEN_SKEW: i64 = 300;
/// Seconds from which it is worth knowing.
const ODD_SKEW: i64 = 60;

/// One part of the world, and what looks at it. It never fails: what cannot be looked at is a check of its own.
pub struct Examination<'a> {
    /// The part, such as `AWS`.
    pub part: &'static str,
    /// What is to be looked at.
    pub checks: BoxFuture<'a, Vec<Check>>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The stack.
    pub stack: StackName,
    /// Its target.
    pub target: Target,
    /// Checks that failed.
    pub failed: usize,
    /// Checks that passed with something worth knowing.
    pub warned: usize,
    /// Every part, in the order asked for.
    pub parts: Vec<Part>,
}

/// The checks of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The part.
    pub name: &'static str,
    /// Its checks.
    pub checks: Vec<Check>,
}

/// Carries out `examinations`, all at once.
pub async fn examine(stack: &StackName, target: Target, examinations: Vec<Examination<'_>>) -> Diagnosis {
    let looks: FuturesOrdered<_> =
        examinations.into_iter().map(|one| async move { Part { name: one.part, checks: one.checks.await } }).collect();
    let parts: Vec<Part> = looks.collect().await;
    let count = |state: CheckState| parts.iter().flat_map(|part| &part.checks).filter(|check| check.state == state).count();
    Diagnosis { stack: stack.clone(), target, failed: count(CheckState::Failed), warned: count(CheckState::Warned), parts }
}

/// `name` failed with `error`, whose hint is the repair.
#[must_use]
pub fn fault(name: &str, error: &Error) -> Check {
    let check = Check::failed(name, error.to_string());
    match &error.hint {
        Some(hint) => check.repair(hint.clone()),
        None => check,
    }
}

/// How far this machine's clock is ahead of `whose`, in seconds.
#[must_use]
pub fn clock(whose: &str, skew: i64) -> Check {
    let name = format!("this clock agrees with {whose}");
    let detail = match skew {
        0 => "to the second".to_owned(),
        ahead if ahead > 0 => format!("{ahead} s ahead"),
        behind => format!("{} s behind", -behind),
    };
    let repair = "set the clock: `timedatectl set-ntp true`";
    match skew.abs() {
        odd if odd > BROKEN_SKEW => Check::failed(name, detail).repair(repair),
        odd if odd > ODD_SKEW => Check::warned(name, detail).repair(repair),
        _ => Check::passed(name, detail),
    }
}

/// What bears tags of stacks that have expired, and what could not be looked at.
#[must_use]
pub fn leftovers(sweep: &Sweep, now: Timestamp) -> Vec<Check> {
    let name = "nothing is left of expired stacks";
    let mut expired: Vec<&str> =
        sweep.found.iter().filter(|one| one.expires_at.is_some_and(|at| at <= now)).map(|one| one.stack.as_str()).collect();
    expired.sort_unstable();
    expired.dedup();
    let mut checks = vec![match expired.as_slice() {
        [] => Check::passed(name, format!("{} objects of all stacks", sweep.found.len())),
        stacks => Check::warned(name, format!("objects of {}", stacks.join(", "))).repair("kedactl teardown --expired"),
    }];
    checks.extend(sweep.unread.iter().map(|why| Check::skipped("objects of other stacks", format!("not looked at: {why}"))));
    checks
}

/// Whether setup has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Not yet: what is missing is no fault.
    Before,
    /// It has.
    Set,
}

/// What `plan`, made of the stack's resources, would change: nothing, where all is well. What stands in its way is wrong
/// before setup, too.
#[must_use]
pub fn objects(plan: &Plan, stage: Stage) -> Vec<Check> {
    let name = "every object is as setup makes it";
    let failed = |step: &Step| Check::failed(step.id.to_string(), if step.why.is_empty() { "it does not exist" } else { &step.why });
    let mut checks: Vec<Check> = plan
        .blocked()
        .map(|step| match &step.hint {
            Some(hint) => failed(step).repair(hint.clone()),
            None => failed(step),
        })
        .collect();
    let changes: Vec<&Step> = plan.changes().collect();
    match stage {
        _ if changes.is_empty() && checks.is_empty() => checks.push(Check::passed(name, format!("all of {}", plan.steps.len()))),
        Stage::Before => checks.push(Check::skipped(name, format!("setup makes {} of {}", changes.len(), plan.steps.len()))),
        Stage::Set => checks.extend(changes.into_iter().map(|step| failed(step).repair("kedactl setup"))),
    }
    checks
}

/// The checks of rights: `refused` of all `asked`, with what grants them.
#[must_use]
pub fn rights(name: &str, asked: usize, refused: &[String], repair: &str) -> Check {
    match refused {
        [] => Check::passed(name, format!("all of {asked}")),
        _ => Check::failed(name, format!("not allowed: {}", refused.join(", "))).repair(repair),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{
        plan::{Observed, ResourceId, Scope, Sighting},
        ports::Tagged,
    };

    #[test]
    fn a_clock_is_odd_after_a_minute_and_wrong_after_five() {
        let state = |skew| clock("AWS", skew).state;
        assert_eq!(
            [state(0), state(-60), state(61), state(-301)],
            [CheckState::Passed, CheckState::Passed, CheckState::Warned, CheckState::Failed]
        );
        assert!(clock("AWS", 400).repair.is_some_and(|repair| repair.contains("timedatectl")));
    }

    #[test]
    fn what_could_not_be_looked_at_is_no_success() {
        let sweep = Sweep { unread: vec!["iam role: denied".into()], ..Sweep::default() };
        let states: Vec<CheckState> = leftovers(&sweep, Timestamp::UNIX_EPOCH).iter().map(|check| check.state).collect();
        assert_eq!(states, [CheckState::Passed, CheckState::Skipped]);
    }

    #[test]
    fn objects_of_expired_stacks_are_named_once_for_each_stack() {
        let tagged = |name: &str| Tagged {
            id: ResourceId::new("iam role", name),
            stack: "old".into(),
            namespace: None,
            expires_at: Some(Timestamp::UNIX_EPOCH),
        };
        let sweep = Sweep { found: vec![tagged("a"), tagged("b")], ..Sweep::default() };
        let checks = leftovers(&sweep, Timestamp::now());
        assert_eq!((checks[0].state, checks[0].detail.as_str()), (CheckState::Warned, "objects of old"));
    }

    #[test]
    fn objects_that_setup_would_change_are_wrong_one_by_one() {
        let sighting =
            |name: &str, observed| Sighting { id: ResourceId::new("iam role", name), scope: Scope::Stack, observed, replaces: vec![] };
        let plan = Plan::setup(&[sighting("a", Observed::Ready), sighting("b", Observed::Absent)]);
        let checks = objects(&plan, Stage::Set);
        assert_eq!((checks.len(), checks[0].state, checks[0].name.as_str()), (1, CheckState::Failed, "iam role b"));
        assert_eq!(checks[0].repair.as_deref(), Some("kedactl setup"));
        assert_eq!(objects(&plan, Stage::Before)[0].state, CheckState::Skipped);
        assert_eq!(objects(&Plan::setup(&[sighting("a", Observed::Ready)]), Stage::Set)[0].state, CheckState::Passed);
        let foreign = Plan::setup(&[sighting("a", Observed::Foreign { why: "no tag".into() })]);
        assert_eq!(objects(&foreign, Stage::Before)[0].state, CheckState::Failed);
    }

    #[tokio::test]
    async fn failures_and_warnings_are_counted_over_all_parts() {
        let part = |part, check: Check| Examination { part, checks: Box::pin(async move { vec![check] }) };
        let all = vec![part("a", Check::failed("x", "y")), part("b", Check::warned("x", "y")), part("c", Check::skipped("x", "y"))];
        let found = examine(&StackName::default(), Target::Local, all).await;
        assert_eq!((found.failed, found.warned, found.parts.len()), (1, 1, 3));
    }
}
