//! How the demo is reached: AWS, processes, the analyzer, the journal. Only this file wires adapters together.

mod absent;
pub mod analyzer;
pub mod artifacts;
pub mod aws;
mod cluster;
mod doctor;
#[cfg(feature = "local")]
pub mod emulator;
pub mod exporter;
pub mod files;
pub mod folder;
mod identity;
mod jobs;
pub mod journal;
pub mod kube;
pub mod listen;
mod machine;
pub mod manifest_file;
pub mod manifests;
mod memory;
mod parted;
pub mod process;
mod remains;
mod resources;
pub mod run;
mod settle;
pub mod sources;
pub mod store;
pub mod tls;
mod watched;

use std::{sync::Arc, time::Duration};

use absent::NoCluster;
use analyzer::AnalyzerStore;
use artifacts::ObjectArtifacts;
use aws::{
    config::{self, Own, Wire},
    credentials::{Mint, WebIdentity},
    eks::EksCluster,
    queue::SqsQueue,
    shared::SharedIdentities,
};
use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use emulator::Emulator;
use kube::{Cluster, KubeObjects, Order};
use parted::PartedObjects;
use process::FileObjects;
pub use settle::{check_there, choose, layers, settle, stacks};
use tokio::sync::OnceCell;

use crate::core::{
    error::{Error, Kind, Result},
    event::Reporter,
    keda::authentication::role_of,
    load::Destination,
    ports::{Analyzer, Artifacts, Journal, Objects, Queue, Scalers, Sink, Work},
    queue_url,
    settings::{Aws, Settings, Target},
    stack::{AUDIENCE, KEDA_SERVICE_ACCOUNT},
    template::{Facts, Template, analyzer_url},
};

/// How long a minted token is good; each is used once, at once.
const TOKEN_LIFETIME: Duration = Duration::from_mins(10);

/// In whose name AWS is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The person who sets up and tears down.
    Administrator,
    /// The producer's and consumer's service account, on the workload role.
    Workload,
    /// KEDA's operator, or the in-process scaler in its place, on the operator role.
    Operator,
}

/// Every port of one stack. Nothing is opened until it is needed.
pub struct Backend {
    settings: Settings,
    emulator: OnceCell<Emulator>,
    cluster: OnceCell<Cluster>,
    described: OnceCell<EksCluster>,
    leaves_cluster_out: bool,
    keda_kinds: OnceCell<bool>,
    identities: OnceCell<Arc<SharedIdentities>>,
    /// The namespace of the objects, where it is not the stack's.
    namespace: Option<String>,
}

impl Backend {
    /// The backend that `settings` ask for. Cheap: opens no file and asks nobody.
    ///
    /// # Errors
    /// `Input` when the settings contradict each other.
    pub fn connect(settings: &Settings) -> Result<Self> {
        Ok(Self {
            settings: settings.clone(),
            emulator: OnceCell::new(),
            cluster: OnceCell::new(),
            described: OnceCell::new(),
            leaves_cluster_out: false,
            keda_kinds: OnceCell::new(),
            identities: OnceCell::new(),
            namespace: None,
        })
    }

