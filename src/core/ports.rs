//! The only traits: what the demo needs from the world, each with at least two implementations.

mod scaling;
mod sink;
mod workload;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{
    error::Result,
    event::{Depth, JobState},
    keda::{jobs::JobView, manifest::Propagation},
    plan::{Observed, ResourceId, Scope},
    settings::ScalingKind,
};
pub use scaling::{Asked, Inquiry, Metric, Scalers};
pub use sink::{Outgoing, SendOutcome, Sink};
pub use workload::{Replica, Scale, ScaleTarget, Workloads};

/// One thing that must exist. Idempotent by contract: applying or deleting twice is as good as once.
#[async_trait]
pub trait Resource: Send + Sync {
    /// Its kind and name.
    fn id(&self) -> ResourceId;
    /// Whose it is.
    fn scope(&self) -> Scope {
        Scope::Stack
    }
    /// How long setup may wait for it to become usable, where that is longer than for others.
    fn patience(&self) -> Option<Duration> {
        None
    }
    /// The aws, helm or kubectl commands that `apply` replaces, as one would type them.
    fn replaces(&self) -> Vec<String>;
    /// Looks. Changes nothing.
    async fn observe(&self) -> Result<Observed>;
    /// Makes it what it should be, and waits until it is usable. Refuses what is foreign.
    async fn apply(&self) -> Result<()>;
    /// Removes it if it is ours; absent is fine. Refuses what is foreign.
    async fn delete(&self) -> Result<()>;
}

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The id that `send` returned.
    pub message_id: String,
    /// What `extend`, `release` and `delete` need. Never shown or logged.
    pub receipt: String,
    /// The body.
    pub body: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// When SQS accepted it.
    pub sent_at: Option<Timestamp>,
}

/// One queue.
#[async_trait]
pub trait Queue: Sink {
    /// The three approximate counters.
    async fn depth(&self) -> Result<Depth>;
    /// Waits up to `wait` (at most 20 s) for one message, hidden for `visibility` (absent: the queue's own).
    async fn receive(&self, wait: Duration, visibility: Option<Duration>) -> Result<Option<Received>>;
    /// Hides the message for `visibility` from now.
    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<()>;
    /// Makes the message visible at once.
    async fn release(&self, receipt: &str) -> Result<()>;
    /// Deletes the message; twice is fine.
    async fn delete(&self, receipt: &str) -> Result<()>;
}

/// One job as the scaler sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// The ScaledJob it belongs to.
    pub scaled_job: String,
    /// Generation of the ScaledJob that it was made from; absent when unknown.
    pub generation: Option<i64>,
    /// Where it stands.
    pub state: JobState,
    /// Why it ended (`done`, `idle`, `killed`, `failed`), when it has.
    pub reason: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ended well; Kubernetes sets this on success only.
    pub completed_at: Option<Timestamp>,
    /// The message it works on or worked on, once known.
    pub message_id: Option<String>,
    /// Its conditions and pods, where it is a cluster's.
    #[serde(skip)]
    pub view: Option<Box<JobView>>,
}

/// What a job is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// The ScaledJob's name.
    pub scaled_job: String,
    /// The ScaledJob's generation.
    pub generation: i64,
    /// The whole `batch/v1` Job, as KEDA would write it.
    pub manifest: serde_json::Value,
    /// Environment of the consumer's container, resolved.
    pub env: BTreeMap<String, String>,
}

impl JobSpec {
    /// The `batch/v1` `JobSpec`; null when there is none.
    #[must_use]
    pub fn spec(&self) -> &serde_json::Value {
        &self.manifest["spec"]
    }
}

