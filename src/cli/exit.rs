//! Exit codes: an interface, listed in `--help` and `docs/reference.md`.

use std::process::ExitCode;

use kedactl::core::report::Verdict;

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

/// Every exit code and its meaning, in order.
pub(crate) fn table() -> Vec<(u8, String)> {
    let mut table = vec![
        (Exit::DONE.0, "done".to_owned()),
        (Exit::FAILED.0, "failed".to_owned()),
        (2, "a flag, a file or the state directory cannot be used".to_owned()),
        (Exit::CHANGES.0, "checks failed, or the plan has changes".to_owned()),
    ];
    let verdicts = Verdict::ALL.into_iter().filter(|verdict| verdict.exit_code() > 0);
    table.extend(verdicts.map(|verdict| (verdict.exit_code(), format!("report: {}", verdict.word()))));
    table.push((Exit::INTERRUPTED.0, "interrupted".to_owned()));
    table
}

/// The table as a section of `--help`.
pub(crate) fn codes() -> String {
    let lines: Vec<String> = table().iter().map(|(code, meaning)| format!("  {code:<4} {meaning}")).collect();
    format!("Exit codes:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_exit_code_has_two_meanings() {
        let mut codes: Vec<u8> = table().into_iter().map(|(code, _)| code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }
}
