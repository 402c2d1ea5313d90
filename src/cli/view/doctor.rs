//! What `doctor` found, for people: one line for each check, its repair below it, and the sum.

use console::style;
use kedactl::core::{
    check::{Check, CheckState},
    ops::doctor::Diagnosis,
};

use super::figures::counted;

/// Every part with its checks; only those that are not as they should be if `problems`.
pub(crate) fn human(diagnosis: &Diagnosis, problems: bool) -> String {
    let mut lines = Vec::new();
    for part in &diagnosis.parts {
        let told: Vec<&Check> =
            part.checks.iter().filter(|check| !problems || matches!(check.state, CheckState::Failed | CheckState::Warned)).collect();
        if !told.is_empty() {
            lines.push(style(part.name).bold().to_string());
            lines.extend(told.into_iter().map(line));
        }
    }
    let sum = match (diagnosis.failed, diagnosis.warned) {
        (0, 0) => "Nothing is wrong".to_owned(),
        (0, warned) => format!("Nothing is wrong, {}", counted(warned as u64, "warning")),
        (failed, warned) => format!("{failed} wrong, {}", counted(warned as u64, "warning")),
    };
    lines.push(format!("\n{sum}"));
    lines.join("\n")
}

/// A mark and a word for the state: either survives without the other, and both without colour.
fn line(check: &Check) -> String {
    let state = match check.state {
        CheckState::Passed => style("✓ ok     ").green(),
        CheckState::Warned => style("! warning").yellow(),
        CheckState::Failed => style("✗ wrong  ").red(),
        CheckState::Skipped => style("- skipped").dim(),
    };
    let detail = if check.detail.is_empty() { String::new() } else { format!(": {}", check.detail) };
    let repair = check.repair.as_ref().map(|repair| format!("\n              repair: {repair}")).unwrap_or_default();
    format!("  {state}  {}{detail}{repair}", check.name)
}
