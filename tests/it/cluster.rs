//! The way to a cluster: contexts, credentials that are refused or renewed, and what is said when nobody answers.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use kedactl::{
    backend::kube::{Cluster, KubeObjects, Tokens},
    core::{error::Kind, ports::Objects},
};
use serde_json::{Value, json};

use crate::support::{Server, Space, Stack, wait_until};

/// A kubeconfig in `dir` whose one context leads to `server` with `user`.
fn kubeconfig(dir: &Path, server: &str, user: &Value) -> PathBuf {
    let path = dir.join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server, "insecure-skip-tls-verify": true}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    });
    fs::write(&path, config.to_string()).expect("written");
    path
}

fn config_map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
}

#[tokio::test]
async fn a_context_that_does_not_exist_is_named_beside_those_that_do() {
    let dir = tempfile::tempdir().expect("tempdir");
    let file = kubeconfig(dir.path(), "https://127.0.0.1:1", &json!({}));
    let error = Cluster::of_file(&file, Some("there")).await.err().expect("refused");
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(error.to_string().contains("`there`") && error.to_string().contains("here"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("kubectl config get-contexts")));
}

#[tokio::test]
async fn a_server_that_nobody_answers_for_is_named_and_may_be_asked_again() {
    let dir = tempfile::tempdir().expect("tempdir");
    let file = kubeconfig(dir.path(), "https://127.0.0.1:1", &json!({}));
    let error = Cluster::of_file(&file, None).await.expect("chosen").version().await.expect_err("nobody is there");
    assert_eq!(error.kind, Kind::Unavailable, "{error}");
    assert!(error.what.contains("context `here` at https://127.0.0.1:1"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("kedactl doctor")));
}

#[tokio::test]
async fn a_login_command_that_fails_is_named_without_what_it_wrote() {
    let dir = tempfile::tempdir().expect("tempdir");
    let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", "echo s3cret; exit 7"],
        "interactiveMode": "Never"});
    let file = kubeconfig(dir.path(), "https://127.0.0.1:1", &json!({ "exec": exec }));
    let cluster = Cluster::of_file(&file, None).await;
    let error = match cluster {
        Ok(cluster) => cluster.version().await.expect_err("no credentials"),
        Err(error) => error,
    };
    assert_eq!(error.kind, Kind::Denied, "{error}");
    assert!(error.why.contains("exit status: 7") && !format!("{error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_said_to_be_so() {
    let Some(space) = Space::new().await else { return };
    let dir = tempfile::tempdir().expect("tempdir");
    let file = kubeconfig(dir.path(), space.cluster().await.server(), &json!({"token": "expired"}));
    let cluster = Cluster::of_file(&file, None).await.expect("chosen");
    let error = KubeObjects::new(&cluster, &space.namespace).apply(&config_map()).await.expect_err("refused");
    assert_eq!((error.kind, error.code.as_deref()), (Kind::Denied, Some("Unauthorized")), "{error}");
    assert!(error.why.contains("credentials expired or not accepted"), "{error}");
}

/// A token of the service account `name`, by the API server itself.
async fn token_of(space: &Space, name: &str) -> String {
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}});
    let path = format!("/api/v1/namespaces/{}/serviceaccounts/{name}/token", space.namespace);
    let request = http::Request::post(path).header("content-type", "application/json").body(body.to_string().into_bytes());
    let answer: Value = space.client.request(request.expect("a request")).await.expect("a token");
    answer["status"]["token"].as_str().expect("a token").to_owned()
}

/// The certificate of the server's authority, as PEM.
fn authority(space: &Space) -> String {
    let raw = ["config", "view", "--raw", "--output=jsonpath={.clusters[0].cluster.certificate-authority-data}"];
    let data = space.kubectl(raw);
    match data.trim() {
        "" => {
            let file = ["config", "view", "--raw", "--output=jsonpath={.clusters[0].cluster.certificate-authority}"];
            fs::read_to_string(space.kubectl(file).trim()).expect("the authority's file")
        }
        data => {
            use base64::{Engine, engine::general_purpose::STANDARD};
            String::from_utf8(STANDARD.decode(data).expect("base64")).expect("PEM")
        }
    }
}

