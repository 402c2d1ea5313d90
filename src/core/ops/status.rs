//! `status`: the queue, the jobs and the objects as they are now. Changes nothing.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::survey::survey;
use crate::core::{
    board::Tally,
    error::{Kind, Result},
    event::Depth,
    plan::{Observed, ResourceId, Scope},
    ports::{Jobs, Journal, Lease, Metric, Queue, Replica, Resource, ScaleTarget, Workloads},
    settings::{ScalingKind, Settings, TriggerKind},
};

/// Where status looks.
pub struct Sources<'a> {
    /// The stack's resources.
    pub resources: &'a [Box<dyn Resource>],
    /// The work queue.
    pub queue: &'a dyn Queue,
    /// Its dead-letter queue.
    pub dead_letters: &'a dyn Queue,
    /// What reads what the trigger watches, where that is there; or why it cannot be read.
    pub watched: Result<Option<Arc<dyn Metric>>>,
    /// Where its jobs run.
    pub jobs: &'a dyn Jobs,
    /// Where its replicas run.
    pub workloads: &'a dyn Workloads,
    /// Who scales.
    pub lease: &'a dyn Lease,
    /// What happened.
    pub journal: &'a dyn Journal,
}

/// A stack as it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The stack.
    pub stack: String,
    /// Whether any of its own objects exist.
    pub is_set_up: bool,
    /// The work queue.
    pub queue: QueueStatus,
    /// Its dead-letter queue.
    pub dead_letter_queue: QueueStatus,
    /// What the trigger watches, where that is not the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceStatus>,
    /// Jobs by state.
    pub jobs: Tally,
    /// Replicas of the Deployment, where a ScaledObject scales one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<ReplicaCounts>,
    /// Who scales, if anyone does.
    pub scaler: Option<String>,
    /// When the journal's last event happened.
    pub last_activity: Option<Timestamp>,
    /// When `teardown --expired` may remove the stack.
    pub expires_at: Option<Timestamp>,
    /// How many objects are in which state.
    pub objects: ObjectCounts,
    /// Each object.
    pub resources: Vec<ResourceStatus>,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueStatus {
    /// Its name.
    pub name: String,
    /// Its counters; absent when it does not exist.
    pub depth: Option<Depth>,
}

/// What the trigger watches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceStatus {
    /// The trigger.
    pub trigger: TriggerKind,
    /// The source's name.
    pub name: String,
    /// What KEDA would read there; absent when it does not exist or cannot be read.
    pub value: Option<f64>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Replicas by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReplicaCounts {
    /// Wanted.
    pub wanted: i32,
    /// There, and not told to end.
    pub current: i32,
    /// Ready.
    pub ready: usize,
    /// Told to end.
    pub ending: usize,
}

/// Objects by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ObjectCounts {
    /// Ours and as they should be.
    pub ready: usize,
    /// Ours and different from what they should be.
    pub drifted: usize,
    /// Not there.
    pub absent: usize,
    /// Not ours.
    pub foreign: usize,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceStatus {
    /// Kind and name.
    #[serde(flatten)]
    pub id: ResourceId,
    /// What was found.
    #[serde(flatten)]
    pub observed: Observed,
}

/// Looks at everything of the stack that `settings` describe.
///
/// # Errors
/// When anything cannot be looked at; that something does not exist is no error.
pub async fn status(settings: &Settings, sources: Sources<'_>) -> Result<Status> {
    let sightings = survey(sources.resources).await?;
    let mut objects = ObjectCounts::default();
    for sighting in &sightings {
        *match sighting.observed {
            Observed::Ready => &mut objects.ready,
            Observed::Drifted { .. } => &mut objects.drifted,
            Observed::Absent | Observed::Refused { .. } => &mut objects.absent,
            Observed::Foreign { .. } | Observed::Borrowed { .. } => &mut objects.foreign,
        } += 1;
    }
    let is_set_up = sightings.iter().any(|sighting| sighting.scope == Scope::Stack && sighting.observed.is_ours());
    let jobs = sources.jobs.all().await?;
    Ok(Status {
        stack: settings.stack.to_string(),
        is_set_up,
        queue: look_into(sources.queue, &settings.names.queue).await?,
        dead_letter_queue: look_into(sources.dead_letters, &settings.names.dead_letter_queue).await?,
        source: source(settings, sources.watched).await,
        jobs: jobs.iter().map(|job| job.state).collect(),
        replicas: replicas(settings, sources.workloads).await?,
        scaler: sources.lease.holder().await?,
        last_activity: sources.journal.events()?.last().map(|event| event.at),
        expires_at: settings.expires_at,
        objects,
        resources: sightings.into_iter().map(|sighting| ResourceStatus { id: sighting.id, observed: sighting.observed }).collect(),
    })
}

/// What the trigger watches. That it cannot be read is an answer: whoever looks may lack a right that KEDA has.
async fn source(settings: &Settings, watched: Result<Option<Arc<dyn Metric>>>) -> Option<SourceStatus> {
    let trigger = settings.trigger;
    if trigger == TriggerKind::Sqs {
        return None;
    }
    let read = match watched {
        Ok(Some(metric)) => known(metric.read().await),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    let (value, error) = match read {
        Ok(reading) => (reading.map(|reading| reading.value), None),
        Err(error) => (None, Some(error.to_string())),
    };
    Some(SourceStatus { trigger, name: trigger.named(&settings.names).name().to_owned(), value, error })
}

async fn replicas(settings: &Settings, workloads: &dyn Workloads) -> Result<Option<ReplicaCounts>> {
    let target = ScaleTarget::deployment(&settings.names.deployment);
    if settings.kind != ScalingKind::ScaledObject {
        return Ok(None);
    }
    let Some(scale) = workloads.scale(&target).await? else { return Ok(None) };
    let replicas = workloads.replicas(&target).await?;
    let count = |which: fn(&Replica) -> bool| replicas.iter().filter(|replica| which(replica)).count();
    Ok(Some(ReplicaCounts {
        wanted: scale.wanted,
        current: scale.current,
        ready: count(|replica| replica.is_ready),
        ending: count(|replica| replica.is_ending),
    }))
}

async fn look_into(queue: &dyn Queue, name: &str) -> Result<QueueStatus> {
    Ok(QueueStatus { name: name.to_owned(), depth: known(queue.depth().await)? })
}

/// What was found; nothing where there is nothing.
fn known<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        found => found.map(Some),
    }
}
