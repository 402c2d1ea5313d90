//! Kubernetes objects: the same sentences about files on this machine and about a real API server.

use std::{sync::Arc, time::Duration};

use kedactl::{
    backend::{
        kube::{Conflicts, KubeObjects},
        process::FileObjects,
    },
    core::{
        drift::{Extra, differences},
        error::Kind,
        ports::Objects,
    },
};
use serde_json::{Value, json};

use crate::support::{Space, wait_until};

/// One place where objects are kept.
struct Store {
    name: &'static str,
    objects: Arc<dyn Objects>,
    _state: tempfile::TempDir,
    _space: Option<Space>,
}

/// Every store that there is here.
async fn stores() -> Vec<Store> {
    let state = || tempfile::tempdir().expect("the temporary directory is writable");
    let files = state();
    let mut stores = vec![Store { name: "files", objects: Arc::new(FileObjects::new(files.path())), _state: files, _space: None }];
    if let Some(space) = Space::new().await {
        let objects = Arc::new(space.objects().await);
        stores.push(Store { name: "cluster", objects, _state: state(), _space: Some(space) });
    }
    stores
}

fn scaled_job(max: i32) -> Value {
    let container = json!({"name": "c", "image": "busybox", "resources": {"requests": {"cpu": "0.5", "memory": "64Mi"}}});
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [container]}});
    let trigger = json!({"type": "aws-sqs-queue", "metadata": {"queueURL": "q", "queueLength": "1", "awsRegion": "us-east-1"}});
    json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledJob", "metadata": {"name": "video", "labels": {"a": "b"}},
        "spec": {"maxReplicaCount": max, "pollingInterval": 10, "jobTargetRef": {"backoffLimit": 0, "template": template}, "triggers": [trigger]},
    })
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": "v"}})
}

async fn read(store: &Store, kind: &str, name: &str) -> Value {
    let object = store.objects.get(kind, name).await.unwrap_or_else(|error| panic!("{}: {error}", store.name));
    object.unwrap_or_else(|| panic!("{}: {kind} {name} is there", store.name))
}

#[tokio::test]
async fn applying_twice_is_applying_once_and_generation_counts_changes_of_the_spec_only() {
    for store in stores().await {
        let mut labelled = scaled_job(1);
        labelled["metadata"]["labels"]["a"] = json!("c");
        let mut seen = Vec::new();
        for manifest in [scaled_job(1), scaled_job(1), labelled, scaled_job(2)] {
            store.objects.apply(&manifest).await.unwrap_or_else(|error| panic!("{}: {error}", store.name));
            let object = read(&store, "ScaledJob", "video").await;
            assert_eq!(differences(&manifest, &object, Extra::Allowed), [], "{}", store.name);
            seen.push(object["metadata"].clone());
        }
        let generations: Vec<_> = seen.iter().map(|metadata| metadata["generation"].as_i64().expect("counted")).collect();
        assert_eq!(generations, [1, 1, 1, 2], "{}", store.name);
        assert!(seen.iter().all(|metadata| metadata["uid"] == seen[0]["uid"]), "{}: the uid stays", store.name);
        assert!(seen.iter().all(|metadata| metadata["creationTimestamp"] == seen[0]["creationTimestamp"]), "{}", store.name);
    }
}

#[tokio::test]
async fn a_status_is_merged_moves_no_generation_and_outlasts_a_manifest_that_is_applied_again() {
    for store in stores().await {
        let patch = async |patch: Value| store.objects.patch_status("ScaledJob", "video", &patch).await;
        assert_eq!(patch(json!({})).await.expect_err("absent").kind, Kind::NotFound, "{}", store.name);
        store.objects.apply(&scaled_job(1)).await.expect("applied");
        let active = |status: &str| json!([{"type": "Active", "status": status}]);
        patch(json!({"lastActiveTime": "2026-01-17T05:50:45Z", "conditions": active("True")})).await.expect("written");
        patch(json!({"conditions": active("False")})).await.expect("written");
        store.objects.apply(&scaled_job(1)).await.expect("applied");
        let object = read(&store, "ScaledJob", "video").await;
        assert_eq!(object["status"]["lastActiveTime"], "2026-01-17T05:50:45Z", "{}: {object:#}", store.name);
        assert_eq!(object["status"]["conditions"][0]["status"], "False", "{}: {object:#}", store.name);
        assert_eq!(object["metadata"]["generation"], 1, "{}", store.name);
    }
}

