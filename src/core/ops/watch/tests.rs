//! The loop against a world in memory, on a clock that only the loop moves.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::core::{
    error::{Error, Kind},
    event::{Depth, Event, JobState},
    keda::decision::{Parts, TriggerReading},
    ports::{Asked, Held, Job, JobSpec, Metric},
};

/// Everything a watch touches.
#[derive(Default)]
pub(super) struct World {
    pub(super) scaled_job: Mutex<Value>,
    pub(super) depth: Mutex<Depth>,
    pub(super) faults: Mutex<VecDeque<&'static str>>,
    reads: Mutex<u32>,
    /// What a trigger without a queue reads.
    shards: Mutex<f64>,
    pub(super) jobs: Mutex<Vec<Job>>,
    deleted: Mutex<Vec<String>>,
    pub(super) holder: Mutex<Option<String>>,
    /// Set when the lease could not be renewed.
    lapsed: Arc<AtomicBool>,
    /// Called at each creation with the number of jobs.
    creating: Mutex<Option<Creating>>,
    /// What listing the jobs meets first.
    list_faults: Mutex<VecDeque<Kind>>,
    pub(super) events: Mutex<Vec<Event>>,
    /// Called at each look at the jobs or the target: the world moves on.
    pub(super) step: Mutex<Option<Step>>,
    /// Replicas that the target of a ScaledObject wants, and has at once; nothing where there is no target.
    pub(super) replicas: Mutex<Option<i32>>,
}

type Creating = Box<dyn FnMut(usize) + Send>;
pub(super) type Step = Box<dyn FnMut(&World) + Send>;

fn scaled_job(spec: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledJob",
        "metadata": { "name": "video", "generation": 1 },
        "spec": {
            "pollingInterval": 10,
            "maxReplicaCount": 100,
            "jobTargetRef": { "template": { "spec": { "containers": [{ "name": "c", "env": [{ "name": "A", "value": "b" }] }] } } },
            "triggers": [{ "type": "aws-sqs-queue", "metadata": { "queueURL": "q", "queueLength": "1", "awsRegion": "us-east-1" } }]
        }
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        object["spec"][key] = value.clone();
    }
    object
}

pub(super) fn world(visible: i64, spec: &Value) -> Arc<World> {
    let world = World { scaled_job: Mutex::new(scaled_job(spec)), ..World::default() };
    world.depth.lock().expect("lock").visible = visible;
    Arc::new(world)
}

pub(super) fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().expect("no test panics while it holds a lock")
}

impl World {
    /// Every running job ends well and takes its message along.
    fn finish_all(&self) {
        for job in lock(&self.jobs).iter_mut().filter(|job| !job.state.is_finished()) {
            job.state = JobState::Complete;
            job.reason = Some("done".into());
            job.completed_at = Some(job.created_at);
            let mut depth = lock(&self.depth);
            depth.visible = (depth.visible - 1).max(0);
        }
    }

    fn move_on(&self) {
        let step = lock(&self.step).take();
        if let Some(mut step) = step {
            step(self);
            lock(&self.step).get_or_insert(step);
        }
    }

    pub(super) fn told(&self, wanted: impl Fn(&What) -> bool) -> usize {
        lock(&self.events).iter().filter(|event| wanted(&event.what)).count()
    }

    pub(super) fn job(name: &str, state: JobState, generation: i64) -> Job {
        Job {
            name: name.into(),
            scaled_job: "video".into(),
            generation: Some(generation),
            state,
            reason: None,
            created_at: Timestamp::UNIX_EPOCH,
            completed_at: None,
            message_id: None,
            view: None,
        }
    }
}

impl Reporter for World {
    fn report(&self, event: &Event) {
        lock(&self.events).push(event.clone());
    }
}

