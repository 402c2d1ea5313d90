//! Jobs as child processes of this very binary.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{
    processes::{Launch, Processes, Role},
    state::Record,
};
use crate::core::{
    error::Result,
    ports::{Job, JobSpec, Jobs},
};

/// The jobs of one stack on this machine.
#[derive(Debug, Clone)]
pub struct ProcessJobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    processes: Processes,
    /// What cannot change any more: records, and jobs that ended.
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    record: Record,
    ended: Option<Job>,
}

impl ProcessJobs {
    /// The jobs of the stack that `launch` names.
    #[must_use]
    pub fn new(launch: Launch) -> Self {
        Self::of(Processes::new(launch, Role::Job))
    }

    /// The jobs in the folder `dir`.
    #[must_use]
    pub fn within(dir: PathBuf, launch: Launch) -> Self {
        Self::of(Processes::within(dir, launch, Role::Job))
    }

    fn of(processes: Processes) -> Self {
        Self { inner: Arc::new(Inner { processes, known: Mutex::default() }) }
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = self.inner.clone();
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

#[async_trait]
impl Jobs for ProcessJobs {
    async fn all(&self) -> Result<Vec<Job>> {
        self.blocking(Inner::all).await
    }

    async fn create(&self, spec: &JobSpec) -> Result<String> {
        let spec = spec.clone();
        self.blocking(move |inner| inner.processes.create(spec)).await
    }

    async fn delete(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.blocking(move |inner| inner.delete(&name)).await
    }
}

impl Inner {
    fn all(&self) -> Result<Vec<Job>> {
        self.processes.reap();
        let names = self.processes.names()?;
        let mut known = self.known();
        known.retain(|name, _| names.contains(name));
        let mut jobs = Vec::with_capacity(names.len());
        for name in &names {
            let Some(known) = self.know(&mut known, name)? else { continue };
            let job = match &known.ended {
                Some(job) => job.clone(),
                None => self.processes.folder(name).look(&known.record)?,
            };
            if job.state.is_finished() && known.ended.is_none() {
                known.ended = Some(job.clone());
            }
            jobs.push(job);
        }
        jobs.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        Ok(jobs)
    }

    fn know<'a>(&self, known: &'a mut HashMap<String, Known>, name: &str) -> Result<Option<&'a mut Known>> {
        if !known.contains_key(name) {
            let Some(record) = self.processes.record(name)? else { return Ok(None) };
            known.insert(name.to_owned(), Known { record, ended: None });
        }
        Ok(known.get_mut(name))
    }

    fn delete(&self, name: &str) -> Result<()> {
        self.processes.reap();
        self.processes.stop(name)?;
        self.known().remove(name);
        self.processes.remove(name)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