#[tokio::test]
async fn deleting_twice_is_deleting_once() {
    for store in stores().await {
        store.objects.apply(&config_map("a")).await.expect("applied");
        for _ in 0..2 {
            store.objects.delete("ConfigMap", "a").await.unwrap_or_else(|error| panic!("{}: {error}", store.name));
            assert_eq!(store.objects.get("ConfigMap", "a").await.expect("read"), None, "{}", store.name);
        }
    }
}

#[tokio::test]
async fn a_list_is_in_the_order_of_names_and_each_item_says_what_it_is() {
    for store in stores().await {
        for name in ["c", "a", "b"] {
            store.objects.apply(&config_map(name)).await.expect("applied");
        }
        let listed = store.objects.list("ConfigMap").await.unwrap_or_else(|error| panic!("{}: {error}", store.name));
        // A cluster puts its own certificate authority into every namespace.
        let names: Vec<_> = listed.iter().filter_map(|object| object["metadata"]["name"].as_str()).filter(|name| name.len() == 1).collect();
        assert_eq!(names, ["a", "b", "c"], "{}", store.name);
        assert!(listed.iter().all(|object| object["kind"] == "ConfigMap" && object["apiVersion"] == "v1"), "{}", store.name);
    }
}

#[tokio::test]
async fn what_is_not_there_is_absent_and_no_error() {
    for store in stores().await {
        for kind in ["ConfigMap", "ScaledJob", "TriggerAuthentication"] {
            assert_eq!(store.objects.get(kind, "nothing").await.unwrap_or_else(|error| panic!("{}: {error}", store.name)), None);
        }
        assert_eq!(store.objects.list("ScaledJob").await.expect("listed"), Vec::<Value>::new(), "{}", store.name);
        store.objects.delete("ScaledJob", "nothing").await.unwrap_or_else(|error| panic!("{}: {error}", store.name));
    }
}

#[tokio::test]
async fn a_manifest_without_a_name_is_refused_and_the_field_is_named() {
    for store in stores().await {
        let error = store.objects.apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})).await.expect_err(store.name);
        assert_eq!(error.exit_code(), 2, "{}: {error}", store.name);
        assert!(error.to_string().contains("metadata.name"), "{}: {error}", store.name);
    }
}

#[tokio::test]
async fn a_field_of_another_manager_is_left_alone_named_with_its_owner_and_taken_when_asked() {
    let Some(space) = Space::new().await else { return };
    space.kubectl(["create", "configmap", "shared", "--from-literal=k=theirs"]);
    let ours = config_map("shared");
    let error = space.objects().await.apply(&ours).await.expect_err("a conflict");
    assert_eq!((error.kind, error.code.as_deref()), (Kind::Busy, Some("Conflict")));
    assert!(error.why.contains("data.k: is owned by `kubectl-create`"), "{error}");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("--force-conflicts")), "{:?}", error.hint);
    assert_eq!(space.kubectl(["get", "configmap", "shared", "--output=jsonpath={.data.k}"]), "theirs");
    space.objects().await.on_conflict(Conflicts::Force).apply(&ours).await.expect("taken over");
    assert_eq!(space.kubectl(["get", "configmap", "shared", "--output=jsonpath={.data.k}"]), "v");
}

#[tokio::test]
async fn every_field_is_set_in_the_name_of_one_manager() {
    let Some(space) = Space::new().await else { return };
    space.objects().await.apply(&config_map("a")).await.expect("applied");
    assert_eq!(space.kubectl(["get", "configmap", "a", "--output=jsonpath={.metadata.managedFields[*].manager}"]), "kedactl");
}

