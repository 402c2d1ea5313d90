//! The cluster's Jobs: listed with their pods as KEDA looks at them, created once each, deleted as KEDA deletes.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use kube::api::{DeleteParams, GetParams, PostParams};
use serde_json::Value;

use super::{
    client::Cluster,
    error::{fault, is_absent},
    pods::{Which, Workload},
};
use crate::core::{
    error::Result,
    event::{Event, JobState},
    keda::{
        job::SCALED_JOB_LABEL,
        jobs::{End, JobView},
        manifest::Propagation,
    },
    log,
    ports::{Job, JobSpec, Jobs},
    stack::{STACK_LABEL, StackName},
};

/// The label by which pods name their Job.
const JOB_NAME_LABEL: &str = "job-name";
/// How often one creation is tried.
const ATTEMPTS: u32 = 6;
/// The first pause before trying again; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(250);
/// Letters that the API server adds to `generateName`, and how many.
const SUFFIX_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX: usize = 5;
/// The longest prefix of a generated name that the API server keeps.
const LONGEST_PREFIX: usize = 58;

/// Whether Jobs name their ScaledJob as their owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// They do, as KEDA's.
    Named,
    /// They do not: the ScaledJob is no object of the cluster, whose garbage collector would delete its Jobs at once.
    LeftOut,
}

/// The Jobs of one stack in one namespace.
#[derive(Clone)]
pub struct KubeJobs {
    workload: Workload,
    stack: StackName,
    owners: Owners,
}

impl KubeJobs {
    /// The Jobs of `stack` in `namespace` of `cluster`.
    #[must_use]
    pub fn new(cluster: &Cluster, namespace: &str, stack: &StackName, owners: Owners) -> Self {
        Self { workload: Workload { client: cluster.client(), namespace: namespace.to_owned() }, stack: stack.clone(), owners }
    }

    /// Jobs that `selector` selects, joined with `pods` as KEDA joins them.
    async fn select(&self, selector: &str, pods: &str) -> Result<Vec<Job>> {
        // Jobs first: a job whose pod is not seen counts as pending, one whose end is not seen as running.
        let jobs = self.workload.list(&self.workload.jobs(), selector).await?;
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let pods = self.workload.list(&self.workload.pods(), pods).await?;
        Ok(joined(jobs.iter(), pods.iter()))
    }

    /// `spec`'s Job under a name of its own, as the API server would have named it.
    fn named(&self, spec: &JobSpec) -> (String, Value) {
        let mut manifest = spec.manifest.clone();
        let prefix = manifest["metadata"]["generateName"].as_str().unwrap_or_default();
        let end = (0..=prefix.len().min(LONGEST_PREFIX)).rev().find(|end| prefix.is_char_boundary(*end)).unwrap_or(0);
        let name = format!("{}{}", &prefix[..end], suffix());
        manifest["metadata"]["name"] = name.as_str().into();
        if self.owners == Owners::LeftOut
            && let Some(metadata) = manifest["metadata"].as_object_mut()
        {
            metadata.remove("ownerReferences");
        }
        (name, manifest)
    }

    async fn post(&self, manifest: &Value) -> Result<(), kube::Error> {
        let body = serde_json::to_vec(manifest).map_err(kube::Error::SerdeError)?;
        let request = self.workload.jobs().create(&PostParams::default(), body).map_err(kube::Error::BuildRequest)?;
        self.workload.client.request::<Value>(request).await.map(|_| ())
    }
}

#[async_trait]
impl Jobs for KubeJobs {
    async fn all(&self) -> Result<Vec<Job>> {
        self.select(&format!("{STACK_LABEL}={}", self.stack), JOB_NAME_LABEL).await
    }

    async fn list(&self, scaled_job: &str) -> Result<Vec<Job>> {
        let selector = format!("{SCALED_JOB_LABEL}={scaled_job}");
        self.select(&selector, &selector).await
    }

