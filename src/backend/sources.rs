//! What a run makes in the embedded service so that its triggers can be read: by one run at a time, and written down while it is there.

use std::{
    fs::{self, File},
    path::PathBuf,
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    Backend,
    aws::{config, resources},
    files, memory,
};
use crate::core::{
    error::{Error, Kind, Result},
    event::Reporter,
    needs::{Keda, Needs, Order},
    ops::run::sources::{Prepared, State, prepare, remove},
    plan::{Observed, ResourceId},
    ports::Resource,
    settings::{Auth, Aws, Settings},
    stack::{Names, StackName},
};

/// What the name of a run's own stack ends in.
const ENDING: &str = "-run";
/// What is written down, in the folder of that stack.
const RECORD: &str = "sources.json";
/// Held while a run makes sources.
const LOCK: &str = "sources.lock";
/// What a run shares with what earlier ones kept.
const COMMON: [&str; 2] = ["eks cluster", "oidc provider"];

/// What is there, or may be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Record {
    /// Runs were told to keep it.
    kept: Order,
    /// A run made it, or was about to: it is removed when that has ended, however it did.
    made: Order,
}

/// Whether what a run made stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It goes with the run.
    Removed,
    /// It stays, for later runs and for `teardown`.
    Kept,
}

/// The sources of one run, and KEDA's identity for reading them.
pub struct RunSources {
    backend: Backend,
    _lock: File,
    record: Record,
    order: Order,
    resources: Vec<Box<dyn Resource>>,
    prepared: Vec<Prepared>,
}

impl Backend {
    /// The right to make sources for a run. What a run that died had made is removed first.
    ///
    /// # Errors
    /// `Input` where AWS is not the embedded service, or the stack's name is too long or taken; `Busy` when another run has the right.
    pub async fn run_sources(&self) -> Result<RunSources> {
        let settings = run_settings(&self.settings)?;
        let refused = |at: &str| {
            let error =
                Error::input("--create-sources", at, "sources and roles are made in the embedded service only: elsewhere they cost money");
            error.hint("make them there yourself, or choose the embedded service: kedactl target local, or another --stack")
        };
        match self.settings.aws() {
            Aws::Embedded => {}
            Aws::Endpoint(url) => return Err(refused(url)),
            Aws::Real => return Err(refused("AWS")),
        }
        if memory::previous(&settings)?.is_some() {
            let why = format!("a stack `{}` is set up, and its name is what the sources of a run would bear", settings.stack);
            return Err(Error::input("--stack", &self.settings.stack, why).hint("choose another one with --stack"));
        }
        let dir = settings.stack_dir();
        files::private_dir(&dir)?;
        let lock = files::lock_file(&dir.join(LOCK))?;
        if lock.try_lock().is_err() {
            let why = format!("another run makes sources for the stack `{}`", self.settings.stack);
            return Err(Error::new(Kind::Busy, "could not make sources", why).hint("wait until it has ended, or choose another --stack"));
        }
        let record = files::read_json::<Record>(&dir.join(RECORD))?.unwrap_or_default();
        let backend = Self::connect(&settings)?;
        let mut sources = RunSources { backend, _lock: lock, record, order: Order::default(), resources: Vec::new(), prepared: Vec::new() };
        sources.clear().await?;
        Ok(sources)
    }

    /// What runs of the stack made, where this is the stack of a run.
    pub(super) async fn run_resources(&self) -> Result<Vec<Box<dyn Resource>>> {
        let record = files::read_json::<Record>(&self.settings.stack_dir().join(RECORD))?;
        match record.filter(|_| self.settings.aws() == Aws::Embedded) {
            Some(record) => made(self, &named(&self.settings, self.settings.stack.clone()), &record.kept.and(record.made)).await,
            None => Ok(Vec::new()),
        }
    }
}

impl RunSources {
    /// The backend in whose name KEDA's operator reads what is made here.
    #[must_use]
    pub fn keda(&self) -> &Backend {
        &self.backend
    }

    /// The stack that everything made here belongs to.
    #[must_use]
    pub fn stack(&self) -> &StackName {
        &self.backend.settings.stack
    }

