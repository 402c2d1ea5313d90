//! A manifest as a resource: ready only when it can be used, and never touching what is foreign.

use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::core::{
    ports::Resource,
    settings::{Choices, Key, Origin, Settings},
};

/// A cluster that stores what is applied, with the status it is told to give.
struct Cluster {
    stored: Mutex<Option<Value>>,
    status: Value,
    pods: Vec<Value>,
}

#[async_trait]
impl Objects for Cluster {
    async fn get(&self, _kind: &str, _name: &str) -> Result<Option<Value>> {
        Ok(self.stored.lock().expect("no panic").clone())
    }

    async fn list(&self, _kind: &str) -> Result<Vec<Value>> {
        Ok(self.pods.clone())
    }

    async fn apply(&self, manifest: &Value) -> Result<()> {
        let mut stored = manifest.clone();
        stored["status"] = self.status.clone();
        *self.stored.lock().expect("no panic") = Some(stored);
        Ok(())
    }

    async fn delete(&self, _kind: &str, _name: &str) -> Result<()> {
        *self.stored.lock().expect("no panic") = None;
        Ok(())
    }
}

fn cluster(status: Value) -> Arc<Cluster> {
    Arc::new(Cluster { stored: Mutex::new(None), status, pods: Vec::new() })
}

fn manifest(objects: &Arc<Cluster>, template: Template, controller: &str) -> Manifest {
    let kind = if matches!(template, Template::Deployment | Template::ScaledObject) { "scaled-object" } else { "scaled-job" };
    let chosen =
        [(Key::Kind, kind), (Key::Context, "c"), (Key::Region, "us-east-1"), (Key::Namespace, "video"), (Key::Controller, controller)];
    let chosen: Choices = chosen.into_iter().map(|(key, text)| (key, text.to_owned())).collect();
    let stack = StackName::default();
    let settings = Settings::resolve(stack.clone(), "/s".into(), "123456789012", &[(Origin::Flag, chosen)]).expect("valid");
    Manifest::new(objects.clone(), &stack, template, &Facts::new(&settings, "https://oidc.example/id/A")).expect("an object")
}

fn ready() -> Value {
    json!({"conditions": [{"type": "Ready", "status": "True"}]})
}

#[tokio::test]
async fn a_scaled_job_that_keda_has_not_accepted_is_tried_again() {
    let objects = cluster(json!({}));
    let scaled_job = manifest(&objects, Template::ScaledJob, "existing");
    let error = Resource::apply(&scaled_job).await.expect_err("not ready");
    assert!(error.is_passing() && error.to_string().contains("KEDA has not looked"), "{error}");
    let Observed::Drifted { differences } = scaled_job.observe().await.expect("seen") else { panic!("it is not ready") };
    assert_eq!(differences[0].field, STATUS);
    objects.stored.lock().expect("no panic").as_mut().expect("applied")["status"] = ready();
    assert_eq!(scaled_job.observe().await, Ok(Observed::Ready));
    Resource::apply(&scaled_job).await.expect("ready");
}

#[tokio::test]
async fn without_keda_nobody_is_waited_for() {
    let objects = cluster(json!({}));
    Resource::apply(&manifest(&objects, Template::ScaledJob, "in-process")).await.expect("stored is enough");
}

#[tokio::test]
async fn the_scaler_says_how_many_replicas_there_are_and_setup_leaves_that_as_it_finds_it() {
    let objects = cluster(json!({}));
    let deployment = manifest(&objects, Template::Deployment, "existing");
    Resource::apply(&deployment).await.expect("stored is enough");
    let change = |pointer: &str, value: Value| {
        *objects.stored.lock().expect("no panic").as_mut().and_then(|object| object.pointer_mut(pointer)).expect("there") = value;
    };
    let replicas = || objects.stored.lock().expect("no panic").as_ref().expect("there")["spec"]["replicas"].clone();
    assert_eq!(replicas(), 0);
    change("/spec/replicas", json!(7));
    assert_eq!(deployment.observe().await, Ok(Observed::Ready));
    change("/metadata/labels/app.kubernetes.io~1name", json!("other"));
    Resource::apply(&deployment).await.expect("repaired");
    assert_eq!((deployment.observe().await, replicas()), (Ok(Observed::Ready), json!(7)));
}

#[tokio::test]
async fn a_deployment_whose_image_cannot_be_pulled_says_so() {
    let mut objects = cluster(json!({}));
    let labels = json!({"app": "result-analyzer", STACK_LABEL: "demo"});
    Arc::get_mut(&mut objects).expect("one owner").pods = vec![json!({"metadata": {"name": "p", "labels": labels},
        "status": {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}})];
    let deployment = manifest(&objects, Template::ResultAnalyzer, "existing");
    let error = Resource::apply(&deployment).await.expect_err("not available");
    assert!(error.why.contains("0 of 1 replicas available; pod p: ImagePullBackOff"), "{error}");
    assert!(error.hint.expect("a way out").contains("kubectl describe deployment result-analyzer --namespace video"));
}

#[tokio::test]
async fn a_deployment_that_failed_is_not_tried_again() {
    let objects = cluster(json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]}));
    let error = Resource::apply(&manifest(&objects, Template::ResultAnalyzer, "existing")).await.expect_err("failed");
    assert_eq!((error.kind, error.why.as_str()), (Kind::Failed, "FailedCreate"));
}

#[tokio::test]
async fn a_namespace_of_someone_else_serves_unless_it_is_being_deleted() {
    let objects = cluster(json!({}));
    let namespace = manifest(&objects, Template::Namespace, "existing");
    *objects.stored.lock().expect("no panic") = Some(json!({"kind": "Namespace", "metadata": {"name": "video"}}));
    assert!(matches!(namespace.observe().await, Ok(Observed::Foreign { .. })));
    Resource::apply(&namespace).await.expect("shared");
    objects.stored.lock().expect("no panic").as_mut().expect("there")["status"] = json!({"phase": "Terminating"});
    let error = Resource::apply(&namespace).await.expect_err("it goes away");
    assert!(error.is_passing() && error.why.contains("being deleted"), "{error}");
    let untouched = json!({"kind": "Namespace", "metadata": {"name": "video"}, "status": {"phase": "Terminating"}});
    assert_eq!(*objects.stored.lock().expect("no panic"), Some(untouched));
}