#[tokio::test]
async fn a_token_is_made_anew_once_when_the_server_refuses_it_and_what_it_may_not_do_is_denied() {
    let Some(space) = Space::new().await else { return };
    space.kubectl(["create", "serviceaccount", "nobody"]);
    let good = token_of(&space, "nobody").await;
    let made = Arc::new(AtomicU32::new(0));
    let counted = made.clone();
    let tokens: Tokens = Arc::new(move || {
        let token = if counted.fetch_add(1, Ordering::SeqCst) == 0 { "stale".to_owned() } else { good.clone() };
        Box::pin(async move { Ok((token, SystemTime::now() + Duration::from_mins(10))) })
    });
    let cluster = Cluster::at(space.cluster().await.server(), &authority(&space), tokens).expect("reachable");
    let objects = KubeObjects::new(&cluster, &space.namespace);
    for _ in 0..2 {
        let error = objects.apply(&config_map()).await.expect_err("it may not");
        assert_eq!((error.kind, error.code.as_deref()), (Kind::Denied, Some("Forbidden")), "{error}");
        assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("kedactl doctor")), "{:?}", error.hint);
        assert!(!format!("{error:?}").contains("stale"));
    }
    assert_eq!(made.load(Ordering::SeqCst), 2, "one stale, one good, then kept");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_no_passing_fault() {
    let Some(space) = Space::new().await else { return };
    let tokens: Tokens = Arc::new(|| Box::pin(async { Ok(("t".to_owned(), SystemTime::now() + Duration::from_mins(10))) }));
    let server = space.cluster().await.server().to_owned();
    let error = Cluster::at(&server, "no PEM", tokens.clone()).err().expect("refused");
    assert_eq!(error.exit_code(), 2, "{error}");
    let other = "-----BEGIN CERTIFICATE-----\n\
        MIIBfTCCASOgAwIBAgIUZ0000000000000000000000000000000MAoGCCqGSM49\n-----END CERTIFICATE-----\n";
    // Whatever is wrong with the authority, it is not worth a retry.
    let outcome = match Cluster::at(&server, other, tokens) {
        Ok(cluster) => cluster.version().await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(!outcome.expect_err("refused").is_passing());
}

#[tokio::test]
async fn a_cluster_with_controllers_makes_pods_of_jobs_and_deleting_a_job_deletes_them() {
    let Some(space) = Space::with_controllers().await else { return };
    let objects = space.objects().await;
    objects.apply(&job("sleep 600")).await.expect("applied");
    let pods = || space.kubectl(["get", "pods", "--selector=job-name=work", "--output=name"]);
    wait_until("the job has a pod", || !pods().is_empty());
    objects.delete("Job", "work").await.expect("deleted");
    wait_until("the job's pod is gone", || pods().is_empty());
}

#[tokio::test]
async fn a_cluster_with_a_node_runs_them() {
    let Some(space) = Space::with_node().await else { return };
    space.objects().await.apply(&job("true")).await.expect("applied");
    let succeeded = ["get", "job", "work", "--output=jsonpath={.status.succeeded}"];
    wait_until("the job succeeds", || space.kubectl(succeeded) == "1");
}

fn job(script: &str) -> Value {
    let image = "registry.local/busybox:1";
    let container = json!({"name": "c", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]});
    let pod = json!({"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]});
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": {"backoffLimit": 0, "template": {"spec": pod}}})
}

#[tokio::test]
async fn the_binary_reads_what_the_cluster_has() {
    let Some(space) = Space::new().await else { return };
    let aws = Stack::new();
    let server = Server::start(&aws);
    let stack = space.stack(&server.url);
    let context = fs::read_to_string(space.kubeconfig()).expect("read");
    assert!(context.contains("current-context: local"));
    let status = stack.run(["status", "--output", "json"]);
    assert_eq!(status.code, Some(0), "{status}");
    assert_eq!(status.json()["objects"]["ready"], 0, "{status}");
}
