//! What teardown does to a list of resources and jobs, whatever they are.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

use crate::core::{
    event::{Event, JobState},
    plan::Fate,
    ports::{Job, JobSpec, Replica, Scale, ScaleTarget, Tagged},
};

/// What happened, in order.
type Log = Arc<Mutex<Vec<String>>>;

struct Thing {
    name: &'static str,
    scope: Scope,
    observed: Mutex<Observed>,
    is_stuck: bool,
    log: Log,
}

#[async_trait]
impl Resource for Thing {
    fn id(&self) -> ResourceId {
        ResourceId::new("thing", self.name)
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn replaces(&self) -> Vec<String> {
        Vec::new()
    }

    async fn observe(&self) -> Result<Observed> {
        Ok(self.observed.lock().expect("lock").clone())
    }

    async fn apply(&self) -> Result<()> {
        Ok(())
    }

    async fn delete(&self) -> Result<()> {
        if self.is_stuck {
            return Err(Error::failed("could not delete", self.name));
        }
        self.log.lock().expect("lock").push(format!("delete {}", self.name));
        *self.observed.lock().expect("lock") = Observed::Absent;
        Ok(())
    }
}

struct OneJob {
    names: Mutex<Vec<String>>,
    log: Log,
}

#[async_trait]
impl Jobs for OneJob {
    async fn all(&self) -> Result<Vec<Job>> {
        let job = |name: &String| Job {
            name: name.clone(),
            scaled_job: "sj".to_owned(),
            generation: None,
            state: JobState::Running,
            reason: None,
            created_at: Timestamp::UNIX_EPOCH,
            completed_at: None,
            message_id: None,
            view: None,
        };
        Ok(self.names.lock().expect("lock").iter().map(job).collect())
    }

    async fn create(&self, _spec: &JobSpec) -> Result<String> {
        Err(Error::failed("no", "no"))
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.log.lock().expect("lock").push(format!("stop {name}"));
        self.names.lock().expect("lock").retain(|one| one != name);
        Ok(())
    }
}

/// Replicas of a Deployment that is gone: each look after them ends one.
#[derive(Default)]
struct Replicas {
    names: Mutex<Vec<String>>,
    log: Log,
}

#[async_trait]
impl Workloads for Replicas {
    async fn scale(&self, _target: &ScaleTarget) -> Result<Option<Scale>> {
        Ok(None)
    }

    async fn set_replicas(&self, _target: &ScaleTarget, _replicas: i32) -> Result<()> {
        Err(Error::failed("no", "no"))
    }

    async fn replicas(&self, _target: &ScaleTarget) -> Result<Vec<Replica>> {
        self.all().await
    }

    async fn keep(&self) -> Result<()> {
        let ended = self.names.lock().expect("lock").pop();
        self.log.lock().expect("lock").extend(ended.map(|name| format!("end {name}")));
        Ok(())
    }

    async fn all(&self) -> Result<Vec<Replica>> {
        let replica = |name: &String| Replica {
            name: name.clone(),
            is_ready: true,
            is_ending: true,
            created_at: Timestamp::UNIX_EPOCH,
            message_id: None,
        };
        Ok(self.names.lock().expect("lock").iter().map(replica).collect())
    }
}

struct Silent;

impl Reporter for Silent {
    fn report(&self, _event: &Event) {}
}

/// A store of `ScaledJob` objects.
#[derive(Default)]
struct ScaledJobs {
    objects: Mutex<Vec<Value>>,
    log: Log,
}

#[async_trait]
impl Objects for ScaledJobs {
    async fn get(&self, _kind: &str, name: &str) -> Result<Option<Value>> {
        Ok(self.objects.lock().expect("lock").iter().find(|object| object["metadata"]["name"] == name).cloned())
    }

    async fn list(&self, kind: &str) -> Result<Vec<Value>> {
        Ok(self.objects.lock().expect("lock").iter().filter(|object| object["kind"] == kind).cloned().collect())
    }

    async fn apply(&self, manifest: &Value) -> Result<()> {
        self.objects.lock().expect("lock").push(manifest.clone());
        Ok(())
    }

