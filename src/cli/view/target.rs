//! Where a stack runs, and which stacks are remembered, for people.

use kedactl::core::ops::target::{Remembered, Setting, Whereabouts};

use crate::cli::ui::Ui;

/// Each setting, its value, and where it came from.
pub(crate) fn human(ui: &Ui, found: &Whereabouts) -> String {
    let state = if found.is_set_up { "is set up" } else { "is not set up" };
    let rows = found.settings.iter().map(|one| vec![one.name.to_owned(), value(one), origin(one)]);
    let table = ui.table(&["SETTING", "VALUE", "ORIGIN"], rows.collect());
    format!("Stack `{}` {state} on the target `{}`\n\n{table}", found.stack, found.target.word())
}

/// Every stack with its target, region, cluster and namespace.
pub(crate) fn stacks(ui: &Ui, stacks: &[Remembered]) -> String {
    if stacks.is_empty() {
        return "No stack is remembered on this machine".to_owned();
    }
    let rows = stacks.iter().map(|one| {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let state = if one.is_set_up { "set up" } else { "chosen" };
        vec![one.stack.to_string(), one.target.clone(), state.to_owned(), text(&one.region), text(&one.cluster), text(&one.expires_at)]
    });
    ui.table(&["STACK", "TARGET", "STATE", "REGION", "CLUSTER", "EXPIRES"], rows.collect())
}

fn value(setting: &Setting) -> String {
    let nobody_asked = if setting.name == "account" { "the credentials' own" } else { "-" };
    setting.value.clone().unwrap_or_else(|| nobody_asked.to_owned())
}

fn origin(setting: &Setting) -> String {
    match setting.origin {
        Some(origin) => origin.to_string(),
        None if setting.value.is_some() => "follows from the target".to_owned(),
        None => String::new(),
    }
}
