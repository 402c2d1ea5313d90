//! Why a document is refused: IAM's own sentence, and where the fault is.

use std::fmt;

use crate::core::error::{Error, Kind};

/// A document that IAM would refuse with `MalformedPolicyDocument`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The sentence IAM answers with.
    pub message: String,
    /// Where and what, for people: `Statement[0].Effect: "allow" is neither Allow nor Deny`. May be empty.
    pub detail: String,
}

impl Malformed {
    /// IAM's `message` with a `detail` of ours.
    pub fn new(message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { message: message.into(), detail: detail.into() }
    }

    pub(super) fn syntax(path: &str, why: impl fmt::Display) -> Self {
        let at = if path.is_empty() { "document" } else { path };
        Self::new("Syntax errors in policy.", format!("{at}: {why}"))
    }

    pub(super) fn legacy(path: &str, why: impl fmt::Display) -> Self {
        Self::new("The policy failed legacy parsing", format!("{path}: {why}"))
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{} ({})", self.message.trim_end_matches('.'), self.detail)
        }
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(Kind::Input, "malformed policy document", malformed.to_string()).code("MalformedPolicyDocument")
    }
}
