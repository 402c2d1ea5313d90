//! What teardown does to a list of resources and jobs, whatever they are.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;

use super::*;
use crate::core::{
    event::{Event, JobState},
    ports::{Job, JobSpec},
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

struct Silent;

impl Reporter for Silent {
    fn report(&self, _event: &Event) {}
}

struct World {
    log: Log,
    resources: Vec<Box<dyn Resource>>,
    jobs: OneJob,
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
        Self { log, resources, jobs, stack: StackName::default() }
    }

    async fn tear_down(&self, shared: Shared) -> Outcome {
        let stage = Stage { stack: &self.stack, resources: &self.resources, jobs: &self.jobs, scaled_job: "sj", shared };
        let plan = plan(stage).await.expect("planned");
        carry_out(stage, plan, &Silent, &CancellationToken::new()).await.expect("carried out")
    }
}

#[tokio::test]
async fn the_scaledjob_goes_first_then_the_jobs_then_the_rest() {
    let world = World::new(None);
    let outcome = world.tear_down(Shared::Keep).await;
    assert_eq!(*world.log.lock().expect("lock"), ["delete scaledjob", "stop job-1", "delete queue"]);
    assert!(outcome.is_clean());
    assert_eq!((outcome.deleted, outcome.jobs, outcome.kinds_checked), (2, 1, 2));
    assert_eq!(outcome.shared, [ResourceId::new("thing", "provider")]);
}

#[tokio::test]
async fn what_is_shared_goes_only_when_asked() {
    let world = World::new(None);
    let outcome = world.tear_down(Shared::Delete).await;
    assert_eq!((outcome.deleted, outcome.shared.len()), (3, 0));
}

#[tokio::test]
async fn a_second_run_finds_nothing_to_do() {
    let world = World::new(None);
    world.tear_down(Shared::Delete).await;
    let outcome = world.tear_down(Shared::Delete).await;
    assert_eq!((outcome.deleted, outcome.jobs, outcome.is_clean()), (0, 0, true));
}

#[tokio::test]
async fn a_step_that_fails_does_not_stop_the_others_and_is_named_as_left() {
    let world = World::new(Some("scaledjob"));
    let outcome = world.tear_down(Shared::Keep).await;
    assert!(!outcome.is_clean());
    assert_eq!(outcome.left, [ResourceId::new("thing", "scaledjob")]);
    assert_eq!(outcome.deleted, 1);
    assert_eq!(outcome.faults, ["could not delete: scaledjob"]);
}

#[tokio::test]
async fn an_interrupt_leaves_the_rest_for_the_next_run() {
    let world = World::new(None);
    let stage = Stage { stack: &world.stack, resources: &world.resources, jobs: &world.jobs, scaled_job: "sj", shared: Shared::Keep };
    let cancel = CancellationToken::new();
    cancel.cancel();
    let plan = plan(stage).await.expect("planned");
    let error = carry_out(stage, plan, &Silent, &cancel).await.expect_err("interrupted");
    assert_eq!(error.exit_code(), 130);
    assert!(world.tear_down(Shared::Keep).await.is_clean());
}
