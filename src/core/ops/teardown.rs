//! `teardown`: removes what is ours in the reverse order, stops the jobs, and looks again at the end.

use std::collections::BTreeSet;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::survey::survey;
use crate::core::{
    error::{Error, Kind, Result},
    event::{Reporter, What},
    plan::{Action, Observed, Plan, ResourceId, Scope, Shared, Sighting},
    ports::{Jobs, Resource},
    stack::StackName,
};

/// What is removed.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// The stack.
    pub stack: &'a StackName,
    /// Its resources, in the order of setup.
    pub resources: &'a [Box<dyn Resource>],
    /// Where its jobs run.
    pub jobs: &'a dyn Jobs,
    /// The ScaledJob that the jobs belong to.
    pub scaled_job: &'a str,
    /// Whether what is shared goes too.
    pub shared: Shared,
}

/// What teardown did, and what a second look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The stack.
    pub stack: StackName,
    /// Resources that were removed.
    pub deleted: usize,
    /// Jobs that were removed, the finished ones included.
    pub jobs: usize,
    /// Ours, and still there.
    pub left: Vec<ResourceId>,
    /// Ours, shared, and kept because nobody asked for it to go.
    pub shared: Vec<ResourceId>,
    /// Not ours, and left alone.
    pub foreign: Vec<ResourceId>,
    /// Kinds of things that the second look checked.
    pub kinds_checked: usize,
    /// What went wrong on the way.
    pub faults: Vec<String>,
    /// The plan that was carried out.
    #[serde(flatten)]
    pub plan: Plan,
}

impl Outcome {
    /// Whether nothing of ours is left.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.left.is_empty()
    }
}

/// What must be done so that nothing of the stack is left.
///
/// # Errors
/// When a resource cannot be looked at.
pub async fn plan(stage: Stage<'_>) -> Result<Plan> {
    Ok(Plan::teardown(&survey(stage.resources).await?, stage.shared))
}

/// Carries out `plan`, then looks at everything again. A step that fails does not stop the others.
///
/// The ScaledJob goes first, so that no scaler makes new jobs; then the jobs; then the rest.
///
/// # Errors
/// `Interrupted` when `cancel` is set between two steps; the fault of the second look.
pub async fn carry_out(stage: Stage<'_>, plan: Plan, reporter: &dyn Reporter, cancel: &CancellationToken) -> Result<Outcome> {
    let mut faults = Vec::new();
    let mut deleted = 0;
    let mut stopped = 0;
    for (index, (resource, step)) in stage.resources.iter().rev().zip(&plan.steps).enumerate() {
        if step.action == Action::Delete {
            if cancel.is_cancelled() {
                return Err(interrupted());
            }
            reporter.tell(What::StepStarted { resource: step.id.to_string(), action: step.action.word().to_owned() });
            match resource.delete().await {
                Ok(()) => {
                    deleted += 1;
                    reporter.tell(What::StepDone { resource: step.id.to_string(), action: step.action.word().to_owned() });
                }
                Err(error) => faults.push(error.to_string()),
            }
        }
        if index == 0 {
            stopped += stop_jobs(stage, reporter, cancel, &mut faults).await?;
        }
    }
    // A scaler that was at work while its ScaledJob went may have made one more.
    stopped += stop_jobs(stage, reporter, cancel, &mut faults).await?;
    audit(stage, plan, Progress { deleted, jobs: stopped, faults }).await
}

struct Progress {
    deleted: usize,
    jobs: usize,
    faults: Vec<String>,
}

async fn stop_jobs(stage: Stage<'_>, reporter: &dyn Reporter, cancel: &CancellationToken, faults: &mut Vec<String>) -> Result<usize> {
    let mut stopped = 0;
    for job in stage.jobs.list(stage.scaled_job).await? {
        if cancel.is_cancelled() {
            return Err(interrupted());
        }
        match stage.jobs.delete(&job.name).await {
            Ok(()) => {
                stopped += 1;
                reporter.tell(What::JobDeleted { job: job.name, reason: "teardown".to_owned() });
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    Ok(stopped)
}

async fn audit(stage: Stage<'_>, plan: Plan, progress: Progress) -> Result<Outcome> {
    let sightings = survey(stage.resources).await?;
    let jobs = stage.jobs.list(stage.scaled_job).await?;
    let is_kept = |sighting: &&Sighting| sighting.scope == Scope::Shared && stage.shared == Shared::Keep;
    let ids = |which: &dyn Fn(&&Sighting) -> bool| sightings.iter().filter(which).map(|sighting| sighting.id.clone()).collect::<Vec<_>>();
    let mut left = ids(&|sighting| sighting.observed.is_ours() && !is_kept(sighting));
    left.extend(jobs.into_iter().map(|job| ResourceId::new("job", job.name)));
    let kinds: BTreeSet<&str> = sightings.iter().map(|sighting| sighting.id.kind).chain(["job"]).collect();
    Ok(Outcome {
        stack: stage.stack.clone(),
        deleted: progress.deleted,
        jobs: progress.jobs,
        left,
        shared: ids(&|sighting| sighting.observed.is_ours() && is_kept(sighting)),
        foreign: ids(&|sighting| matches!(sighting.observed, Observed::Foreign { .. } | Observed::Borrowed { .. })),
        kinds_checked: kinds.len(),
        faults: progress.faults,
        plan,
    })
}

fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "teardown was interrupted", "").hint("run `kedactl teardown` again: it goes on where it stopped")
}

#[cfg(test)]
mod tests;
