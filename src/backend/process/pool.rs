//! Deployments as pools of worker processes of this very binary, kept as a `ReplicaSet` and a kubelet keep pods.

mod replica;
mod trial;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    objects::FileObjects,
    processes::{Launch, Processes, Role},
};
use crate::{
    backend::files,
    core::{
        error::{Error, Kind, Result},
        event::Event,
        ops::watch::container_environment,
        ports::{JobSpec, Journal, Objects, Replica, Scale, ScaleTarget, Workloads},
        replicas::upkeep,
    },
};
use replica::Worker;
pub use trial::{AsWanted, Makings as TrialMakings, TrialPool};

/// The kinds whose pod templates can be run here, and what a `ScaledObject` scales when it does not say.
const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "ReplicaSet"];

/// The worker processes of one stack on this machine, by the objects that want them.
#[derive(Clone)]
pub struct ProcessPools {
    objects: FileObjects,
    inner: Arc<Inner>,
    /// Where its workers write down what they do.
    journal: Option<Arc<dyn Journal>>,
}

struct Inner {
    processes: Processes,
    objects: FileObjects,
}

/// An object that wants replicas: its kind and name.
type Owner = (String, String);

/// What replicas of one owner are made from; nothing once the owner is gone.
type Makings = BTreeMap<Owner, Option<JobSpec>>;

impl ProcessPools {
    /// The workers of the stack that `launch` names, as `objects` want them.
    #[must_use]
    pub fn new(launch: Launch, objects: FileObjects) -> Self {
        let inner = Arc::new(Inner { processes: Processes::new(launch, Role::Replica), objects: objects.clone() });
        Self { objects, inner, journal: None }
    }

    /// The same, telling what its workers write into `journal`.
    #[must_use]
    pub fn telling(self, journal: Arc<dyn Journal>) -> Self {
        Self { journal: Some(journal), ..self }
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = self.inner.clone();
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// The object that `target` names.
    async fn object(&self, target: &ScaleTarget) -> Result<Option<Value>> {
        if !KINDS.contains(&target.kind.as_str()) {
            let why = format!("on this machine only objects of the kinds {} are run", KINDS.join(", "));
            return Err(Error::input("spec.scaleTargetRef.kind", &target.kind, why));
        }
        self.objects.get(&target.kind, &target.name).await
    }

    /// What the replicas of `owner` are made from, as its object is now.
    async fn makings(&self, (kind, name): &Owner) -> Result<Option<JobSpec>> {
        let Some(object) = self.objects.get(kind, name).await? else { return Ok(None) };
        replica_spec((kind, name), &object, &self.objects).await.map(Some)
    }

    /// Whoever a `ScaledObject` scales, and whoever has replicas already. A Deployment that nothing ever scaled is left alone:
    /// it may be anything, and run by anything.
    async fn owners(&self) -> Result<BTreeSet<Owner>> {
        let mut owners = self.blocking(Inner::owners).await?;
        for object in self.objects.list("ScaledObject").await? {
            let target = &object["spec"]["scaleTargetRef"];
            let kind = target["kind"].as_str().filter(|kind| !kind.is_empty()).unwrap_or(KINDS[0]);
            let name = target["name"].as_str().filter(|_| KINDS.contains(&kind));
            owners.extend(name.map(|name| (kind.to_owned(), name.to_owned())));
        }
        Ok(owners)
    }
}

#[async_trait]
impl Workloads for ProcessPools {
    async fn scale(&self, target: &ScaleTarget) -> Result<Option<Scale>> {
        let Some(object) = self.object(target).await? else { return Ok(None) };
        let replicas = self.replicas(target).await?;
        let current = replicas.iter().filter(|replica| !replica.is_ending).count();
        Ok(Some(Scale { wanted: wanted(&object), current: i32::try_from(current).unwrap_or(i32::MAX) }))
    }

    async fn set_replicas(&self, target: &ScaleTarget, replicas: i32) -> Result<()> {
        if self.object(target).await?.is_none() {
            return Err(missing(target));
        }
        let owner = (target.kind.clone(), target.name.clone());
        self.blocking(move |inner| inner.want(&owner, replicas)).await?;
        self.keep().await
    }

    async fn replicas(&self, target: &ScaleTarget) -> Result<Vec<Replica>> {
        let owner = (target.kind.clone(), target.name.clone());
        self.blocking(move |inner| inner.replicas(|worker| worker.owner() == owner)).await
    }

    async fn keep(&self) -> Result<()> {
        let mut makings = Makings::new();
        for owner in self.owners().await? {
            let spec = self.makings(&owner).await?;
            makings.insert(owner, spec);
        }
        self.blocking(move |inner| inner.keep(&makings)).await
    }

    async fn all(&self) -> Result<Vec<Replica>> {
        self.blocking(|inner| inner.replicas(|_| true)).await
    }

