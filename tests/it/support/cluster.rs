//! The real cluster that `tests/run` started once for all tests: a namespace of a test's own, and two witnesses.

use std::{env, fs, path::PathBuf, process::Command};

use kedactl::backend::kube::{Cluster, KubeObjects};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use uuid::Uuid;

use super::{Faulty, Running, Stack, skipped};

/// A fresh namespace of the cluster. Dropping it deletes it.
pub(crate) struct Space {
    /// The namespace's name.
    pub(crate) namespace: String,
    /// The official client, for looking.
    pub(crate) client: Client,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
}

impl Space {
    /// One of its own for the calling test; `None`, counted as skipped, where there is no cluster.
    pub(crate) async fn new() -> Option<Self> {
        let named = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let (Some(kubeconfig), Some(assets)) = (named("KEDACTL_TEST_KUBECONFIG"), named("KUBEBUILDER_ASSETS")) else {
            skipped("no cluster: run it by `tests/run cluster`, or after `eval \"$(tests/cluster up)\"`");
            return None;
        };
        rustls::crypto::ring::default_provider().install_default().ok();
        let file = Kubeconfig::read_from(&kubeconfig).expect("tests/cluster wrote a kubeconfig");
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("it is complete");
        let client = Client::try_from(config).expect("it can be used");
        let space = Self { namespace: format!("t-{}", Uuid::new_v4().simple()), client, kubeconfig, kubectl: assets.join("kubectl") };
        space.kubectl(["create", "namespace", &space.namespace]);
        Some(space)
    }

    /// The same where a controller manager and a scheduler run, so that Jobs become pods.
    pub(crate) async fn with_controllers() -> Option<Self> {
        Self::where_there_is("KEDACTL_TEST_CONTROLLERS", "the cluster has no controllers").await
    }

    /// The same where a node runs pods.
    pub(crate) async fn with_node() -> Option<Self> {
        Self::where_there_is("KEDACTL_TEST_NODE", "the cluster has no node").await
    }

    async fn where_there_is(variable: &str, without: &str) -> Option<Self> {
        if env::var_os("KEDACTL_TEST_KUBECONFIG").is_some() && env::var(variable).as_deref() != Ok("1") {
            skipped(without);
            return None;
        }
        Self::new().await
    }

    /// The cluster as the library reaches it.
    pub(crate) async fn cluster(&self) -> Cluster {
        Cluster::of_file(&self.kubeconfig, None).await.expect("tests/cluster wrote a kubeconfig")
    }

    /// The library's objects in this namespace.
    pub(crate) async fn objects(&self) -> KubeObjects {
        KubeObjects::new(&self.cluster().await, &self.namespace)
    }

    /// The kubeconfig's path.
    pub(crate) fn kubeconfig(&self) -> &std::path::Path {
        &self.kubeconfig
    }

    /// A stack of its own whose commands work on this namespace; AWS is the server at `endpoint`.
    pub(crate) fn stack(&self, endpoint: &str) -> Stack {
        Stack::new()
            .with("KUBECONFIG", self.kubeconfig.display().to_string())
            .with("KEDACTL_TARGET", "cluster")
            .with("KEDACTL_CONTEXT", "local")
            .with("KEDACTL_NAMESPACE", &self.namespace)
            .with("KEDACTL_ENDPOINT_URL", endpoint)
    }

    /// Standard output of `kubectl ARGS` in this namespace, which must succeed.
    pub(crate) fn kubectl<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> String {
        let output = self.kubectl_command(args).output().expect("kubectl starts");
        assert!(output.status.success(), "kubectl: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("kubectl writes UTF-8")
    }

    /// `kubectl ARGS` in this namespace, not yet started.
    pub(crate) fn kubectl_command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.args(["--kubeconfig".as_ref(), self.kubeconfig.as_os_str()]).args(["--namespace", &self.namespace]).args(args);
        command
    }
}

/// A way to the API server through a proxy that breaks what it is told to.
pub(crate) struct Detour {
    /// Breaks nothing yet.
    pub(crate) proxy: Faulty,
    /// A kubeconfig whose context `local` leads through the proxy.
    pub(crate) kubeconfig: PathBuf,
    _kubectl: Running,
    _dir: tempfile::TempDir,
}

impl Space {
    /// A detour to this namespace's API server. kubectl speaks TLS and shows who we are, so that the proxy need not.
    pub(crate) fn detour(&self) -> Detour {
        let mut kubectl = Running::start(self.kubectl_command(["proxy", "--port=0"]), b"");
        let upstream = kubectl.line("kubectl says where it serves", |line| line.strip_prefix("Starting to serve on ").map(str::to_owned));
        let proxy = Faulty::start(&upstream);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "local",
            "clusters": [{ "name": "c", "cluster": { "server": proxy.url } }],
            "users": [{ "name": "u", "user": {} }],
            "contexts": [{ "name": "local", "context": { "cluster": "c", "user": "u" } }],
        });
        let dir = tempfile::tempdir().expect("the temporary directory is writable");
        let kubeconfig = dir.path().join("kubeconfig");
        fs::write(&kubeconfig, config.to_string()).expect("written");
        Detour { proxy, kubeconfig, _kubectl: kubectl, _dir: dir }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let _ = self.kubectl_command(["delete", "namespace", &self.namespace, "--wait=false"]).output();
    }
}