    /// Makes what is absent of `needs`; says what is there then.
    ///
    /// # Errors
    /// When something cannot be made: then nothing is.
    pub async fn prepare(&mut self, needs: &Needs, reporter: &dyn Reporter) -> Result<&[Prepared]> {
        if needs.is_empty() {
            return Ok(&[]);
        }
        let Settings { stack, names, place, .. } = &self.backend.settings;
        let issuer_host = place.embedded_issuer(&names.cluster).replace("https://", "");
        let keda = Keda {
            role_arn: place.iam_arn(&format!("role/{}", names.operator_role)),
            provider_arn: place.iam_arn(&format!("oidc-provider/{issuer_host}")),
            issuer_host,
            namespace: names.keda_namespace.clone(),
        };
        self.order = needs.order(stack, &names.operator_role, &keda);
        self.record.made = self.order.clone().without(&self.record.kept);
        self.write()?;
        self.resources = made(&self.backend, &self.backend.settings, &self.order).await?;
        self.prepared = match prepare(&self.resources, reporter).await {
            Ok(prepared) => prepared,
            Err(error) => {
                self.clear().await?;
                return Err(error);
            }
        };
        Ok(&self.prepared)
    }

    /// Removes what this run made, or keeps it. Says how many things that were.
    ///
    /// # Errors
    /// The first thing that could not be removed; `teardown` of the stack then can.
    pub async fn end(mut self, fate: Fate, reporter: &dyn Reporter) -> Result<usize> {
        let count = self.prepared.iter().filter(|one| one.state == State::Created).count();
        if fate == Fate::Kept {
            self.record =
                Record { kept: std::mem::take(&mut self.record.kept).and(std::mem::take(&mut self.order)), made: Order::default() };
            self.write()?;
            return Ok(count);
        }
        if let Some(fault) = remove(&self.resources, &self.prepared, reporter).await.into_iter().next() {
            return Err(fault.hint(format!("run `kedactl teardown --stack {}`", self.stack())));
        }
        self.record.made = Order::default();
        self.write()?;
        Ok(count)
    }

    /// Removes what a run made that is gone.
    async fn clear(&mut self) -> Result<()> {
        let left = std::mem::take(&mut self.record.made).without(&self.record.kept);
        // What is kept needs them.
        let keeps_common = !self.record.kept.is_empty();
        for resource in made(&self.backend, &self.backend.settings, &left).await?.iter().rev() {
            if keeps_common && COMMON.contains(&resource.id().kind) {
                continue;
            }
            match resource.delete().await {
                Err(error) if error.kind != Kind::Foreign => return Err(error),
                _ => {}
            }
        }
        self.write()
    }

    /// Writes down what there is; nothing leaves no file.
    fn write(&self) -> Result<()> {
        let path = self.path();
        if !self.record.kept.is_empty() || !self.record.made.is_empty() {
            return files::replace_json(&path, &self.record);
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(files::fault("remove", &path, &error)),
            _ => Ok(()),
        }
    }

    fn path(&self) -> PathBuf {
        self.backend.settings.stack_dir().join(RECORD)
    }
}

/// The settings of the stack that the sources of a run of `settings`' stack belong to.
fn run_settings(settings: &Settings) -> Result<Settings> {
    let name = format!("{}{ENDING}", settings.stack);
    let too_long =
        |_| Error::input("--stack", &settings.stack, format!("`{name}`, the stack of its sources, would have more than 32 characters"));
    let stack = name.parse().map_err(too_long)?;
    Ok(named(settings, stack))
}

/// `settings` for `stack`, whose cluster is its own.
fn named(settings: &Settings, stack: StackName) -> Settings {
    let Names { namespace, keda_namespace, .. } = &settings.names;
    let names = Names::new(&stack, namespace, keda_namespace, stack.as_str(), "sources");
    Settings { stack, names, auth: Auth::Irsa, expires_at: None, ..settings.clone() }
}

async fn made(backend: &Backend, settings: &Settings, order: &Order) -> Result<Vec<Box<dyn Resource>>> {
    let wire = backend.wire().await?;
    let config = |region: &str| config::configure(&wire, region, Some(config::administrator()));
    let own = |resource| -> Box<dyn Resource> { Box::new(Own(resource)) };
    Ok(resources::trial(&config, settings, order).into_iter().map(own).collect())
}

/// A resource that is the run's alone, although others of its kind are shared.
struct Own(Box<dyn Resource>);

#[async_trait]
impl Resource for Own {
    fn id(&self) -> ResourceId {
        self.0.id()
    }

    fn patience(&self) -> Option<Duration> {
        self.0.patience()
    }

    fn replaces(&self) -> Vec<String> {
        self.0.replaces()
    }

    async fn observe(&self) -> Result<Observed> {
        self.0.observe().await
    }

    async fn apply(&self) -> Result<()> {
        self.0.apply().await
    }

    async fn delete(&self) -> Result<()> {
        self.0.delete().await
    }
}
