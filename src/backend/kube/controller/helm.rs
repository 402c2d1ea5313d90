//! Installs KEDA by the `helm` program with its pinned chart, and removes it again.

use std::{
    env,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Mutex,
    time::Duration,
};

use nix::{sys::signal, unistd::Pid};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
};

use crate::{
    backend::{
        files,
        kube::client::{Access, Cluster},
    },
    core::{
        controller::PINNED,
        error::{Error, Kind, Result},
    },
};

/// The release's name, and the chart's.
const RELEASE: &str = "keda";
/// Where KEDA publishes its charts.
const REPOSITORY: &str = "https://kedacore.github.io/charts";
/// How long helm itself waits for KEDA.
const WAIT: &str = "5m";
/// How long helm may take to remove KEDA before it is stopped.
const UNINSTALL_LIMIT: Duration = Duration::from_mins(6);
/// How much of helm's words is shown, in characters.
const SHOWN: usize = 2_000;

/// The helm program at work for one cluster.
pub(super) struct Helm {
    program: Option<PathBuf>,
    cluster: Cluster,
    namespace: String,
    version: String,
    values: String,
    /// A private folder for what helm reads.
    folder: PathBuf,
    running: Mutex<Option<Running>>,
}

/// A helm that was started. Dropping it asks helm to stop, which then marks its release as failed.
struct Running {
    child: Child,
    said: JoinHandle<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = signal::kill(Pid::from_raw(id), signal::Signal::SIGTERM);
        }
    }
}

/// Where `helm` is, when it is on the PATH.
pub(super) fn program() -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join("helm")).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

impl Helm {
    /// The chart in `namespace` of `cluster`, by `program`.
    pub(super) fn new(cluster: &Cluster, namespace: &str, program: Option<PathBuf>) -> Self {
        let (version, values, folder) = (PINNED.to_owned(), String::new(), PathBuf::new());
        Self { program, cluster: cluster.clone(), namespace: namespace.to_owned(), version, values, folder, running: Mutex::new(None) }
    }

    /// The same at `version` of the chart with `values` (YAML), which are written to `folder`. It is made when needed and gone afterwards.
    pub(super) fn with(self, version: &str, values: String, folder: PathBuf) -> Self {
        Self { version: version.to_owned(), values, folder, ..self }
    }

    /// The command that installs, as one would type it.
    pub(super) fn replaces(&self) -> String {
        format!("helm {} --values values.yaml", self.install_words().join(" "))
    }

    /// Whether a helm is at work.
    pub(super) fn is_at_work(&self) -> bool {
        self.lock().is_some()
    }

    /// Starts helm, or looks after the one that was started.
    ///
    /// # Errors
    /// `Unavailable` while it is at work; what it said, when it failed.
    pub(super) async fn install(&self) -> Result<()> {
        let started = self.lock().take();
        let mut running = match started {
            Some(running) => running,
            None => self.start().await?,
        };
        let ended = running.child.try_wait().map_err(|error| Error::failed("could not wait for helm", error))?;
        let Some(status) = ended else {
            *self.lock() = Some(running);
            return Err(Error::new(Kind::Unavailable, "helm is at work", format!("it waits up to {WAIT} until KEDA is available")));
        };
        let said = (&mut running.said).await.unwrap_or_default();
        self.clear();
        if status.success() { Ok(()) } else { Err(self.failed("install", status, &said)) }
    }

    /// Removes the release, its definitions too, and waits until it is gone.
    ///
    /// # Errors
    /// What helm said, when it failed; `Busy` when it did not end in time.
    pub(super) async fn uninstall(&self, release: &str) -> Result<()> {
        let words = ["uninstall", release, "--namespace", &self.namespace, "--wait", "--timeout", WAIT];
        let mut running = self.spawn(&words).await?;
        let Ok(ended) = tokio::time::timeout(UNINSTALL_LIMIT, running.child.wait()).await else {
            let why = format!("it did not end within {} s and was stopped", UNINSTALL_LIMIT.as_secs());
            return Err(Error::new(Kind::Busy, "helm could not uninstall KEDA", why).hint(self.look()));
        };
        let status = ended.map_err(|error| Error::failed("could not wait for helm", error))?;
        let said = (&mut running.said).await.unwrap_or_default();
        self.clear();
        if status.success() { Ok(()) } else { Err(self.failed("uninstall", status, &said)) }
    }

    async fn start(&self) -> Result<Running> {
        files::private_dir(&self.folder)?;
        let values = self.folder.join("values.yaml");
        files::replace(&values, self.values.as_bytes())?;
        let mut words = self.install_words();
        let path = values.to_string_lossy().into_owned();
        words.extend(["--values", &path]);
        self.spawn(&words).await
    }

    /// Runs helm on the same cluster as everything else. A token goes through its environment, which nobody else can see.
    async fn spawn(&self, words: &[&str]) -> Result<Running> {
        let refused = |why: String| Error::new(Kind::Input, "could not run helm", why).hint("install helm, or use `--controller manifest`");
        let program = self.program.as_ref().ok_or_else(|| refused("it is not on the PATH".to_owned()))?;
        let mut command = Command::new(program);
        command.args(words);
        for inherited in ["HELM_KUBECONTEXT", "HELM_KUBEAPISERVER", "HELM_KUBETOKEN", "HELM_KUBECAFILE", "HELM_NAMESPACE"] {
            command.env_remove(inherited);
        }
        match self.cluster.access().await? {
            Access::Kubeconfig { context } => {
                if let Some(context) = context {
                    command.arg("--kube-context").arg(context);
                }
            }
            Access::Direct { server, ca_pem, token } => {
                files::private_dir(&self.folder)?;
                let authority = self.folder.join("ca.pem");
                files::replace(&authority, ca_pem.as_bytes())?;
                command.arg("--kube-apiserver").arg(server);
                // The user's own kubeconfig would add its credentials.
                command.env("KUBECONFIG", "/dev/null").env("HELM_KUBETOKEN", token).env("HELM_KUBECAFILE", authority);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| refused(error.to_string()))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let said = tokio::spawn(async move {
            let (out, err) = tokio::join!(all(out), all(err));
            format!("{err}\n{out}")
        });
        Ok(Running { child, said })
    }

    fn install_words(&self) -> Vec<&str> {
        let place = ["--repo", REPOSITORY, "--version", &self.version, "--namespace", &self.namespace, "--create-namespace"];
        ["upgrade", "--install", RELEASE, "keda"].into_iter().chain(place).chain(["--wait", "--timeout", WAIT]).collect()
    }

    fn failed(&self, verb: &str, status: ExitStatus, said: &str) -> Error {
        let words: Vec<&str> = said.split_whitespace().collect();
        let mut why: String = words.join(" ").chars().take(SHOWN).collect();
        if why.is_empty() {
            why = status.to_string();
        }
        Error::failed(format!("helm could not {verb} KEDA"), why).hint(self.look())
    }

    fn look(&self) -> String {
        format!("see `helm status {RELEASE} --namespace {}` and run this again, or use `--controller manifest`", self.namespace)
    }

    fn clear(&self) {
        // What is left there is private, and written again by the next run.
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn all(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // A stream that breaks has said what it could.
        let _ = stream.read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