/// Where jobs run.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Every job of the stack, whichever ScaledJob it belongs to, the producer's that belong to none (their `scaled_job` is
    /// empty) and finished ones included, oldest first.
    async fn all(&self) -> Result<Vec<Job>>;
    /// All jobs of `scaled_job`, finished ones included, oldest first.
    async fn list(&self, scaled_job: &str) -> Result<Vec<Job>> {
        let mut jobs = self.all().await?;
        jobs.retain(|job| job.scaled_job == scaled_job);
        Ok(jobs)
    }
    /// Creates one; returns its name.
    async fn create(&self, spec: &JobSpec) -> Result<String>;
    /// Deletes one, stopping it first if it runs; absent is fine.
    async fn delete(&self, name: &str) -> Result<()>;
    /// Deletes one, and its pods as `propagation` says.
    async fn delete_with(&self, name: &str, _propagation: Propagation) -> Result<()> {
        self.delete(name).await
    }
    /// The job called `name`, whether a ScaledJob made it or not.
    ///
    /// # Errors
    /// When jobs cannot be read.
    async fn find(&self, name: &str) -> Result<Option<Job>> {
        Ok(self.all().await?.into_iter().find(|job| job.name == name))
    }
    /// The lines of the job's log, from the first one on and as they come, until its container has ended.
    fn lines(&self, _name: &str) -> BoxStream<'static, Result<String>> {
        stream::empty().boxed()
    }
    /// What the job called `name` wrote down in its own log, in its order; nothing where jobs write into the journal themselves.
    ///
    /// # Errors
    /// When there is such a log and it cannot be read.
    async fn records(&self, _name: &str) -> Result<Vec<super::event::Event>> {
        Ok(Vec::new())
    }
}

/// Something seen on a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// All jobs of the ScaledJob as they are now, oldest first.
    Jobs(Vec<Job>),
    /// The object's conditions, each as `Status/Reason: message`; `Unknown` when nobody wrote one.
    Conditions {
        /// `Ready`.
        ready: String,
        /// `Active`.
        active: String,
        /// `Paused`.
        paused: String,
    },
    /// The HPA that KEDA made for a ScaledObject.
    Hpa {
        /// Its name.
        name: String,
        /// Replicas that it counted.
        current: i32,
        /// Replicas that it wants.
        desired: i32,
        /// Its `ScalingActive` condition.
        condition: String,
    },
    /// The object was deleted.
    Gone,
    /// A Kubernetes event about the object or its HPA, or a warning about its jobs, target and pods.
    Said {
        /// Kind and name of what it is about.
        object: String,
        /// Its reason.
        reason: String,
        /// Its text.
        note: String,
        /// Whether its type is `Warning`.
        warning: bool,
    },
    /// A stream broke and is begun anew; why.
    Broken(String),
}

/// What happens around a ScaledJob or a ScaledObject, as it happens.
pub trait Sights: Send + Sync {
    /// Follows the object of `kind` called `name`; an error ends it.
    fn follow(&self, kind: ScalingKind, name: &str) -> BoxStream<'static, Result<Sight>>;
}

/// What a consumer tells the analyzer of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The message: counting it twice counts once.
    pub message_id: String,
    /// The job.
    pub job: String,
}

/// One record of the analyzer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountRecord {
    /// `processed` or `kill`.
    pub kind: String,
    /// The message, when the consumer said which.
    pub message_id: Option<String>,
    /// The job, when the consumer said which.
    pub job: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The result analyzer.
#[async_trait]
pub trait Analyzer: Send + Sync {
    /// Counts a processed message.
    async fn processed(&self, count: &Count) -> Result<()>;
    /// Counts a kill.
    async fn killed(&self, count: &Count) -> Result<()>;
    /// The article's lines: `2026-01-17 05:50:45 - processed count 1`.
    async fn lines(&self) -> Result<Vec<String>>;
    /// One record per count.
    async fn records(&self) -> Result<Vec<CountRecord>>;
    /// Forgets all counts.
    async fn reset(&self) -> Result<()>;
}

/// The event store of one stack; the writing side is an [`super::event::Reporter`].
pub trait Journal: Send + Sync {
    /// Every event of every run, in order of time. A torn last line is left out.
    fn events(&self) -> Result<Vec<super::event::Event>>;
    /// What was written since this was last asked; the first time it only takes note of where the journal ends.
    ///
    /// # Errors
    /// When it cannot be read.
    fn news(&self) -> Result<Vec<super::event::Event>>;
}

