//! `teardown`: removes what is ours in the reverse order, stops the jobs, and looks again at the end.

mod gone;

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::survey::survey;
use crate::core::{
    error::{Error, Kind, Result},
    event::{Reporter, What},
    plan::{Action, Observed, Plan, ResourceId, Scope, Shared, Sighting},
    ports::{Census, Jobs, Objects, Resource, Sweep, Workloads},
    settings::Target,
    stack::{MANAGED_BY, MANAGED_BY_LABEL, STACK_LABEL, StackName},
};

/// Jobs stopped at once.
const STOPPED_AT_ONCE: usize = 16;
/// How long AWS and Kubernetes may still show what was deleted: SQS says 60 s, the longest grace period of our pods is 60 s.
const FORGETTING: Duration = Duration::from_secs(75);
/// How often to look whether it does.
const PAUSE: Duration = Duration::from_secs(1);
/// What makes jobs or replicas: in the words of [`ResourceId`], and as Kubernetes calls it.
const SCALERS: [(&str, &str); 2] = [("scaledjob", "ScaledJob"), ("scaledobject", "ScaledObject")];
/// How often to look whether replicas have ended.
const GLANCE: Duration = Duration::from_millis(50);
/// A process of a Deployment on this machine, likewise.
const REPLICA: &str = "replica";
/// The kind of what runs a Deployment's or a Job's containers, in the words of [`ResourceId`].
const POD: &str = "pod";

/// What is removed.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// The stack.
    pub stack: &'a StackName,
    /// Its resources, in the order of setup.
    pub resources: &'a [Box<dyn Resource>],
    /// Where its jobs run.
    pub jobs: &'a dyn Jobs,
    /// Where its replicas run.
    pub workloads: &'a dyn Workloads,
    /// Its Kubernetes objects.
    pub objects: &'a dyn Objects,
    /// What lists everything that bears its tag or label.
    pub census: &'a dyn Census,
    /// Where it runs: on this machine every ScaledJob and ScaledObject of the store is the stack's own.
    pub target: Target,
    /// What becomes of what is not the stack's alone.
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
    /// Replicas that were ended.
    pub replicas: usize,
    /// Ours, and still there.
    pub left: Vec<ResourceId>,
    /// Ours, shared, and kept because nobody asked for it to go.
    pub shared: Vec<ResourceId>,
    /// The KEDA that is ours, and kept because nobody asked for it to go.
    pub controllers: Vec<ResourceId>,
    /// Not ours, and left alone.
    pub foreign: Vec<ResourceId>,
    /// Kinds of things that the second look checked.
    pub kinds_checked: usize,
    /// What the second look could not look at.
    pub unchecked: Vec<String>,
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
/// Every `ScaledJob` and `ScaledObject` goes first, those that `watch -f` applied included, so that no scaler makes new jobs or
/// replicas; then the jobs; then the rest, and the replicas of each Deployment with it.
///
/// # Errors
/// `Interrupted` when `cancel` is set between two steps; the fault of the second look.
pub async fn carry_out(stage: Stage<'_>, plan: Plan, reporter: &dyn Reporter, cancel: &CancellationToken) -> Result<Outcome> {
    let mut work = Work { stage, reporter, cancel, deleted: 0, jobs: 0, replicas: 0, faults: Vec::new() };
    for (kind, object_kind) in SCALERS {
        work.delete_others(&plan, kind, object_kind).await?;
    }
    if stage.target == Target::Local {
        work.delete_others(&plan, "deployment", "Deployment").await?;
    }
    let steps: Vec<_> = stage.resources.iter().rev().zip(&plan.steps).collect();
    let last_scaler = steps.iter().rposition(|(_, step)| scaler(step.id.kind).is_some()).unwrap_or(0);
    for (index, (resource, step)) in steps.into_iter().enumerate() {
        if step.action == Action::Delete {
            work.step(resource.as_ref(), &step.id).await?;
        }
        if index == last_scaler {
            work.stop_jobs().await?;
        }
    }
    // A scaler that was at work while its ScaledJob went may have made one more.
    work.stop_jobs().await?;
    work.end_replicas().await?;
    work.audit(plan).await
}

