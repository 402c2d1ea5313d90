//! How the demo is reached: AWS, processes, the analyzer, the journal. Only this file wires adapters together.

pub mod analyzer;
pub mod artifacts;
pub mod aws;
#[cfg(feature = "local")]
pub mod emulator;
pub mod files;
pub mod journal;
pub mod process;
pub mod store;
pub mod tls;

use std::{path::Path, sync::Arc};

use crate::core::{
    error::{Error, Kind, Result},
    event::Reporter,
    ports::{Analyzer, Artifacts, Jobs, Journal, Lease, Objects, Queue, Resource},
    settings::{Choices, Settings},
    stack::StackName,
};

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
}

impl Backend {
    /// The backend that `settings` ask for. Cheap: opens no file and asks nobody.
    ///
    /// # Errors
    /// `Input` when the settings contradict each other.
    pub fn connect(settings: &Settings) -> Result<Self> {
        Ok(Self { settings: settings.clone() })
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Everything that must exist, in the order in which setup makes it.
    pub async fn resources(&self) -> Result<Vec<Box<dyn Resource>>> {
        Ok(Vec::new())
    }

    /// The queue at `url`; the stack's work queue when absent.
    pub async fn queue(&self, identity: Identity, url: Option<&str>) -> Result<Arc<dyn Queue>> {
        Err(absent(&format!("the queue {url:?} as {identity:?}")))
    }

    /// Jobs on this machine. They work `pace` times faster than the manifest says; `work` replaces the sleep when not empty.
    pub fn jobs(&self, _pace: f64, _work: &[String]) -> Result<Arc<dyn Jobs>> {
        Err(absent("jobs"))
    }

    /// The stack's Kubernetes objects.
    pub fn objects(&self) -> Result<Arc<dyn Objects>> {
        Err(absent("objects"))
    }

    /// The right to scale the stack.
    pub fn lease(&self) -> Result<Arc<dyn Lease>> {
        Err(absent("the lease"))
    }

    /// The result analyzer at `url`; the stack's own, in process, when absent.
    pub fn analyzer(&self, _url: Option<&str>) -> Result<Arc<dyn Analyzer>> {
        Err(absent("the analyzer"))
    }

    /// The artifacts at `location` (a directory or `s3://bucket/prefix`); the stack's own folder when absent.
    pub fn artifacts(&self, _location: Option<&str>) -> Result<Arc<dyn Artifacts>> {
        Err(absent("artifacts"))
    }

    /// The journal's reading side.
    pub fn journal(&self) -> Result<Arc<dyn Journal>> {
        Err(absent("the journal"))
    }

    /// A new file of the journal for one run of `verb`.
    pub fn journal_writer(&self, _verb: &str) -> Result<Box<dyn Reporter>> {
        Err(absent("the journal"))
    }

    /// Writes what later commands need not be told again; readable by its owner only.
    ///
    /// # Errors
    /// `State` when the file cannot be written.
    pub fn remember(&self) -> Result<()> {
        Err(absent("remembering"))
    }
}

fn absent(what: &str) -> Error {
    Error::failed(format!("could not reach {what}"), "this target does not have it")
}

/// What `setup` remembered for `stack`; nothing when it has not run.
///
/// # Errors
/// `State` when the file cannot be read or is not what this version writes.
pub fn remembered(state_dir: &Path, stack: &StackName) -> Result<Choices> {
    let path = state_dir.join("stacks").join(stack.as_str()).join("settings.json");
    let fault = |why: String| Error::new(Kind::State, format!("could not read `{}`", path.display()), why);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| fault(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Choices::new()),
        Err(error) => Err(fault(error.to_string())),
    }
}