    /// The same for the objects of `namespace`, where objects are files; those of a cluster are the stack's.
    #[must_use]
    pub fn of_namespace(self, namespace: Option<String>) -> Self {
        Self { namespace: namespace.filter(|_| self.settings.target == Target::Local), ..self }
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The queue at `url`; the stack's work queue when absent.
    ///
    /// # Errors
    /// `Input` when `url` is of another account or region; when the state directory cannot be used, or the identity has
    /// no role yet.
    pub async fn queue(&self, identity: Identity, url: Option<&str>) -> Result<Arc<dyn Queue>> {
        url.map_or(Ok(()), |url| queue_url::check(url, &self.settings.place))?;
        let config = self.sdk(identity).await?;
        let url = url.map_or_else(|| self.settings.queue_url(&self.settings.names.queue), str::to_owned);
        Ok(Arc::new(SqsQueue::new(aws_sdk_sqs::Client::new(&config), url)))
    }

    /// The stack's dead-letter queue.
    ///
    /// # Errors
    /// As for [`Self::queue`].
    pub async fn dead_letters(&self, identity: Identity) -> Result<Arc<dyn Queue>> {
        self.queue(identity, Some(&self.settings.queue_url(&self.settings.names.dead_letter_queue))).await
    }

    /// Where `to` leads, in the person's name; what is put there by the run called `run` differs from what others put.
    ///
    /// # Errors
    /// When the state directory cannot be used, or a queue or table cannot be looked at; `Input` when the table's key does not fit.
    pub async fn sink(&self, to: &Destination, run: &str) -> Result<Arc<dyn Sink>> {
        aws::sink::sink(&self.sdk(Identity::Administrator).await?, to, run).await
    }

    /// What builds the readers of triggers, in the name of KEDA's operator.
    ///
    /// # Errors
    /// When the state directory cannot be used.
    pub async fn scalers(&self) -> Result<Arc<dyn Scalers>> {
        let objects = self.objects().await?;
        Ok(Arc::new(self.scalers_over(self.object_namespace(), objects, self.keda_objects().await?).await?))
    }

    /// The stack's Kubernetes objects: files on this machine, or the cluster's own in the stack's namespace.
    ///
    /// # Errors
    /// `Input` when the kubeconfig has no such context.
    pub async fn objects(&self) -> Result<Arc<dyn Objects>> {
        self.objects_in(self.object_namespace()).await
    }

    /// The Kubernetes objects in KEDA's namespace.
    ///
    /// # Errors
    /// As [`Self::objects`].
    pub async fn keda_objects(&self) -> Result<Arc<dyn Objects>> {
        self.objects_in(&self.settings.names.keda_namespace).await
    }

    /// The result analyzer at `url`; the stack's own, in process or through the API server's proxy, when absent or, on the local target, when `url` is the name that the
    /// manifests give the stack's own service.
    ///
    /// # Errors
    /// `Input` when `url` is not one; `State` when the stack's own cannot be opened.
    pub async fn analyzer(&self, url: Option<&str>) -> Result<Arc<dyn Analyzer>> {
        let own = analyzer_url(&self.settings);
        let is_here = |url: &str| self.settings.target == Target::Local && url.trim_end_matches('/') == own;
        if let Some(url) = url.filter(|url| !is_here(url)) {
            let variable = |name: &str| std::env::var(name).ok();
            return Ok(Arc::new(analyzer::Client::http(&analyzer::service::resolve(url, variable))?));
        }
        if self.settings.target != Target::Local {
            let names = &self.settings.names;
            let router = kube::service_router(self.cluster().await?, &names.namespace, &names.analyzer_service);
            return Ok(Arc::new(analyzer::Client::in_process(router)));
        }
        Ok(Arc::new(analyzer::Client::in_process(self.analyzer_router()?)))
    }

    /// The stack's own result analyzer, to be served on a port or called in process.
    ///
    /// # Errors
    /// `State` when its file cannot be opened.
    pub fn analyzer_router(&self) -> Result<axum::Router> {
        let store = AnalyzerStore::open(&self.settings.stack_dir().join("analyzer.db"))?;
        Ok(analyzer::router(store))
    }

    /// The state file of the job or replica called `name`, if one of that name was made on this machine.
    ///
    /// # Errors
    /// `State` when it cannot be written.
    pub fn job_status(&self, name: &str) -> Result<Option<process::Status>> {
        process::Status::find(&self.settings.stack_dir(), name)
    }

    /// The work of running `command`, the program first, in the job called `name`.
    ///
    /// # Errors
    /// `Input` when there is no such program.
    pub fn command(&self, name: &str, command: Vec<String>) -> Result<Arc<dyn Work>> {
        let scratch = self.settings.stack_dir().join("work").join(name);
        Ok(Arc::new(process::command::CommandWork::new(command, scratch)?))
    }

    /// The artifacts at `location` (a directory or `s3://bucket/prefix`); the stack's own folder when absent.
    ///
    /// # Errors
    /// `Input` when `location` is neither; `State` when the folder cannot be made.
    pub fn artifacts(&self, location: Option<&str>) -> Result<Arc<dyn Artifacts>> {
        let own = self.settings.stack_dir().join("artifacts");
        let location = location.map_or_else(|| own.to_string_lossy().into_owned(), str::to_owned);
        Ok(Arc::new(ObjectArtifacts::open(&location)?))
    }

    /// The journal's reading side.
    ///
    /// # Errors
    /// None today; reading has some.
    pub fn journal(&self) -> Result<Arc<dyn Journal>> {
        Ok(Arc::new(journal::Journal::open(&self.settings.stack_dir().join("journal"))))
    }

    /// A new file of the journal for one run of `verb`.
    ///
    /// # Errors
    /// `State` when it cannot be made.
    pub fn journal_writer(&self, verb: &str) -> Result<Box<dyn Reporter>> {
        Ok(Box::new(journal::Writer::create(&self.settings.stack_dir().join("journal"), verb)?))
    }

    /// Writes what later commands need not be told again; readable by its owner only.
    ///
    /// # Errors
    /// `State` when the file cannot be written.
    pub fn remember(&self) -> Result<()> {
        memory::remember(&self.settings)
    }

    /// What the stack was set up with before, if it was.
    ///
    /// # Errors
    /// `State` when what was remembered cannot be read; `Input` when it cannot be used.
    pub fn previous(&self) -> Result<Option<Settings>> {
        memory::previous(&self.settings)
    }

    /// Removes the stack's folder: journal, jobs, artifacts, counts, and what was remembered.
    ///
    /// # Errors
    /// `State` when it cannot be removed.
    pub fn forget(&self) -> Result<()> {
        memory::forget(&self.settings)
    }
}

impl Backend {
    /// A new file of the journal of runs.
    ///
    /// # Errors
    /// `State` when it cannot be made.
    pub fn run_journal(&self) -> Result<Box<dyn Reporter>> {
        Ok(Box::new(journal::Writer::create(&self.settings.state_dir.join("runs/journal"), "run")?))
    }

