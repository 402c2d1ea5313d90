//! KEDA on a real API server: found, installed, adapted, verified and removed. Each test has a cluster of its own, because
//! KEDA is one for all of a cluster.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use kedactl::{
    backend::kube::{Cluster, KubeObjects, Order, checks, controller_resources},
    core::{
        check::CheckState,
        error::{Error, Kind},
        event::{Event, Reporter},
        ops::setup,
        plan::{Action, Plan, Shared, Whose},
        ports::{Objects, Resource},
        settings::{Choices, Key, Origin, Settings},
    },
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{Server, Stack, skipped, wait_until};

mod absent;
mod removal;

/// What setup was told.
type Given<'a> = &'a [(Key, &'a str)];

const ROLE: &str = "arn:aws:iam::123456789012:role/keda-operator";

/// A cluster for one test alone.
struct Own {
    dir: tempfile::TempDir,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
}

impl Own {
    /// One with an API server only; `None`, counted as skipped, where none can be started.
    fn plain() -> Option<Self> {
        Self::start("1")
    }

    /// One whose Deployments make pods and whose namespaces go when they are deleted.
    fn with_controllers() -> Option<Self> {
        if env::var("KEDACTL_TEST_CONTROLLERS").as_deref() != Ok("1") {
            skipped("the cluster has no controllers");
            return None;
        }
        Self::start("0")
    }

    fn start(plain: &str) -> Option<Self> {
        let Some(assets) = env::var_os("KUBEBUILDER_ASSETS").filter(|_| env::var_os("KEDACTL_TEST_KUBECONFIG").is_some()) else {
            skipped("no cluster: run it by `tests/run cluster`");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("kc.").tempdir_in("/tmp").expect("a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster");
        let output = Command::new(script)
            .arg("up")
            .arg(dir.path())
            .env("KEDACTL_TEST_PLAIN", plain)
            .env_remove("KEDACTL_TEST_WITH_NODE")
            .output()
            .expect("tests/cluster starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let own = Self { kubeconfig: dir.path().join("kubeconfig"), kubectl: Path::new(&assets).join("kubectl"), dir };
        // What is tested here brings its own.
        own.kubectl(&["delete", "crd", "--all"]);
        Some(own)
    }

    /// A stack whose commands work on it; AWS is the server at `endpoint`.
    fn stack(&self, endpoint: &str) -> Stack {
        Stack::new()
            .with("KUBECONFIG", self.kubeconfig.display().to_string())
            .with("KEDACTL_TARGET", "cluster")
            .with("KEDACTL_CONTEXT", "local")
            .with("KEDACTL_REGION", "us-east-1")
            .with("KEDACTL_ENDPOINT_URL", endpoint)
    }

    fn kubectl(&self, args: &[&str]) -> String {
        let output = Command::new(&self.kubectl).arg("--kubeconfig").arg(&self.kubeconfig).args(args).output().expect("kubectl starts");
        assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    async fn cluster(&self) -> Cluster {
        Cluster::of_file(&self.kubeconfig, None).await.expect("a kubeconfig")
    }

    async fn objects(&self, namespace: &str) -> KubeObjects {
        KubeObjects::new(&self.cluster().await, namespace)
    }

    /// The stand-in for KEDA's manifest as a file, changed by `change`.
    fn release(&self, change: impl FnOnce(String) -> String) -> String {
        let mut text = include_str!("../fixtures/keda-release.yaml").to_owned();
        let crds = env::var_os("KEDACTL_TEST_CRDS").map(PathBuf::from).expect("KEDA's definitions");
        for name in ["scaledjobs", "triggerauthentications", "clustertriggerauthentications"] {
            let definition = fs::read_to_string(crds.join(format!("keda.sh_{name}.yaml"))).expect("a definition");
            text = format!("{text}---\n{definition}");
        }
        let path = self.dir.path().join("keda.yaml");
        fs::write(&path, change(text)).expect("written");
        path.display().to_string()
    }

    /// KEDA's resources for a stack that was set up with `given`.
    async fn resources(&self, given: &[(Key, &str)]) -> Vec<Box<dyn Resource>> {
        controller_resources(&self.cluster().await, self.order(given))
    }

    fn order(&self, given: &[(Key, &str)]) -> Order {
        let base = [(Key::Cluster, "video"), (Key::Region, "eu-west-1"), (Key::Account, "123456789012")];
        let flags: Choices = base.iter().chain(given).map(|(key, text)| (*key, (*text).to_owned())).collect();
        let state = self.dir.path().join("state");
        let settings = Settings::resolve("demo".parse().expect("a name"), state, "123456789012", &[(Origin::Flag, flags)]);
        Order::new(&settings.expect("valid"), "additionalLabels:\n  kedactl.dev/controller: demo\n".to_owned())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster");
        let _ = Command::new(script).arg("down").arg(self.dir.path()).output();
    }
}

/// Plays the node: every pod that is scheduled nowhere is said to run. Ends when dropped.
struct Kubelet(JoinHandle<()>);

impl Kubelet {
    async fn new(own: &Own) -> Self {
        let client = own.cluster().await.client();
        Self(tokio::spawn(async move {
            use k8s_openapi::api::core::v1::Pod;
            use kube::api::{Api, ListParams, Patch, PatchParams};
            let pods: Api<Pod> = Api::namespaced(client, "keda");
            let running = json!({"status": {"phase": "Running", "conditions": [
                {"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}]}});
            loop {
                for pod in pods.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default() {
                    let name = pod.metadata.name.unwrap_or_default();
                    if pod.metadata.deletion_timestamp.is_some() {
                        let _ = pods.delete(&name, &kube::api::DeleteParams::default().grace_period(0)).await;
                    } else if pod.status.and_then(|status| status.phase).as_deref() != Some("Running") {
                        let _ = pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(&running)).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }))
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps what it is told.
#[derive(Default)]
struct Told(std::sync::Mutex<Vec<String>>);

impl Reporter for Told {
    fn report(&self, event: &Event) {
        self.0.lock().expect("lock").push(serde_json::to_string(event).expect("an event"));
    }
}

async fn plan(resources: &[Box<dyn Resource>]) -> Plan {
    setup::plan(resources).await.expect("everything can be looked at")
}

async fn set_up(resources: &[Box<dyn Resource>]) -> Result<String, Error> {
    let told = Told::default();
    let plan = plan(resources).await;
    setup::check_unblocked(&plan, &"demo".parse().expect("a name"))?;
    setup::apply(resources, &plan, &told, &CancellationToken::new()).await?;
    Ok(told.0.into_inner().expect("lock").join("\n"))
}

fn actions(plan: &Plan) -> Vec<Action> {
    plan.steps.iter().map(|step| step.action).collect()
}

#[tokio::test]
async fn a_release_manifest_is_installed_given_its_identity_verified_and_removed() {
    let Some(own) = Own::with_controllers() else { return };
    let _kubelet = Kubelet::new(&own).await;
    let place = own.release(|text| text);
    let given = [(Key::Controller, "manifest"), (Key::KedaManifest, place.as_str())];
    let resources = own.resources(&given).await;
    assert_eq!(actions(&plan(&resources).await), [Action::Create, Action::Create]);
    let told = set_up(&resources).await.expect("installed");
    assert!(told.contains("keda keda can be made"), "the wait has a name: {told}");
    // Everything is as it should be, and a second run changes nothing.
    let again = own.resources(&given).await;
    assert_eq!(actions(&plan(&again).await), [Action::Keep, Action::Keep]);
    let keda = own.objects("keda").await;
    let account = keda.get("ServiceAccount", "keda-operator").await.expect("asked").expect("there");
    assert_eq!(account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"], ROLE);
    assert_eq!(account["metadata"]["labels"]["kedactl.dev/controller"], "demo");
    let operator = keda.get("Deployment", "keda-operator").await.expect("asked").expect("there");
    assert_eq!(operator["spec"]["template"]["metadata"]["annotations"]["kedactl.dev/restarted-for"], format!("irsa {ROLE}"));
    // The claims are checked: no webhook injects the role here, and that is the one thing that fails.
    let checks = checks(&own.cluster().await, &own.order(&given)).await.expect("checked");
    let failed: Vec<&str> = checks.iter().filter(|check| check.is_failed()).map(|check| check.name.as_str()).collect();
    assert_eq!(failed, ["the running operator has AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE"], "{checks:?}");
    assert!(checks.iter().filter(|check| check.state == CheckState::Passed).count() >= 5, "{checks:?}");
    // A ScaledJob anywhere keeps KEDA; without one everything goes.
    own.objects("default").await.apply(&scaled_job()).await.expect("applied");
    let error = again[0].delete().await.expect_err("in use");
    assert!(error.kind == Kind::Busy && error.why.contains("ScaledJob default/still-here"), "{error}");
    own.kubectl(&["delete", "scaledjob", "still-here"]);
    again[1].delete().await.expect("the identity is taken back");
    let account = keda.get("ServiceAccount", "keda-operator").await.expect("asked").expect("there");
    assert!(account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].is_null(), "{account}");
    again[0].delete().await.expect("removed");
    again[0].delete().await.expect("removing twice is removing once");
    assert_eq!(keda.get("Namespace", "keda").await.expect("asked"), None);
    assert_eq!(own.kubectl(&["get", "crd", "--output", "name"]), "");
    assert_eq!(own.kubectl(&["get", "clusterrole", "--selector", "kedactl.dev/controller", "--output", "name"]), "");
}

fn scaled_job() -> Value {
    json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledJob", "metadata": {"name": "still-here", "namespace": "default"},
        "spec": {"jobTargetRef": {"template": {"spec": {"containers": [{"name": "a", "image": "a"}]}}},
            "triggers": [{"type": "aws-sqs-queue", "metadata": {}}]}})
}

#[tokio::test]
async fn a_keda_of_somebody_else_is_adapted_only_with_consent_and_given_back() {
    let Some(own) = Own::plain() else { return };
    own.kubectl(&["create", "namespace", "keda"]);
    let place = own.release(|text| text.split("---\n").filter(|part| !part.contains("kind: Namespace")).collect::<Vec<_>>().join("---\n"));
    own.kubectl(&["apply", "--server-side", "--validate=false", "-f", &place]);
    available(&own);
    let resources = own.resources(&[(Key::Controller, "existing")]).await;
    let seen = plan(&resources).await;
    assert_eq!(actions(&seen), [Action::Keep, Action::Update], "{seen:?}");
    assert!(seen.steps[0].why.contains("KEDA 2.8.1 in namespace keda, from a manifest"), "{seen:?}");
    assert_eq!((seen.steps[1].whose, seen.steps[1].differences.len()), (Whose::Foreign, 2));
    assert_eq!(Plan::teardown(&sightings(&resources).await, Shared::DELETE).changes().count(), 0);
    // Nobody plays the Deployment controller here: the new generation is said to be available once it is there.
    let (outcome, ()) = tokio::join!(set_up(&resources), async {
        let objects = own.objects("keda").await;
        let restarted = async || {
            let operator = objects.get("Deployment", "keda-operator").await.ok().flatten().unwrap_or_default();
            operator["metadata"]["generation"].as_i64() == Some(2)
        };
        while !restarted().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        available(&own);
    });
    outcome.expect("adapted");
    assert_eq!(actions(&plan(&resources).await), [Action::Keep, Action::Keep]);
    resources[1].delete().await.expect("given back");
    let account = own.objects("keda").await.get("ServiceAccount", "keda-operator").await.expect("asked").expect("there");
    assert!(account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].is_null(), "{account}");
    resources[0].delete().await.expect_err("what is not ours is never removed");
    // A role that somebody gave it is never taken away.
    own.kubectl(&["annotate", "serviceaccount", "keda-operator", "--namespace", "keda", "eks.amazonaws.com/role-arn=arn:theirs"]);
    let error = set_up(&resources).await.expect_err("taken");
    assert!(error.why.contains("arn:theirs") && error.why.contains(ROLE), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("--auth secret")));
    // Another namespace, and a second operator.
    let elsewhere = own.resources(&[(Key::KedaNamespace, "scaling")]).await;
    let error = set_up(&elsewhere).await.expect_err("elsewhere");
    assert!(error.hint.is_some_and(|hint| hint.contains("--keda-namespace keda")));
}

async fn sightings(resources: &[Box<dyn Resource>]) -> Vec<kedactl::core::plan::Sighting> {
    kedactl::core::ops::survey::survey(resources).await.expect("looked at")
}

/// Says that every replica of KEDA's Deployments is there, as their controller would.
fn available(own: &Own) {
    available_in(own, "keda");
}

/// The same of the Deployments of another namespace.
fn available_in(own: &Own, namespace: &str) {
    let raw = own.kubectl(&["get", "deployment", "--namespace", namespace, "--output", "json"]);
    let list: Value = serde_json::from_str(&raw).expect("JSON");
    for deployment in list["items"].as_array().expect("items") {
        let (name, generation) = (deployment["metadata"]["name"].as_str().expect("name"), deployment["metadata"]["generation"].clone());
        let mut changed = deployment.clone();
        changed["status"] =
            json!({"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1});
        let file = own.dir.path().join("status.json");
        fs::write(&file, changed.to_string()).expect("written");
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status");
        own.kubectl(&["replace", "--raw", &path, "-f", &file.display().to_string()]);
    }
}

#[tokio::test]
async fn what_cannot_be_installed_is_refused_before_anything_is_written() {
    let Some(own) = Own::plain() else { return };
    let newer = own.release(|text| text.replace("2.8.1", "2.20.2"));
    let cases: [(Given<'_>, &str, &str); 4] = [
        (&[(Key::Controller, "manifest"), (Key::KedaManifest, newer.as_str())], "2.20.2", "in-process"),
        (&[(Key::Controller, "manifest")], "supports Kubernetes 1.33 to 1.35, and this cluster is v1.20.2", "in-process"),
        (&[(Key::Controller, "existing")], "no KEDA was found", "--controller helm"),
        (
            &[(Key::Controller, "manifest"), (Key::KedaManifest, newer.as_str()), (Key::Sha256, &"0".repeat(64))],
            "SHA-256",
            "nothing was changed",
        ),
    ];
    for (given, why, hint) in cases {
        let error = set_up(&own.resources(given).await).await.expect_err(why);
        assert!(error.what == "nothing was changed" && error.why.contains(why), "{error}");
        assert!(error.hint.as_ref().is_some_and(|text| text.contains(hint)), "{error:?}");
    }
    assert_eq!(own.kubectl(&["get", "crd", "--output", "name"]), "");
    own.kubectl(&["get", "namespace", "default"]);
}

/// A program that stands in for helm: `script` (sh) runs in the test's folder, after its words and surroundings were noted.
fn helm(own: &Own, script: &str) -> PathBuf {
    let path = own.dir.path().join("helm");
    let (dir, kubectl) = (own.dir.path().display(), own.kubectl.display());
    let notes = r#"printf '%s\n' "$@" >>words; env >surroundings"#;
    let words = format!("#!/bin/sh\nset -eu\ncd '{dir}'\n{notes}\nkubectl='{kubectl} --kubeconfig {dir}/kubeconfig'\n{script}\n");
    fs::write(&path, words).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    path
}

/// What helm leaves of a release: the chart's objects with its marks, and the Secret that is its memory.
fn chart(own: &Own, status: &str) {
    let marks = "labels:\n    app.kubernetes.io/managed-by: Helm\n    kedactl.dev/controller: demo";
    let marked = "annotations:\n    meta.helm.sh/release-name: keda\n    meta.helm.sh/release-namespace: keda\n  ";
    let text = include_str!("../fixtures/keda-release.yaml");
    let deployments = text.split("---\n").filter(|part| !part.contains("kind: Namespace"));
    let labelled: Vec<String> = deployments
        .map(|part| {
            let is_deployment = part.contains("kind: Deployment");
            if is_deployment { part.replacen("labels:", &format!("{marked}{marks}"), 1) } else { part.to_owned() }
        })
        .collect();
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: sh.helm.release.v1.keda.v1\n  namespace: keda\n  labels: \
         {{owner: helm, name: keda, status: {status}, version: '1'}}\ntype: helm.sh/release.v1\n"
    );
    fs::write(own.dir.path().join("chart.yaml"), labelled.join("---\n") + "---\n" + &secret).expect("written");
}

fn noted(own: &Own, file: &str) -> String {
    fs::read_to_string(own.dir.path().join(file)).unwrap_or_default()
}

#[tokio::test]
async fn helm_installs_the_pinned_chart_with_the_stacks_values_and_removes_it() {
    let Some(own) = Own::plain() else { return };
    chart(&own, "deployed");
    let script = r#"
        case "$1" in
        upgrade)
            cp "$(printf '%s\n' "$@" | grep values.yaml)" values-seen
            $kubectl create namespace keda && $kubectl apply -f chart.yaml
            while [ ! -e available ]; do sleep 0.1; done ;;
        uninstall) $kubectl delete --wait=false -f chart.yaml ;;
        esac"#;
    let program = helm(&own, script);
    let order = || own.order(&[(Key::Controller, "helm"), (Key::Auth, "secret")]).release("2.8.1").by(program.clone());
    let resources = controller_resources(&own.cluster().await, order());
    let (outcome, ()) = tokio::join!(set_up(&resources), async {
        let objects = own.objects("keda").await;
        while objects.list("Secret").await.is_ok_and(|list| list.is_empty()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        available(&own);
        fs::write(own.dir.path().join("available"), "").expect("written");
    });
    let told = outcome.expect("installed");
    assert!(told.contains("helm is at work"), "{told}");
    let words = noted(&own, "words");
    for wanted in
        ["upgrade\n--install\nkeda\nkeda\n--repo\nhttps://kedacore.github.io/charts\n--version\n2.8.1", "--wait", "--kube-context\nlocal"]
    {
        assert!(words.contains(wanted), "{words}");
    }
    assert!(noted(&own, "values-seen").contains("kedactl.dev/controller: demo"));
    assert!(!own.dir.path().join("state/stacks/demo/helm").exists(), "nothing that helm read is left");
    assert_eq!(actions(&plan(&resources).await), [Action::Keep]);
    resources[0].delete().await.expect("removed");
    assert!(noted(&own, "words").contains("uninstall\nkeda\n--namespace\nkeda\n--wait"));
    let there = own.objects("keda").await.get("Deployment", "keda-operator").await.expect("asked");
    assert_eq!(there, None, "helm removed it");
}

#[tokio::test]
async fn a_helm_that_fails_or_is_stopped_says_so_and_leaves_nothing_unexplained() {
    let Some(own) = Own::plain() else { return };
    let order = |program: PathBuf| own.order(&[(Key::Controller, "helm"), (Key::Auth, "secret")]).release("2.8.1").by(program);
    let cluster = own.cluster().await;
    // It fails: what it said is shown.
    let resources = controller_resources(&cluster, order(helm(&own, "echo 'Error: no such chart' >&2; exit 1")));
    let error = set_up(&resources).await.expect_err("failed");
    assert!(error.why.contains("Error: no such chart"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("helm status keda")));
    // It is stopped: it is asked to end, and may say so.
    let script = "trap 'touch stopped; exit 1' TERM; touch started; while :; do sleep 0.1; done";
    let resources = controller_resources(&cluster, order(helm(&own, script)));
    let cancel = CancellationToken::new();
    let plan = plan(&resources).await;
    let told = Told::default();
    let (outcome, ()) = tokio::join!(setup::apply(&resources, &plan, &told, &cancel), async {
        while !own.dir.path().join("started").exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cancel.cancel();
    });
    assert_eq!(outcome.expect_err("stopped").kind, Kind::Interrupted);
    drop(resources);
    wait_until("helm was asked to end", || own.dir.path().join("stopped").exists());
    // What such a helm leaves is explained by the next run.
    chart(&own, "pending-install");
    own.kubectl(&["create", "namespace", "keda"]);
    own.kubectl(&["apply", "-f", &own.dir.path().join("chart.yaml").display().to_string()]);
    let error = set_up(&controller_resources(&cluster, order(helm(&own, "exit 0")))).await.expect_err("unfinished");
    assert!(error.why.contains("pending-install"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("helm rollback keda --namespace keda")));
}
