//! Checks for people: one line for each, and below those that need it what repairs them.

use console::style;
use kedactl::core::check::{Check, CheckState};

/// Every check with what was found.
pub(crate) fn human(checks: &[Check]) -> String {
    let mut lines = Vec::new();
    for check in checks {
        let detail = if check.detail.is_empty() { String::new() } else { format!(": {}", check.detail) };
        lines.push(format!("{} {}{detail}", word(check.state), check.name));
        lines.extend(check.repair.iter().map(|repair| format!("        {}", style(format!("repair: {repair}")).dim())));
    }
    lines.join("\n")
}

/// The state as a word of one width, in its colour.
fn word(state: CheckState) -> String {
    match state {
        CheckState::Passed => style("passed ").green(),
        CheckState::Warned => style("warning").yellow(),
        CheckState::Failed => style("FAILED ").red(),
        CheckState::Skipped => style("skipped").dim(),
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_has_its_repair_below_it() {
        let checks = [Check::passed("a is available", "all replicas"), Check::failed("b", "").repair("kubectl describe b")];
        let text = console::strip_ansi_codes(&human(&checks)).into_owned();
        assert_eq!(text, "passed  a is available: all replicas\nFAILED  b\n        repair: kubectl describe b");
    }
}
