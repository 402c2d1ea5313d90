//! What can go wrong, grouped by what the user can do about it.

use std::{error::Error as StdError, fmt};

/// Shorthand for a result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The group an [`Error`] belongs to; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A flag, a file or a name is wrong: correct it (exit 2).
    Input,
    /// The state directory is unwritable, full, or of a newer version (exit 2).
    State,
    /// AWS or Kubernetes refused: a permission or a trust policy is missing (exit 1).
    Denied,
    /// Something that must exist does not: usually `kedactl setup` is next (exit 1).
    NotFound,
    /// Something exists that is not ours; it was left alone (exit 1).
    Foreign,
    /// Someone else holds what was asked for (exit 1).
    Busy,
    /// A passing fault: throttling, a dropped connection, a timeout. Retrying is safe (exit 1).
    Unavailable,
    /// Anything else that failed (exit 1).
    Failed,
    /// Ctrl-C or SIGTERM (exit 130).
    Interrupted,
}

/// One failure: what was attempted, why it failed, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The group, by what the user can do.
    pub kind: Kind,
    /// What was attempted, lower case, without a trailing stop.
    pub what: String,
    /// Why it failed; empty when `what` says it all.
    pub why: String,
    /// The way out, usually a command.
    pub hint: Option<String>,
    /// The service's own error code (`AccessDenied`, `QueueDoesNotExist`), when a service refused.
    pub code: Option<String>,
}

impl Error {
    /// Makes an error of `kind`.
    pub fn new(kind: Kind, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { kind, what: what.into(), why: why.into(), hint: None, code: None }
    }

    /// A field given by the user has a value that cannot be used; names both.
    pub fn input(field: impl fmt::Display, value: impl fmt::Display, why: impl Into<String>) -> Self {
        Self::new(Kind::Input, format!("invalid {field} `{value}`"), why)
    }

    /// The operation failed in a way that no flag mends.
    pub fn failed(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::new(Kind::Failed, what, why.to_string())
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the service's own error code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The process exit code of this group.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Input | Kind::State => 2,
            Kind::Interrupted => 130,
            _ => 1,
        }
    }

    /// Whether trying again, unchanged, may succeed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.kind == Kind::Unavailable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.why.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.what, self.why) }
    }
}

impl StdError for Error {}

/// `error` and everything below it.
pub fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The cause below all wrappers, which is where the operating system speaks.
#[must_use]
pub fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}