    /// What is ordered of KEDA, where KEDA scales.
    fn controller(&self, facts: &Facts) -> Result<Option<Order>> {
        let needed = facts.needs(Template::KedaValues);
        needed.then(|| Ok(Order::new(&self.settings, Template::KedaValues.render(facts)?))).transpose()
    }

    /// The SDK's configuration for `identity`.
    async fn sdk(&self, identity: Identity) -> Result<SdkConfig> {
        let wire = self.wire().await?;
        let credentials = self.credentials(&wire, identity).await?;
        Ok(config::configure(&wire, &self.settings.place.region, Some(credentials)))
    }

    /// The SDK's configuration for the person away from the embedded service.
    async fn administrator(&self) -> Result<SdkConfig> {
        let wire = self.wire().await?;
        Ok(config::configure(&wire, &self.settings.place.region, Some(self.person(&wire))))
    }

    /// The person's own credentials; an emulator on this machine takes any.
    fn person(&self, wire: &Wire) -> SharedCredentialsProvider {
        config::ambient(wire, self.settings.is_on_this_machine().then(config::administrator))
    }

    fn own(&self) -> Own {
        Own { profile: self.settings.profile.clone(), endpoint_url: self.settings.endpoint_url.clone() }
    }

    async fn wire(&self) -> Result<Wire> {
        match self.settings.aws() {
            Aws::Embedded => Ok(Wire::over(self.emulator().await?.http_client())),
            Aws::Endpoint(_) | Aws::Real => Wire::own(&self.own(), &self.settings.place.region).await,
        }
    }

    async fn objects_in(&self, namespace: &str) -> Result<Arc<dyn Objects>> {
        Ok(match self.settings.target {
            _ if self.leaves_cluster_out => Arc::new(NoCluster),
            Target::Local => Arc::new(self.files(namespace)),
            Target::Cluster | Target::Eks => {
                let others = Arc::new(KubeObjects::new(self.cluster().await?, namespace));
                if !self.keeps_keda_kinds().await? {
                    return Ok(others);
                }
                Arc::new(PartedObjects { keda: Arc::new(self.files(namespace)), others })
            }
        })
    }

    /// The objects in `namespace` that are files.
    fn files(&self, namespace: &str) -> FileObjects {
        FileObjects::new(self.settings.stack_dir().join("objects")).of_namespace(&self.settings.names.namespace, namespace)
    }

    /// The namespace of the objects.
    #[must_use]
    pub fn object_namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(&self.settings.names.namespace)
    }

    async fn emulator(&self) -> Result<&Emulator> {
        self.emulator.get_or_try_init(async || Emulator::open(&self.settings.state_dir.join("aws.db"))).await
    }

    /// The credentials of `identity`. Elsewhere than at the embedded service nobody issues tokens to this machine, so
    /// that the person's own credentials serve for every identity.
    async fn credentials(&self, wire: &Wire, identity: Identity) -> Result<SharedCredentialsProvider> {
        let Settings { names, place, .. } = &self.settings;
        if self.settings.aws() != Aws::Embedded {
            return Ok(self.person(wire));
        }
        let (role, session) = match identity {
            Identity::Administrator => return Ok(config::administrator()),
            Identity::Operator => (place.iam_arn(&format!("role/{}", names.operator_role)), "KEDA"),
            Identity::Workload => (self.workload_role().await?, names.service_account.as_str()),
        };
        let unsigned = config::configure(wire, &place.region, None);
        let web_identity = WebIdentity::new(&unsigned, role, session, self.mint(identity).await?);
        Ok(SharedCredentialsProvider::new(web_identity))
    }

    /// The role that the workload's service account names, as the cluster would tell a pod.
    async fn workload_role(&self) -> Result<String> {
        let name = &self.settings.names.service_account;
        let fault =
            |kind, why: &str| Error::new(kind, format!("could not use the service account `{name}`"), why).hint("run `kedactl setup`");
        let objects = self.objects_in(&self.settings.names.namespace).await?;
        let object = objects.get("ServiceAccount", name).await?.ok_or_else(|| fault(Kind::NotFound, "it does not exist"))?;
        role_of(&object).ok_or_else(|| fault(Kind::Denied, "it has no annotation that names its role"))
    }

    /// Mints tokens as the cluster does for the pods of `identity`.
    async fn mint(&self, identity: Identity) -> Result<Mint> {
        let Settings { names, place, .. } = self.settings.clone();
        let (namespace, account) = match identity {
            Identity::Operator => (names.keda_namespace, KEDA_SERVICE_ACCOUNT.to_owned()),
            _ => (names.namespace, names.service_account),
        };
        let issue = Arc::new((self.emulator().await?.clone(), names.cluster, place.region, namespace, account));
        Ok(Arc::new(move || {
            let issue = issue.clone();
            Box::pin(async move {
                let (emulator, cluster, region, namespace, account) = &*issue;
                emulator.issue_token(cluster, region, namespace, account, AUDIENCE, TOKEN_LIFETIME).await
            })
        }))
    }
}