/// Kubernetes objects, as the API server would give them.
#[async_trait]
pub trait Objects: Send + Sync {
    /// The object of `kind` (`ScaledJob`, `ConfigMap`) called `name` in the stack's namespace; absent is `None`.
    async fn get(&self, kind: &str, name: &str) -> Result<Option<serde_json::Value>>;
    /// All objects of `kind` in the stack's namespace, by name.
    async fn list(&self, kind: &str) -> Result<Vec<serde_json::Value>>;
    /// Makes the object what `manifest` says; its `metadata.generation` rises when its `spec` changed.
    async fn apply(&self, manifest: &serde_json::Value) -> Result<()>;
    /// Removes the object of `kind` called `name`; absent is fine.
    async fn delete(&self, kind: &str, name: &str) -> Result<()>;
    /// Merges `patch` into the `status` of the object of `kind` called `name`, as RFC 7396 has it; a spec stays as it is. Does nothing
    /// where objects have no status that could be kept.
    ///
    /// # Errors
    /// When there is no such object, or it cannot be written.
    async fn patch_status(&self, _kind: &str, _name: &str, _patch: &serde_json::Value) -> Result<()> {
        Ok(())
    }
}

/// One thing that bears a stack's tag or label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Tagged {
    /// Kind and name.
    #[serde(flatten)]
    pub id: ResourceId,
    /// The stack's name, as the tag has it.
    pub stack: String,
    /// The namespace, for a Kubernetes object that has one.
    pub namespace: Option<String>,
    /// When the stack expires, if it says so.
    pub expires_at: Option<Timestamp>,
}

/// What a look for tags and labels found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// The kinds that were looked at.
    pub kinds: Vec<&'static str>,
    /// What bears any stack's tag or label.
    pub found: Vec<Tagged>,
    /// Kinds that could not be looked at, or not wholly, with the reason.
    pub unread: Vec<String>,
}

impl Sweep {
    /// Both looks as one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.kinds.extend(other.kinds);
        self.found.extend(other.found);
        self.unread.extend(other.unread);
        self
    }
}

/// Lists whatever bears a stack's tag or label, whoever made it and whatever it is called.
#[async_trait]
pub trait Census: Send + Sync {
    /// Looks at every kind that setup can make. Changes nothing; what cannot be looked at is named in the answer.
    async fn sweep(&self) -> Result<Sweep>;
}

/// What came of asking for the scaler's lease.
pub enum Claim {
    /// It is ours until this value is released or dropped, or this process ends however it does.
    Held(Box<dyn Held>),
    /// Someone else holds it: process id and host, as text.
    HeldBy(String),
}

/// A lease that was claimed.
#[async_trait]
pub trait Held: Send + Sync {
    /// Whether it is still ours. Ask before each act: a lease that could not be renewed lapses.
    fn is_held(&self) -> bool;
    /// Gives it back, so that another need not wait until it lapses.
    async fn release(self: Box<Self>);
}

/// The right to scale one stack; at most one process has it.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Asks once, without waiting.
    async fn claim(&self) -> Result<Claim>;
    /// Who holds it, without asking for it; `None` when nobody does.
    async fn holder(&self) -> Result<Option<String>>;
}

/// Where results are stored.
#[async_trait]
pub trait Artifacts: Send + Sync {
    /// Stores `content` under `key`, atomically; returns where it is (a path or an `s3://` address).
    async fn put(&self, key: &str, content: Vec<u8>) -> Result<String>;
}

/// What the work on a message made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Ending of the file's name without its dot, such as `mp4`; may be empty.
    pub extension: String,
    /// The content.
    pub content: Vec<u8>,
}

/// The work on one message.
#[async_trait]
pub trait Work: Send + Sync {
    /// Does it. When `stop` is cancelled it ends early, leaving no process behind, with any outcome: nobody looks at it.
    async fn run(&self, message: &Received, stop: &CancellationToken) -> Result<Artifact>;
}
