//! One thing that was looked at, whether it is as it should be, and what repairs it: `setup` ends with such a list, `doctor` is one.

use serde::Serialize;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// As it should be.
    Passed,
    /// Works, and is worth knowing.
    Warned,
    /// Wrong: something will not work.
    Failed,
    /// Not looked at, because something before it failed or it does not apply here.
    Skipped,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, such as `keda-operator is available`.
    pub name: String,
    /// How it came out.
    pub state: CheckState,
    /// What was found, in a few words.
    pub detail: String,
    /// The command or change that repairs it; absent where nothing needs repair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<String>,
}

impl Check {
    /// `name` is as it should be: `detail` was found.
    pub fn passed(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state: CheckState::Passed, detail: detail.into(), repair: None }
    }

    /// `name` works, but `detail` is worth knowing.
    pub fn warned(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state: CheckState::Warned, detail: detail.into(), repair: None }
    }

    /// `name` is wrong: `detail` was found.
    pub fn failed(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state: CheckState::Failed, detail: detail.into(), repair: None }
    }

    /// `name` was not looked at, for the reason `detail`.
    pub fn skipped(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state: CheckState::Skipped, detail: detail.into(), repair: None }
    }

    /// Adds what repairs it.
    #[must_use]
    pub fn repair(mut self, repair: impl Into<String>) -> Self {
        self.repair = Some(repair.into());
        self
    }

    /// Whether something will not work.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.state == CheckState::Failed
    }
}