    async fn news(&self) -> Result<Vec<Event>> {
        let Some(journal) = self.journal.clone() else { return Ok(Vec::new()) };
        self.blocking(move |_| journal.news()).await
    }
}

impl Inner {
    fn workers(&self) -> Result<Vec<Worker>> {
        workers(&self.processes)
    }

    fn replicas(&self, which: impl Fn(&Worker) -> bool) -> Result<Vec<Replica>> {
        Ok(self.workers()?.iter().filter(|worker| which(worker)).map(Worker::replica).collect())
    }

    fn owners(&self) -> Result<BTreeSet<Owner>> {
        Ok(self.workers()?.iter().map(Worker::owner).collect())
    }

    /// Writes how many replicas `owner` is to have.
    fn want(&self, (kind, name): &Owner, replicas: i32) -> Result<()> {
        let Some(mut object) = self.objects.read(kind, name)? else { return Ok(()) };
        if object["spec"]["replicas"] != replicas {
            object["spec"]["replicas"] = replicas.into();
            self.objects.put(object)?;
        }
        Ok(())
    }

    /// One look after all workers; one process at a time does it.
    fn keep(&self, makings: &Makings) -> Result<()> {
        if makings.is_empty() && self.processes.names()?.is_empty() {
            return Ok(());
        }
        let dir = self.processes.dir();
        files::private_dir(dir)?;
        let _turn = turn(dir)?;
        self.clear()?;
        let now = Timestamp::now();
        let workers = self.workers()?;
        for worker in &workers {
            worker.see_off(&self.processes, now)?;
        }
        for (owner, spec) in makings {
            let wanted = match (spec, self.objects.read(&owner.0, &owner.1)?) {
                (Some(_), Some(object)) => wanted(&object),
                _ => 0,
            };
            let own: Vec<&Worker> = workers.iter().filter(|worker| worker.owner() == *owner && !worker.is_ending()).collect();
            tend(&self.processes, &own, spec.as_ref(), wanted, now)?;
        }
        Ok(())
    }

    /// Removes what a maker that died left half made: nobody else makes anything now.
    fn clear(&self) -> Result<()> {
        for name in self.processes.names()? {
            if self.processes.record(&name)?.is_none() && !self.processes.folder(&name).is_alive()? {
                self.processes.remove(&name)?;
            }
        }
        Ok(())
    }
}

/// All workers, oldest first.
fn workers(processes: &Processes) -> Result<Vec<Worker>> {
    processes.reap();
    let mut workers = Vec::new();
    for name in processes.names()? {
        workers.extend(Worker::look(processes, &name)?);
    }
    workers.sort_by(|a, b| (a.record.created_at, &a.record.name).cmp(&(b.record.created_at, &b.record.name)));
    Ok(workers)
}

/// Makes as many of `own` as are `wanted`: the workers of one object, none of which is ending.
fn tend(processes: &Processes, own: &[&Worker], spec: Option<&JobSpec>, wanted: i32, now: Timestamp) -> Result<()> {
    let standings: Vec<_> = own.iter().map(|worker| worker.standing(spec)).collect();
    let found = upkeep(&standings, usize::try_from(wanted).unwrap_or(0), now);
    let (leaving, staying): (Vec<&Worker>, Vec<&Worker>) = own.iter().partition(|worker| found.end.contains(&worker.record.name));
    for worker in leaving {
        worker.end(processes, now)?;
    }
    for worker in staying {
        worker.revive(processes, now)?;
    }
    for _ in 0..found.start {
        spec.map(|spec| processes.create(spec.clone())).transpose()?;
    }
    Ok(())
}

/// Waits until no other process looks after the workers; until the value is dropped none does.
fn turn(dir: &Path) -> Result<std::fs::File> {
    let path = dir.join(".lock");
    let lock = files::lock_file(&path)?;
    lock.lock().map_err(|error| files::fault("lock", &path, &error))?;
    Ok(lock)
}

/// What a replica of `object`, of this kind and name, is made from; what its environment refers to is among `objects`.
///
/// # Errors
/// When its environment cannot be resolved.
pub async fn replica_spec((kind, name): (&str, &str), object: &Value, objects: &dyn Objects) -> Result<JobSpec> {
    let template = object["spec"]["template"].clone();
    let env = container_environment(&template["spec"], None, objects).await?;
    let manifest = json!({ "kind": kind, "metadata": { "name": name }, "spec": { "template": template } });
    let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
    Ok(JobSpec { scaled_job: name.to_owned(), generation, manifest, env })
}

/// The replicas that `object` wants, one where it does not say.
#[must_use]
pub fn wanted(object: &Value) -> i32 {
    object["spec"]["replicas"].as_i64().map_or(1, |count| i32::try_from(count).unwrap_or(i32::MAX))
}

fn missing(target: &ScaleTarget) -> Error {
    let what = format!("could not scale {} `{}`", target.kind, target.name);
    Error::new(Kind::NotFound, what, "it does not exist").hint("run `kedactl setup --kind scaled-object`, or apply its manifest with `-f`")
}

#[cfg(test)]
mod tests;