#[async_trait]
impl Objects for World {
    async fn get(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        if kind == "Deployment" {
            let pod = json!({ "containers": [{ "name": "c", "env": [{ "name": "A", "value": "b" }] }] });
            return Ok(lock(&self.replicas).map(|replicas| json!({ "spec": { "replicas": replicas, "template": { "spec": pod } } })));
        }
        let object = lock(&self.scaled_job).clone();
        Ok((object["metadata"]["name"] == name).then_some(object))
    }
    async fn list(&self, _kind: &str) -> Result<Vec<Value>> {
        Ok(Vec::new())
    }
    async fn apply(&self, manifest: &Value) -> Result<()> {
        *lock(&self.scaled_job) = manifest.clone();
        Ok(())
    }
    async fn delete(&self, _kind: &str, _name: &str) -> Result<()> {
        Ok(())
    }
    async fn patch_status(&self, _kind: &str, _name: &str, patch: &Value) -> Result<()> {
        lock(&self.scaled_job)["status"] = patch.clone();
        Ok(())
    }
}

#[async_trait]
impl Jobs for World {
    async fn all(&self) -> Result<Vec<Job>> {
        if let Some(kind) = lock(&self.list_faults).pop_front() {
            return Err(Error::new(kind, "could not list jobs", "a bad day"));
        }
        self.move_on();
        Ok(lock(&self.jobs).clone())
    }
    async fn create(&self, spec: &JobSpec) -> Result<String> {
        let mut jobs = lock(&self.jobs);
        if let Some(creating) = &mut *lock(&self.creating) {
            creating(jobs.len());
        }
        let name = format!("video-{}", jobs.len());
        jobs.push(Self::job(&name, JobState::Running, spec.generation));
        Ok(name)
    }
    async fn delete(&self, name: &str) -> Result<()> {
        lock(&self.jobs).retain(|job| job.name != name);
        lock(&self.deleted).push(name.to_owned());
        Ok(())
    }
}

#[async_trait]
impl Lease for World {
    async fn claim(&self) -> Result<Claim> {
        Ok(match lock(&self.holder).clone() {
            Some(other) => Claim::HeldBy(other),
            None => Claim::Held(Box::new(Mine(self.lapsed.clone()))),
        })
    }
    async fn holder(&self) -> Result<Option<String>> {
        Ok(lock(&self.holder).clone())
    }
}

struct Mine(Arc<AtomicBool>);

#[async_trait]
impl Held for Mine {
    fn is_held(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }
    async fn release(self: Box<Self>) {}
}

pub(super) struct Source(pub(super) Arc<World>);

#[async_trait]
impl Scalers for Source {
    async fn build(&self, asked: Asked<'_>) -> Result<Option<Arc<dyn Metric>>> {
        let Asked { trigger, env, .. } = asked;
        assert!(asked.pod["containers"].is_array(), "the pod's spec reaches the trigger");
        assert_eq!(env.get("A").map(String::as_str), Some("b"), "the container's environment reaches the trigger");
        match trigger.metadata.get("queueURL").map(String::as_str) {
            Some("wrong") => return Err(Error::input("queueURL", "wrong", "no queue's name")),
            Some("broken") => return Err(Error::failed("could not read the Secret", "no such key")),
            _ => {}
        }
        if trigger.is_resource() {
            return Ok(None);
        }
        if trigger.kind != "aws-sqs-queue" {
            return Ok(Some(Arc::new(Shards(self.0.clone()))));
        }
        Ok(Some(Arc::new(Self(self.0.clone()))))
    }
}

/// A trigger that has no queue.
struct Shards(Arc<World>);

#[async_trait]
impl Metric for Shards {
    fn name(&self) -> &'static str {
        "s0-shards"
    }
    fn target(&self) -> f64 {
        1.0
    }
    async fn read(&self) -> Result<TriggerReading> {
        let value = *lock(&self.0.shards);
        let active = value > 0.0;
        Ok(TriggerReading {
            metric: "s0-shards".into(),
            value,
            target: 1.0,
            active,
            activation: Some(0.0),
            parts: None,
            counted: None,
            error: None,
        })
    }
}

#[async_trait]
impl Metric for Source {
    fn name(&self) -> &'static str {
        "s0-aws-sqs-q"
    }
    fn target(&self) -> f64 {
        1.0
    }
    async fn read(&self) -> Result<TriggerReading> {
        *lock(&self.0.reads) += 1;
        if let Some(fault) = lock(&self.0.faults).pop_front() {
            return Err(Error::failed("could not read the queue", fault));
        }
        let depth = *lock(&self.0.depth);
        let parts = Parts { visible: depth.visible, in_flight: Some(depth.in_flight), delayed: None };
        let value = num(parts.sum());
        Ok(TriggerReading {
            metric: "s0-aws-sqs-q".into(),
            value,
            target: 1.0,
            active: value > 0.0,
            activation: Some(0.0),
            parts: Some(parts),
            counted: None,
            error: None,
        })
    }
    async fn depth(&self) -> Result<Option<Depth>> {
        Ok(Some(*lock(&self.0.depth)))
    }
}