    /// An object with finalizers stays.
    async fn delete(&self, _kind: &str, name: &str) -> Result<()> {
        self.log.lock().expect("lock").push(format!("delete ScaledJob {name}"));
        self.objects.lock().expect("lock").retain(|one| one["metadata"]["name"] != name || !one["metadata"]["finalizers"].is_null());
        Ok(())
    }
}

/// Finds what it was told to find.
#[derive(Default)]
struct Found(Sweep);

#[async_trait]
impl Census for Found {
    async fn sweep(&self) -> Result<Sweep> {
        Ok(self.0.clone())
    }
}

struct World {
    log: Log,
    resources: Vec<Box<dyn Resource>>,
    jobs: OneJob,
    workloads: Replicas,
    objects: ScaledJobs,
    census: Found,
    stack: StackName,
}

impl World {
    /// A shared thing, a queue and a ScaledJob, in the order of setup, and one running job.
    fn new(stuck: Option<&str>) -> Self {
        let log = Log::default();
        let thing = |name, scope| -> Box<dyn Resource> {
            Box::new(Thing { name, scope, observed: Mutex::new(Observed::Ready), is_stuck: stuck == Some(name), log: log.clone() })
        };
        let resources = vec![thing("provider", Scope::Shared), thing("queue", Scope::Stack), thing("scaledjob", Scope::Stack)];
        let jobs = OneJob { names: Mutex::new(vec!["job-1".into()]), log: log.clone() };
        let objects = ScaledJobs { objects: Mutex::default(), log: log.clone() };
        let workloads = Replicas { log: log.clone(), ..Replicas::default() };
        Self { log, resources, jobs, workloads, objects, census: Found::default(), stack: StackName::default() }
    }

    fn stage(&self, shared: Shared) -> Stage<'_> {
        Stage {
            stack: &self.stack,
            resources: &self.resources,
            jobs: &self.jobs,
            workloads: &self.workloads,
            objects: &self.objects,
            census: &self.census,
            target: Target::Local,
            shared,
        }
    }

    async fn tear_down(&self, shared: Shared) -> Outcome {
        let stage = self.stage(shared);
        let plan = plan(stage).await.expect("planned");
        carry_out(stage, plan, &Silent, &CancellationToken::new()).await.expect("carried out")
    }
}

#[tokio::test]
async fn the_scaledjob_goes_first_then_the_jobs_then_the_rest() {
    let world = World::new(None);
    let outcome = world.tear_down(Shared::KEEP).await;
    assert_eq!(*world.log.lock().expect("lock"), ["delete scaledjob", "stop job-1", "delete queue"]);
    assert!(outcome.is_clean());
    assert_eq!((outcome.deleted, outcome.jobs, outcome.kinds_checked), (2, 1, 2));
    assert_eq!(outcome.shared, [ResourceId::new("thing", "provider")]);
}

#[tokio::test]
async fn what_is_shared_goes_only_when_asked() {
    let world = World::new(None);
    let outcome = world.tear_down(Shared::DELETE).await;
    assert_eq!((outcome.deleted, outcome.shared.len()), (3, 0));
}

#[tokio::test]
async fn keda_stays_unless_it_is_named_and_is_not_left_behind_then() {
    let mut world = World::new(None);
    let log = world.log.clone();
    let keda = Thing { name: "keda", scope: Scope::Controller, observed: Mutex::new(Observed::Ready), is_stuck: false, log };
    world.resources.insert(0, Box::new(keda));
    let outcome = world.tear_down(Shared { common: Fate::Delete, ..Shared::KEEP }).await;
    assert_eq!(outcome.controllers, [ResourceId::new("thing", "keda")]);
    assert!(outcome.is_clean() && outcome.shared.is_empty());
    let outcome = world.tear_down(Shared { controller: Fate::Delete, ..Shared::KEEP }).await;
    assert_eq!((outcome.deleted, outcome.controllers.len()), (1, 0));
}

#[tokio::test]
async fn a_second_run_finds_nothing_to_do() {
    let world = World::new(None);
    world.tear_down(Shared::DELETE).await;
    let outcome = world.tear_down(Shared::DELETE).await;
    assert_eq!((outcome.deleted, outcome.jobs, outcome.is_clean()), (0, 0, true));
}

