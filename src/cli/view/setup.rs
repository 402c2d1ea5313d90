//! A plan for people: one line for each step, what drifted below it, and what it comes to.

use console::style;
use kedactl::core::{
    ops::setup::Outcome,
    plan::{Action, Plan, Step},
    settings::{Settings, TriggerKind},
    stack::{BACKLOG_DIMENSION, BACKLOG_METRIC, Names, TABLE_KEY, TABLE_PARTITION},
};

use super::{checks, figures::counted};
use crate::cli::ui::Ui;

/// The steps as a table, with the commands that they replace if `explained`, and the sum of it.
pub(crate) fn plan(ui: &Ui, plan: &Plan, explained: bool) -> String {
    let table = steps(ui, plan.steps.iter());
    let mut lines = table.lines();
    let mut text: Vec<String> = lines.next().map(str::to_owned).into_iter().collect();
    for (line, step) in lines.zip(&plan.steps) {
        text.push(line.to_owned());
        text.extend(step.differences.iter().map(|difference| {
            let actual = if difference.actual.is_empty() { "nothing" } else { &difference.actual };
            format!(
                "        {}: {actual} -> {}",
                difference.field,
                if difference.wanted.is_empty() { "nothing" } else { &difference.wanted }
            )
        }));
        if explained {
            text.extend(step.replaces.iter().map(|command| format!("        {}", style(format!("$ {command}")).dim())));
        }
    }
    text.push(String::new());
    text.push(format!("Plan: {}", sum(&plan.steps)));
    text.join("\n")
}

/// One line for each step; the reasons only where there are some.
pub(crate) fn steps<'a>(ui: &Ui, steps: impl Iterator<Item = &'a Step> + Clone) -> String {
    let header = ["ACTION", "KIND", "NAME", "WHY"];
    let columns = if steps.clone().any(|step| !step.why.is_empty()) { 4 } else { 3 };
    let rows = steps.map(|step| {
        let cells = [word(step.action), step.id.kind.to_owned(), step.id.name.clone(), step.why.clone()];
        cells.into_iter().take(columns).collect()
    });
    ui.table(&header[..columns], rows.collect())
}

/// How what scales the stack of `settings` is fed.
pub(crate) fn next(settings: &Settings) -> String {
    let Names { stack, stream, table, metric_namespace, .. } = &settings.names;
    match settings.trigger {
        TriggerKind::Sqs => "kedactl produce --count 10".to_owned(),
        TriggerKind::Kinesis => format!("kedactl produce --to kinesis://{stream}"),
        TriggerKind::DynamoDb | TriggerKind::DynamoDbStreams => {
            format!("kedactl produce --to 'dynamodb://{table}?{TABLE_KEY}={TABLE_PARTITION}'")
        }
        TriggerKind::CloudWatch => {
            format!("kedactl produce --to 'cloudwatch://{metric_namespace}/{BACKLOG_METRIC}?{BACKLOG_DIMENSION}={stack}' --value 10")
        }
    }
}

/// What was done.
pub(crate) fn summary(outcome: &Outcome) -> String {
    let done = done(outcome);
    if outcome.checks.is_empty() { done } else { format!("{}\n{done}", checks::human(&outcome.checks)) }
}

fn done(outcome: &Outcome) -> String {
    if outcome.changes == 0 {
        return format!("Nothing to change: {} are as they should be", counted(outcome.plan.steps.len() as u64, "object"));
    }
    let done = [(Action::Create, "created"), (Action::Update, "updated")].map(|(action, word)| (count(&outcome.plan.steps, action), word));
    let done: Vec<String> = done.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    format!("Done: {}", done.join(", "))
}

fn count(steps: &[Step], action: Action) -> usize {
    steps.iter().filter(|step| step.action == action).count()
}

fn sum(steps: &[Step]) -> String {
    let count = |action| count(steps, action);
    let blocked = match count(Action::Blocked) {
        0 => String::new(),
        blocked => format!(", {blocked} not ours"),
    };
    format!("{} to create, {} to update, {} to keep{blocked}", count(Action::Create), count(Action::Update), count(Action::Keep))
}

/// The action's word in its colour.
fn word(action: Action) -> String {
    let word = style(action.word());
    match action {
        Action::Create => word.green(),
        Action::Update => word.yellow(),
        Action::Keep => word.dim(),
        Action::Delete | Action::Blocked => word.red(),
    }
    .to_string()
}