/// What Kubernetes calls a kind of resource that makes jobs or replicas.
fn scaler(kind: &str) -> Option<&'static str> {
    SCALERS.iter().find(|(word, _)| *word == kind).map(|(_, object_kind)| *object_kind)
}

struct Work<'a> {
    stage: Stage<'a>,
    reporter: &'a dyn Reporter,
    cancel: &'a CancellationToken,
    deleted: usize,
    jobs: usize,
    replicas: usize,
    faults: Vec<String>,
}

impl Work<'_> {
    fn check_going_on(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(interrupted()) } else { Ok(()) }
    }

    async fn step(&mut self, resource: &dyn Resource, id: &ResourceId) -> Result<()> {
        self.check_going_on()?;
        self.reporter.tell(What::StepStarted { resource: id.to_string(), action: Action::Delete.word().to_owned() });
        let mut outcome = resource.delete().await;
        if let (Ok(()), Some(object_kind)) = (&outcome, scaler(id.kind)) {
            outcome = gone::wait(self.stage.objects, object_kind, &id.name, self.reporter, self.cancel).await;
        }
        self.note(outcome, id)
    }

    fn note(&mut self, outcome: Result<()>, id: &ResourceId) -> Result<()> {
        match outcome {
            Ok(()) => {
                self.deleted += 1;
                self.reporter.tell(What::StepDone { resource: id.to_string(), action: Action::Delete.word().to_owned() });
            }
            Err(error) if error.kind == Kind::Interrupted => return Err(error),
            Err(error) => self.faults.push(explained(&error)),
        }
        Ok(())
    }

    /// Those of the stack that are no resource of setup: `watch -f` applied them.
    async fn delete_others(&mut self, plan: &Plan, kind: &'static str, object_kind: &str) -> Result<()> {
        let planned: BTreeSet<&str> = plan.steps.iter().filter(|step| step.id.kind == kind).map(|step| step.id.name.as_str()).collect();
        for object in self.stage.objects.list(object_kind).await? {
            let labels = &object["metadata"]["labels"];
            let is_labelled = labels[MANAGED_BY_LABEL] == MANAGED_BY && labels[STACK_LABEL].as_str() == Some(self.stage.stack.as_str());
            let Some(name) = object["metadata"]["name"].as_str().filter(|name| !planned.contains(name)) else { continue };
            if !is_labelled && self.stage.target != Target::Local {
                continue;
            }
            self.check_going_on()?;
            let id = ResourceId::new(kind, name);
            self.reporter.tell(What::StepStarted { resource: id.to_string(), action: Action::Delete.word().to_owned() });
            let outcome = match self.stage.objects.delete(object_kind, name).await {
                Ok(()) => gone::wait(self.stage.objects, object_kind, name, self.reporter, self.cancel).await,
                Err(error) => Err(error),
            };
            self.note(outcome, &id)?;
        }
        Ok(())
    }

    async fn stop_jobs(&mut self) -> Result<()> {
        let jobs = self.stage.jobs.all().await?;
        let (stage, cancel) = (self.stage, self.cancel);
        let stop = |name: String| async move {
            if cancel.is_cancelled() { Err(interrupted()) } else { stage.jobs.delete(&name).await.map(|()| name) }
        };
        let mut stops = stream::iter(jobs.into_iter().map(|job| stop(job.name))).buffer_unordered(STOPPED_AT_ONCE);
        while let Some(outcome) = stops.next().await {
            match outcome {
                Ok(job) => {
                    self.jobs += 1;
                    self.reporter.tell(What::JobDeleted { job, reason: "teardown".to_owned() });
                }
                Err(error) if error.kind == Kind::Interrupted => return Err(error),
                Err(error) => self.faults.push(explained(&error)),
            }
        }
        Ok(())
    }

    /// Ends the replicas of Deployments that are gone, and waits for them.
    async fn end_replicas(&mut self) -> Result<()> {
        let workloads = self.stage.workloads;
        let deadline = Instant::now() + FORGETTING;
        let mut seen = BTreeSet::new();
        loop {
            self.check_going_on()?;
            if let Err(error) = workloads.keep().await {
                self.faults.push(explained(&error));
                break;
            }
            let replicas = workloads.all().await?;
            seen.extend(replicas.iter().map(|replica| replica.name.clone()));
            if replicas.is_empty() || Instant::now() >= deadline {
                self.replicas = seen.len() - replicas.len();
                break;
            }
            sleep(GLANCE).await;
        }
        Ok(())
    }

    /// Looks at what was planned, at the jobs, and at whatever bears the stack's tag or label; again while something that was
    /// deleted still shows: AWS takes its time to forget.
    async fn audit(self, plan: Plan) -> Result<Outcome> {
        let deadline = Instant::now() + FORGETTING;
        let deleted: BTreeSet<&ResourceId> = plan.steps.iter().filter(|step| step.action == Action::Delete).map(|step| &step.id).collect();
        let mut found = self.look().await?;
        // A pod has its grace period, and goes with what made it.
        let lingers = |found: &Found| found.left.iter().any(|id| deleted.contains(id) || id.kind == POD);
        let mut told = false;
        while self.faults.is_empty() && lingers(&found) && Instant::now() < deadline && !self.cancel.is_cancelled() {
            if !told {
                told = true;
                let condition = "what was deleted is gone".to_owned();
                self.reporter.tell(What::Waiting { condition, deadline_seconds: FORGETTING.as_secs() });
            }
            tokio::select! {
                () = self.cancel.cancelled() => {}
                () = sleep(PAUSE) => {}
            }
            found = self.look().await?;
        }
        Ok(Outcome {
            stack: self.stage.stack.clone(),
            deleted: self.deleted,
            jobs: self.jobs,
            replicas: self.replicas,
            left: found.left.into_iter().collect(),
            shared: found.shared,
            controllers: found.controllers,
            foreign: found.foreign,
            kinds_checked: found.kinds.len(),
            unchecked: found.unread,
            faults: self.faults,
            plan,
        })
    }

    async fn look(&self) -> Result<Found> {
        let Stage { resources, jobs, workloads, census, shared, stack, .. } = self.stage;
        let (sightings, jobs, replicas, sweep) = tokio::try_join!(survey(resources), jobs.all(), workloads.all(), census.sweep())?;
        let is_kept = |sighting: &&Sighting| shared.keeps(sighting.scope);
        let ids =
            |which: &dyn Fn(&&Sighting) -> bool| sightings.iter().filter(which).map(|sighting| sighting.id.clone()).collect::<Vec<_>>();
        let kept = |scope| ids(&|sighting| sighting.scope == scope && sighting.observed.is_ours() && is_kept(sighting));
        let (shared, controllers) = (kept(Scope::Shared), kept(Scope::Controller));
        let mut left: BTreeSet<ResourceId> = ids(&|sighting| sighting.observed.is_ours() && !is_kept(sighting)).into_iter().collect();
        left.extend(jobs.into_iter().map(|job| ResourceId::new("job", job.name)));
        left.extend(replicas.into_iter().map(|replica| ResourceId::new(REPLICA, replica.name)));
        left.extend(unforeseen(&sweep, stack, &[shared.as_slice(), &controllers].concat()));
        let foreign = ids(&|sighting| matches!(sighting.observed, Observed::Foreign { .. } | Observed::Borrowed { .. }));
        let kinds = sightings.iter().map(|sighting| sighting.id.kind).chain(["job"]).chain(sweep.kinds).collect();
        Ok(Found { left, shared, controllers, foreign, kinds, unread: sweep.unread })
    }
}

/// What the second look found.
struct Found {
    left: BTreeSet<ResourceId>,
    shared: Vec<ResourceId>,
    controllers: Vec<ResourceId>,
    foreign: Vec<ResourceId>,
    kinds: BTreeSet<&'static str>,
    unread: Vec<String>,
}

/// What bears the stack's tag and is not kept on purpose.
fn unforeseen(sweep: &Sweep, stack: &StackName, kept: &[ResourceId]) -> Vec<ResourceId> {
    let ours = sweep.found.iter().filter(|tagged| tagged.stack == stack.as_str() && !kept.contains(&tagged.id));
    ours.map(|tagged| tagged.id.clone()).collect()
}

/// The error with its way out: several are shown together, without hints of their own.
fn explained(error: &Error) -> String {
    error.hint.as_ref().map_or_else(|| error.to_string(), |hint| format!("{error}; {hint}"))
}

fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "teardown was interrupted", "").hint("run `kedactl teardown` again: it goes on where it stopped")
}

#[cfg(test)]
mod tests;
