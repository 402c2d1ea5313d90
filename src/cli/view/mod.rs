//! How outcomes look to a person; each is also `Serialize`, for `--output json`.

pub(crate) mod checks;
pub(crate) mod consume;
pub(crate) mod doctor;
pub(crate) mod figures;
pub(crate) mod lines;
pub(crate) mod produce;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod setup;
pub(crate) mod status;
pub(crate) mod target;
pub(crate) mod teardown;
pub(crate) mod watch;

/// The heading of one part of several.
pub(crate) fn heading(part: usize, parts: usize, text: &str) -> String {
    format!("\n{} {}", console::style(format!("[{part}/{parts}]")).for_stderr().cyan().bold(), console::style(text).for_stderr().bold())
}