    /// The name is chosen here, in the way in which the API server completes `generateName`. So a creation whose answer
    /// was lost can be asked for again: if it was done, its name is taken.
    async fn create(&self, spec: &JobSpec) -> Result<String> {
        let what = || format!("could not create a Job of `{}`", spec.scaled_job);
        let (mut name, mut manifest) = self.named(spec);
        let mut uncertain = false;
        let mut attempt = 1;
        loop {
            let error = match self.post(&manifest).await {
                Ok(()) => return Ok(name),
                Err(error) => error,
            };
            match &error {
                kube::Error::Api(status) if status.code == 409 && status.reason == "AlreadyExists" => {
                    if uncertain {
                        return Ok(name);
                    }
                    (name, manifest) = self.named(spec);
                }
                kube::Error::Api(status) if status.code == 429 => {}
                _ => uncertain = true,
            }
            let error = fault(what(), &error);
            if attempt == ATTEMPTS || !(error.is_passing() || error.code.as_deref() == Some("AlreadyExists")) {
                return Err(error);
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
            attempt += 1;
        }
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.delete_with(name, Propagation::Background).await
    }

    async fn delete_with(&self, name: &str, propagation: Propagation) -> Result<()> {
        let what = || format!("could not delete Job `{name}`");
        let params = match propagation {
            Propagation::Background => DeleteParams::background(),
            Propagation::Foreground => DeleteParams::foreground(),
        };
        let request = self.workload.jobs().delete(name, &params).map_err(|error| fault(what(), &kube::Error::BuildRequest(error)))?;
        match self.workload.client.request::<Value>(request).await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(fault(what(), &error)),
        }
    }

    async fn find(&self, name: &str) -> Result<Option<Job>> {
        let what = || format!("could not read Job `{name}`");
        let request = self.workload.jobs().get(name, &GetParams::default());
        let request = request.map_err(|error| fault(what(), &kube::Error::BuildRequest(error)))?;
        let job = match self.workload.client.request::<Value>(request).await {
            Ok(job) => job,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(fault(what(), &error)),
        };
        let pods = self.workload.list(&self.workload.pods(), &format!("{JOB_NAME_LABEL}={name}")).await?;
        Ok(Some(read(&job, &pods)))
    }

    fn lines(&self, name: &str) -> BoxStream<'static, Result<String>> {
        self.workload.clone().lines(Which::Labelled(format!("{JOB_NAME_LABEL}={name}")))
    }

    async fn records(&self, name: &str) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for pod in self.workload.list(&self.workload.pods(), &format!("{JOB_NAME_LABEL}={name}")).await? {
            let Some(pod) = pod["metadata"]["name"].as_str() else { continue };
            events.extend(log::events(&self.workload.log(pod).await?, name));
        }
        Ok(events)
    }
}

fn name_of(job: &Value) -> &str {
    job["metadata"]["name"].as_str().unwrap_or_default()
}

/// Jobs with their pods, oldest first. Pods belong to the Job that their label names.
pub(super) fn joined<'a>(jobs: impl Iterator<Item = &'a Value>, pods: impl Iterator<Item = &'a Value>) -> Vec<Job> {
    let mut by_job: HashMap<&str, Vec<Value>> = HashMap::new();
    for pod in pods {
        if let Some(job) = pod["metadata"]["labels"][JOB_NAME_LABEL].as_str() {
            by_job.entry(job).or_default().push(pod.clone());
        }
    }
    let mut jobs: Vec<Job> = jobs.map(|job| read(job, by_job.get(name_of(job)).map_or(&[], Vec::as_slice))).collect();
    jobs.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
    jobs
}

fn read(job: &Value, pods: &[Value]) -> Job {
    let view = JobView::from_values(job, pods);
    let runs = || view.pods.iter().any(|pod| pod.phase == "Running" || pod.phase == "Succeeded");
    let state = match view.end() {
        Some(End::Complete) => JobState::Complete,
        Some(End::Failed) => JobState::Failed,
        None if runs() => JobState::Running,
        None => JobState::Pending,
    };
    let reason = (state == JobState::Failed).then(|| if pods.iter().any(was_killed) { "killed" } else { "failed" }.to_owned());
    Job {
        name: view.name.clone(),
        scaled_job: job["metadata"]["labels"][SCALED_JOB_LABEL].as_str().unwrap_or_default().to_owned(),
        generation: view.generation.as_deref().and_then(|text| text.parse().ok()),
        state,
        reason,
        created_at: view.created_at.unwrap_or(Timestamp::UNIX_EPOCH),
        completed_at: view.completed_at,
        message_id: None,
        view: Some(Box::new(view)),
    }
}

/// Whether a container of `pod` was ended by a signal, as its exit code says (128 and the signal's number).
fn was_killed(pod: &Value) -> bool {
    let containers = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    containers.into_iter().any(|container| container["state"]["terminated"]["exitCode"].as_i64().is_some_and(|code| code > 128))
}

fn suffix() -> String {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    bytes.iter().take(SUFFIX).map(|byte| char::from(SUFFIX_LETTERS[usize::from(*byte) % SUFFIX_LETTERS.len()])).collect()
}

#[cfg(test)]
mod tests;