#[tokio::test]
async fn a_step_that_fails_does_not_stop_the_others_and_is_named_as_left() {
    let world = World::new(Some("scaledjob"));
    let outcome = world.tear_down(Shared::KEEP).await;
    assert!(!outcome.is_clean());
    assert_eq!(outcome.left, [ResourceId::new("thing", "scaledjob")]);
    assert_eq!(outcome.deleted, 1);
    assert_eq!(outcome.faults, ["could not delete: scaledjob"]);
}

#[tokio::test]
async fn an_interrupt_leaves_the_rest_for_the_next_run() {
    let world = World::new(None);
    let stage = world.stage(Shared::KEEP);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let plan = plan(stage).await.expect("planned");
    let error = carry_out(stage, plan, &Silent, &cancel).await.expect_err("interrupted");
    assert_eq!(error.exit_code(), 130);
    assert!(world.tear_down(Shared::KEEP).await.is_clean());
}

fn scaled_job(name: &str, labels: &Value, finalizers: &Value) -> Value {
    json!({"kind": "ScaledJob", "metadata": {"name": name, "namespace": "video", "labels": labels, "finalizers": finalizers}})
}

#[tokio::test]
async fn every_scaled_job_of_the_stack_goes_before_the_jobs_and_others_stay_on_a_cluster() {
    let mut world = World::new(None);
    let ours = json!({"app.kubernetes.io/managed-by": "kedactl", "kedactl.dev/stack": "demo"});
    let theirs = json!({"app.kubernetes.io/managed-by": "kedactl", "kedactl.dev/stack": "other"});
    *world.objects.objects.get_mut().expect("lock") =
        vec![scaled_job("another", &ours, &Value::Null), scaled_job("theirs", &theirs, &Value::Null)];
    let stage = Stage { target: Target::Eks, ..world.stage(Shared::KEEP) };
    let outcome = carry_out(stage, plan(stage).await.expect("planned"), &Silent, &CancellationToken::new()).await.expect("carried out");
    assert_eq!(world.log.lock().expect("lock")[..3], ["delete ScaledJob another", "delete scaledjob", "stop job-1"]);
    assert_eq!((outcome.deleted, world.objects.list("ScaledJob").await.expect("listed").len()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn replicas_end_after_all_that_could_start_them_is_gone_and_are_waited_for() {
    let mut world = World::new(None);
    *world.workloads.names.get_mut().expect("lock") = ["a", "b", "c"].map(str::to_owned).to_vec();
    let outcome = world.tear_down(Shared::KEEP).await;
    let log = world.log.lock().expect("lock");
    assert_eq!(log[log.len() - 4..], ["delete queue", "end c", "end b", "end a"]);
    assert_eq!((outcome.replicas, outcome.is_clean()), (2, true));
}

#[tokio::test(start_paused = true)]
async fn finalizers_that_block_are_named_with_the_way_out() {
    let mut world = World::new(None);
    let ours = json!({"app.kubernetes.io/managed-by": "kedactl", "kedactl.dev/stack": "demo"});
    *world.objects.objects.get_mut().expect("lock") = vec![scaled_job("stuck", &ours, &json!(["finalizer.keda.sh"]))];
    let outcome = world.tear_down(Shared::KEEP).await;
    let [fault] = outcome.faults.as_slice() else { panic!("{:?}", outcome.faults) };
    assert!(fault.contains("finalizer.keda.sh") && fault.contains("kubectl patch ScaledJob stuck --namespace video"), "{fault}");
}

#[tokio::test]
async fn what_bears_the_stacks_tag_is_left_whatever_it_is_called() {
    let tagged = |name: &str, stack: &str| Tagged {
        id: ResourceId::new("sqs queue", name),
        stack: stack.to_owned(),
        namespace: None,
        expires_at: None,
    };
    let found = vec![tagged("old-queue", "demo"), tagged("theirs", "other")];
    let sweep = Sweep { kinds: vec!["sqs queue"], found, unread: vec!["iam user: not allowed".into()] };
    let world = World { census: Found(sweep), ..World::new(None) };
    let outcome = world.tear_down(Shared::KEEP).await;
    assert_eq!(outcome.left, [ResourceId::new("sqs queue", "old-queue")]);
    assert_eq!((outcome.kinds_checked, outcome.unchecked.len()), (3, 1));
}