#[tokio::test]
async fn a_namespace_that_is_being_deleted_or_is_not_there_is_said_to_be_so() {
    let Some(space) = Space::new().await else { return };
    let objects = space.objects().await;
    // A finalizer of its own keeps the object, and so the namespace, from going.
    let mut held = config_map("held");
    held["metadata"]["finalizers"] = json!(["kedactl.dev/test"]);
    objects.apply(&held).await.expect("applied");
    space.kubectl(["delete", "namespace", &space.namespace, "--wait=false"]);
    let phase = ["get", "namespace", &space.namespace, "--output=jsonpath={.status.phase}"];
    wait_until("the namespace is terminating", || space.kubectl(phase) == "Terminating");
    let error = objects.apply(&config_map("late")).await.expect_err("refused");
    assert_eq!(error.kind, Kind::Busy, "{error}");
    assert!(error.why.contains("is being deleted"), "{error}");
    space.kubectl(["patch", "configmap", "held", "--type=merge", "--patch={\"metadata\":{\"finalizers\":null}}"]);

    let nowhere = KubeObjects::new(&space.cluster().await, "not-there");
    let error = nowhere.apply(&config_map("a")).await.expect_err("refused");
    assert_eq!(error.kind, Kind::NotFound, "{error}");
    assert!(error.why.contains("`not-there`"), "{error}");
}

#[tokio::test]
async fn a_deletion_that_a_finalizer_blocks_ends_by_its_deadline_and_names_it() {
    let Some(space) = Space::new().await else { return };
    let objects = space.objects().await;
    let mut held = scaled_job(1);
    held["metadata"]["finalizers"] = json!(["finalizer.keda.sh"]);
    objects.apply(&held).await.expect("applied");
    let error = objects.delete_and_wait("ScaledJob", "video", Duration::from_millis(300)).await.expect_err("blocked");
    assert_eq!(error.kind, Kind::Busy, "{error}");
    assert!(error.why.contains("finalizer.keda.sh"), "{error}");
    space.kubectl(["patch", "scaledjob", "video", "--type=merge", "--patch={\"metadata\":{\"finalizers\":null}}"]);
    for _ in 0..2 {
        objects.delete_and_wait("ScaledJob", "video", Duration::from_mins(1)).await.expect("gone");
    }
    assert_eq!(objects.get("ScaledJob", "video").await.expect("read"), None);
}

#[tokio::test]
async fn a_value_that_the_schema_refuses_is_named_by_its_field() {
    let Some(space) = Space::new().await else { return };
    let mut wrong = scaled_job(1);
    wrong["spec"]["maxReplicaCount"] = json!("many");
    let error = space.objects().await.apply(&wrong).await.expect_err("refused");
    assert_eq!(error.kind, Kind::Failed, "{error}");
    assert!(error.why.contains("spec.maxReplicaCount"), "{error}");
}

#[tokio::test]
async fn more_objects_than_a_page_holds_are_all_listed() {
    let Some(space) = Space::new().await else { return };
    let objects = space.objects().await.with_page(2);
    for name in ["e", "b", "d", "a", "c"] {
        objects.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}})).await.expect("applied");
    }
    let listed = objects.list("Secret").await.expect("listed");
    let names: Vec<_> = listed.iter().filter_map(|object| object["metadata"]["name"].as_str()).filter(|name| name.len() == 1).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn what_the_server_adds_and_writes_its_own_way_is_no_drift() {
    let Some(space) = Space::new().await else { return };
    let objects = space.objects().await;
    let probe = json!({"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 5});
    let container = json!({
        "name": "c", "image": "busybox", "readinessProbe": probe, "env": [{"name": "EMPTY", "value": ""}],
        "resources": {"requests": {"cpu": "0.5", "memory": "0.5Gi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}},
    });
    let labels = json!({"app": "a"});
    let pod = json!({"metadata": {"labels": labels}, "spec": {
        "hostNetwork": false, "containers": [container], "volumes": [{"name": "w", "emptyDir": {"sizeLimit": "1024Ki"}}]}});
    let manifests = [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "creationTimestamp": null},
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
            "spec": {"selector": labels, "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "annotations": {"x": "y"}}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"k": "v"}}),
        scaled_job(3),
    ];
    for manifest in &manifests {
        objects.apply(manifest).await.unwrap_or_else(|error| panic!("{error}"));
        let (kind, name) = (manifest["kind"].as_str().expect("named"), manifest["metadata"]["name"].as_str().expect("named"));
        let actual = objects.get(kind, name).await.expect("read").expect("there");
        assert_eq!(differences(manifest, &actual, Extra::Allowed), [], "{kind}: {actual:#}");
    }
}
