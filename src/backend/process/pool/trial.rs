//! The replicas of one object for as long as a run lasts: how many are wanted is known to nobody else.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Worker, missing, tend, workers};
use crate::{
    backend::{
        files,
        process::processes::{Launch, Processes, Role},
    },
    core::{
        error::Result,
        ports::{JobSpec, Replica, Scale, ScaleTarget, Workloads},
    },
};

/// What replicas are made from, and how many the object wants by itself.
#[derive(Debug, Clone)]
pub struct Makings {
    /// What is scaled.
    pub target: ScaleTarget,
    /// `spec.replicas`.
    pub wanted: i32,
    /// What each is made from, or why that cannot be told.
    pub spec: Result<JobSpec>,
}

/// The worker processes of one object.
#[derive(Debug, Clone)]
pub struct TrialPool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    processes: Processes,
    makings: Makings,
    wanted: Mutex<i32>,
}

impl TrialPool {
    /// The workers in the folder `dir`, made from `makings`. None is started before [`Workloads::keep`] is asked for.
    #[must_use]
    pub fn within(dir: PathBuf, launch: Launch, makings: Makings) -> Self {
        let wanted = Mutex::new(makings.wanted);
        Self(Arc::new(Inner { processes: Processes::within(dir, launch, Role::Replica), makings, wanted }))
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = self.0.clone();
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    fn is_of(&self, target: &ScaleTarget) -> bool {
        self.0.makings.target == *target
    }
}

impl Inner {
    fn wanted(&self) -> i32 {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self) -> Result<()> {
        let spec = self.makings.spec.clone()?;
        files::private_dir(self.processes.dir())?;
        let now = Timestamp::now();
        let workers = workers(&self.processes)?;
        for worker in &workers {
            worker.see_off(&self.processes, now)?;
        }
        let own: Vec<&Worker> = workers.iter().filter(|worker| !worker.is_ending()).collect();
        tend(&self.processes, &own, Some(&spec), self.wanted(), now)
    }
}

#[async_trait]
impl Workloads for TrialPool {
    async fn scale(&self, target: &ScaleTarget) -> Result<Option<Scale>> {
        if !self.is_of(target) {
            return Ok(None);
        }
        let replicas = self.replicas(target).await?;
        let current = replicas.iter().filter(|replica| !replica.is_ending).count();
        Ok(Some(Scale { wanted: self.0.wanted(), current: i32::try_from(current).unwrap_or(i32::MAX) }))
    }

    async fn set_replicas(&self, target: &ScaleTarget, replicas: i32) -> Result<()> {
        if !self.is_of(target) {
            return Err(missing(target));
        }
        *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner) = replicas;
        self.keep().await
    }

    async fn replicas(&self, target: &ScaleTarget) -> Result<Vec<Replica>> {
        if self.is_of(target) { self.all().await } else { Ok(Vec::new()) }
    }

    async fn keep(&self) -> Result<()> {
        self.blocking(Inner::keep).await
    }

    async fn all(&self) -> Result<Vec<Replica>> {
        self.blocking(|inner| Ok(workers(&inner.processes)?.iter().map(Worker::replica).collect())).await
    }
}

/// As many replicas as the object wants by itself, all ready: nothing runs, and nothing is scaled.
#[derive(Debug, Clone)]
pub struct AsWanted(pub Makings);

#[async_trait]
impl Workloads for AsWanted {
    async fn scale(&self, target: &ScaleTarget) -> Result<Option<Scale>> {
        let Makings { target: own, wanted, .. } = &self.0;
        Ok((own == target).then_some(Scale { wanted: *wanted, current: *wanted }))
    }

    async fn set_replicas(&self, target: &ScaleTarget, _replicas: i32) -> Result<()> {
        Err(missing(target))
    }

    async fn replicas(&self, target: &ScaleTarget) -> Result<Vec<Replica>> {
        let replica = |index: i32| Replica {
            name: format!("{}-{index}", target.name),
            is_ready: true,
            is_ending: false,
            created_at: Timestamp::UNIX_EPOCH,
            message_id: None,
        };
        Ok((0..self.0.wanted).filter(|_| self.0.target == *target).map(replica).collect())
    }
}
