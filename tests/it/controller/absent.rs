//! A cluster without KEDA's kinds, scaled in process: the objects are files, the Jobs are the cluster's.

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::Job;
use kube::api::{Api, ListParams, Patch, PatchParams};

use super::*;

/// Plays the pods: takes every message away, and says that every Job is complete.
async fn complete(own: &Own, url: &str) -> BTreeSet<String> {
    use kedactl::backend::aws::config::{Wire, administrator, configure};
    let sdk = configure(&Wire::network(Some(url.to_owned())), "us-east-1", Some(administrator()));
    let queues = aws_sdk_sqs::Client::new(&sdk);
    for queue in queues.list_queues().send().await.expect("listed").queue_urls() {
        queues.purge_queue().queue_url(queue).send().await.expect("purged");
    }
    let jobs: Api<Job> = Api::namespaced(own.cluster().await.client(), "default");
    let now = jiff::Timestamp::now().to_string();
    let done = json!({ "status": { "succeeded": 1, "startTime": now, "completionTime": now,
        "conditions": [{ "type": "Complete", "status": "True", "lastTransitionTime": now }] } });
    let mut names = BTreeSet::new();
    for job in jobs.list(&ListParams::default()).await.expect("listed").items {
        assert_eq!(job.metadata.owner_references, None, "the garbage collector would take it away");
        let name = job.metadata.name.expect("a name");
        jobs.patch_status(&name, &PatchParams::default(), &Patch::Merge(&done)).await.expect("said");
        names.insert(name);
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn without_kedas_kinds_the_whole_demo_is_scaled_from_files() {
    let Some(own) = Own::plain() else { return };
    let aws = Stack::new();
    let server = Server::start(&aws);
    let stack = own.stack(&server.url).with("KEDACTL_IMAGE", "localhost/none:1").with("KEDACTL_POLLING_INTERVAL", "5");
    let mut setup = stack.spawn(["setup", "--controller", "in-process", "--yes"]);
    wait_until("setup is done", || {
        available_in(&own, "default");
        setup.has_ended()
    });
    let done = setup.wait();
    assert_eq!(done.code, Some(0), "{done}");
    stack.ok(["produce", "--count", "3"]);
    let mut watch = stack.spawn(["watch", "--scaler", "in-process", "--output", "json"]);
    let created = |text: &str| text.lines().filter(|line| line.contains(r#""event":"job-created""#)).count();
    wait_until("three jobs are made", || created(&watch.stdout()) == 3);
    assert_eq!(own.kubectl(&["get", "crd", "--output", "name"]), "");
    assert_eq!(complete(&own, &server.url).await.len(), 3);
    wait_until("the watch ends", || watch.has_ended());
    let watched = watch.wait();
    assert_eq!((watched.code, created(&watched.stdout)), (Some(0), 3), "{watched}");
    assert!(stack.stack_dir().join("objects").exists(), "the ScaledJob is a file");
    let torn = stack.ok(["teardown", "--yes"]);
    assert!(torn.stdout.contains("0 left"), "{torn}");
    assert_eq!(own.kubectl(&["get", "jobs,deployments,leases", "--namespace", "default", "--output", "name"]), "");
    assert!(!stack.stack_dir().exists());
}
