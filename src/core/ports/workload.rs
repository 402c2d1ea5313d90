//! What a ScaledObject scales.

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::{error::Result, event::Event};

/// The object that a ScaledObject names in `scaleTargetRef`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleTarget {
    /// Its API version; `apps/v1` when the reference names none.
    pub api_version: String,
    /// Its kind; `Deployment` when the reference names none.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl ScaleTarget {
    /// The Deployment called `name`.
    #[must_use]
    pub fn deployment(name: &str) -> Self {
        Self { api_version: "apps/v1".to_owned(), kind: "Deployment".to_owned(), name: name.to_owned() }
    }
}

/// The target's `scale` subresource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// `spec.replicas`: what is wanted.
    pub wanted: i32,
    /// `status.replicas`: what there is, ready or not.
    pub current: i32,
}

/// One replica: a pod, or a worker process on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// Its name.
    pub name: String,
    /// Whether it is ready.
    pub is_ready: bool,
    /// Whether it was told to end: it no longer counts.
    pub is_ending: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// The message it works on, once known.
    pub message_id: Option<String>,
}

/// Where a ScaledObject's targets run.
#[async_trait]
pub trait Workloads: Send + Sync {
    /// Where `target` stands; `None` when there is no such object.
    ///
    /// # Errors
    /// When it cannot be read, or its kind has no scale.
    async fn scale(&self, target: &ScaleTarget) -> Result<Option<Scale>>;
    /// Sets what is wanted. Scaling in ends replicas as Kubernetes does: SIGTERM, and SIGKILL after the grace period.
    ///
    /// # Errors
    /// When there is no such object, or it cannot be written.
    async fn set_replicas(&self, target: &ScaleTarget, replicas: i32) -> Result<()>;
    /// Its replicas as they are, oldest first, those that are ending included.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn replicas(&self, target: &ScaleTarget) -> Result<Vec<Replica>>;
    /// Does what the controllers of a cluster do by themselves: starts replicas that are wanted and missing, or that died, and
    /// ends those that nothing wants any more. Does not wait for their end.
    ///
    /// # Errors
    /// When they cannot be read, started or ended.
    async fn keep(&self) -> Result<()> {
        Ok(())
    }
    /// Every replica that [`Self::keep`] looks after, of whichever target, those that are ending included.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn all(&self) -> Result<Vec<Replica>> {
        Ok(Vec::new())
    }
    /// The lines of a replica's log, from the first one on and as they come, until it has ended; nothing where replicas write
    /// into the journal themselves.
    fn lines(&self, _replica: &str) -> BoxStream<'static, Result<String>> {
        stream::empty().boxed()
    }
    /// What replicas wrote into the journal themselves since this was last asked; the first time nothing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    async fn news(&self) -> Result<Vec<Event>> {
        Ok(Vec::new())
    }
}
