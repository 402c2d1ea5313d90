//! Exit codes: an interface, listed in `--help` and `docs/reference.md`.

use std::process::ExitCode;

/// How a verb ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit(pub(crate) u8);

impl Exit {
    /// Done.
    pub(crate) const DONE: Self = Self(0);
    /// Part of the work failed; what failed was reported.
    pub(crate) const FAILED: Self = Self(1);
    /// Checks failed, or the plan has changes.
    pub(crate) const CHANGES: Self = Self(3);
    /// Ctrl-C or SIGTERM.
    pub(crate) const INTERRUPTED: Self = Self(130);
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
