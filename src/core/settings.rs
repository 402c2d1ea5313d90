//! What a command works on: target, stack, place and pace.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::stack::{Names, Place, StackName};

/// Where the demo runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// This machine: embedded AWS services, jobs as child processes.
    #[default]
    Local,
}

/// Everything a backend needs to know, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the demo runs.
    pub target: Target,
    /// The stack.
    pub stack: StackName,
    /// Where state is kept, with one folder for each stack.
    pub state_dir: PathBuf,
    /// Partition, region and account.
    pub place: Place,
    /// The names of the stack's objects.
    pub names: Names,
    /// An AWS endpoint instead of the embedded service.
    pub endpoint_url: Option<String>,
}

impl Settings {
    /// The folder of this stack's journal, objects, jobs and artifacts.
    #[must_use]
    pub fn stack_dir(&self) -> PathBuf {
        self.state_dir.join("stacks").join(self.stack.as_str())
    }
}
