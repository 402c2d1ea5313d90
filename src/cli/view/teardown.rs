//! What teardown did, and what the second look found.

use jiff::Timestamp;
use kedactl::core::{
    expiry,
    ops::{expire::Candidate, teardown::Outcome},
    plan::{Action, Plan, ResourceId, Step},
};
use serde::Serialize;

use super::{figures::counted, setup};
use crate::cli::ui::Ui;

/// The steps of `plan` that change something, or that are kept for a reason worth telling; `None` when nothing is to be done.
pub(crate) fn plan(ui: &Ui, plan: &Plan) -> Option<String> {
    let kept = |step: &Step| step.why != "already gone";
    let mut told = plan.steps.iter().filter(|step| step.action == Action::Delete || kept(step)).peekable();
    told.peek()?;
    Some(setup::steps(ui, told))
}

/// What was deleted and what was not, then `0 left, 10 kinds checked`.
pub(crate) fn human(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    let deleted =
        [(outcome.deleted, "object"), (outcome.jobs, "job"), (outcome.replicas, "replica")].into_iter().filter(|(count, _)| *count > 0);
    let deleted: Vec<String> = deleted.map(|(count, noun)| counted(count as u64, noun)).collect();
    if !deleted.is_empty() {
        lines.push(format!("Deleted {}", listed(&deleted)));
    }
    lines.extend(outcome.faults.iter().map(|fault| format!("Failed: {fault}")));
    if !outcome.shared.is_empty() {
        lines.push(format!("Kept, as other stacks may use it: {} (delete it with --shared)", names(&outcome.shared)));
    }
    if !outcome.controllers.is_empty() {
        lines.push(format!("Kept, as others may scale by it: {} (remove it with --controller)", names(&outcome.controllers)));
    }
    lines.extend(outcome.unchecked.iter().map(|unchecked| format!("Not checked: {unchecked}")));
    if !outcome.left.is_empty() {
        lines.push(format!("Left: {}", names(&outcome.left)));
    }
    lines.push(format!("{} left, {} checked", outcome.left.len(), counted(outcome.kinds_checked as u64, "kind")));
    lines.join("\n")
}

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        parts => parts.concat(),
    }
}

/// What `teardown --expired` did.
#[derive(Debug, Serialize)]
pub(crate) struct Expired<'a> {
    /// Each stack that was torn down.
    pub(crate) outcomes: &'a [Outcome],
    /// Those whose time is not past, or that have none.
    pub(crate) others: &'a [Candidate],
}

/// Each stack that was torn down, and each that was not, with the reason.
pub(crate) fn expired(outcomes: &[Outcome], others: &[Candidate]) -> String {
    let mut parts: Vec<String> =
        outcomes.iter().map(|outcome| format!("Stack `{}` had expired\n{}", outcome.stack, human(outcome))).collect();
    let now = Timestamp::now();
    let kept = others.iter().map(|one| match one.expires_at {
        Some(at) => format!("Stack `{}` expires {}", one.stack, expiry::describe(at, now)),
        None => format!("Stack `{}` never expires", one.stack),
    });
    parts.extend(kept);
    if outcomes.is_empty() {
        parts.push("No stack has expired".to_owned());
    }
    parts.join("\n")
}

fn names(ids: &[ResourceId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