fn num(value: i64) -> f64 {
    i32::try_from(value).map(f64::from).expect("small")
}

pub(super) fn how(until: Until) -> Watching {
    Watching {
        kind: ScalingKind::ScaledJob,
        object: "video".into(),
        pace: 1.0,
        until,
        lasts: None,
        refresh: Duration::from_secs(1),
        first: None,
    }
}

async fn run(world: &Arc<World>, until: Until, cancel: &CancellationToken) -> Result<Watched> {
    run_as(world, &how(until), cancel).await
}

pub(super) async fn run_as(world: &Arc<World>, how: &Watching, cancel: &CancellationToken) -> Result<Watched> {
    let scalers = Source(world.clone());
    let ports = Ports { objects: &**world, jobs: &**world, workloads: &**world, lease: &**world, scalers: &scalers, reporter: &**world };
    watch(ports, how, cancel).await
}

async fn run_for(world: &Arc<World>, seconds: u64) -> Watched {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        stop.cancel();
    });
    run(world, Until::Cancelled, &cancel).await.expect("watched")
}

fn polls(world: &World) -> usize {
    world.told(|what| matches!(what, What::Polled { .. }))
}

fn created(world: &World) -> usize {
    world.told(|what| matches!(what, What::JobCreated { .. }))
}

#[tokio::test(start_paused = true)]
async fn ten_messages_make_ten_jobs_at_the_first_poll_and_the_watch_ends_drained() {
    let world = world(10, &json!({}));
    let mut looks = 0;
    *lock(&world.step) = Some(Box::new(move |world| {
        looks += 1;
        if looks == 6 {
            world.finish_all();
        }
    }));
    let watched = run(&world, Until::Drained, &CancellationToken::new()).await.expect("watched");
    assert_eq!(watched.end, End::Drained);
    assert_eq!((watched.done, created(&world), polls(&world)), (10, 10, 1));
    assert!(watched.seconds < 10.0, "drained is seen between polls");
}

#[tokio::test(start_paused = true)]
async fn polls_come_at_once_and_then_every_interval() {
    let world = world(0, &json!({}));
    run_for(&world, 25).await;
    assert_eq!(polls(&world), 3);
}

#[tokio::test(start_paused = true)]
async fn a_missing_scaled_job_says_what_to_run() {
    let world = world(0, &json!({}));
    lock(&world.scaled_job)["metadata"]["name"] = json!("other");
    let error = run(&world, Until::Drained, &CancellationToken::new()).await.expect_err("missing");
    assert!(error.hint.expect("hint").contains("kedactl setup"));
}

#[tokio::test(start_paused = true)]
async fn a_scaled_job_that_is_deleted_is_scaled_no_more() {
    let world = world(0, &json!({}));
    let mut looks = 0;
    *lock(&world.step) = Some(Box::new(move |world| {
        looks += 1;
        if looks == 4 {
            lock(&world.scaled_job)["metadata"]["name"] = json!("other");
        }
    }));
    let cancel = CancellationToken::new();
    let watching = run(&world, Until::Cancelled, &cancel);
    let error = tokio::time::timeout(Duration::from_mins(1), watching).await.expect("it ends").expect_err("it is gone");
    assert_eq!((error.kind, polls(&world)), (Kind::NotFound, 1));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_hold_the_lease_only_looks_and_takes_over_when_it_lapses() {
    let world = world(4, &json!({}));
    *lock(&world.holder) = Some("process 7".into());
    run_for(&world, 30).await;
    assert_eq!((polls(&world), created(&world)), (0, 0));
    assert_eq!(world.told(|what| matches!(what, What::Lease { held: false, .. })), 1);
    *lock(&world.holder) = None;
    run_for(&world, 5).await;
    assert_eq!(created(&world), 4);
}

mod changes;
mod target;
mod triggers;
