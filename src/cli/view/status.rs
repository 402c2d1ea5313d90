//! A stack as it is now, for people.

use console::style;
use jiff::Timestamp;
use kedactl::core::{
    expiry,
    ops::status::{ObjectCounts, QueueStatus, ReplicaCounts, SourceStatus, Status},
    plan::Observed,
    settings::Settings,
};

use super::{figures::age, setup};
use crate::cli::ui::Ui;

/// The stack's figures, and every object if `listed`.
pub(crate) fn human(ui: &Ui, status: &Status, listed: bool) -> String {
    let mut parts = Vec::new();
    if status.is_set_up {
        parts.push(figures(ui, status));
    } else {
        parts.push(format!("Stack `{}` is not set up", status.stack));
    }
    if listed {
        let rows = status.resources.iter().map(|one| {
            let (state, why) = seen(&one.observed);
            vec![one.id.kind.to_owned(), one.id.name.clone(), state, why]
        });
        parts.push(ui.table(&["KIND", "NAME", "STATE", "WHY"], rows.collect()));
    }
    parts.join("\n\n")
}

/// What one would do next.
pub(crate) fn next(status: &Status, settings: &Settings) -> String {
    let waiting = status.queue.depth.is_some_and(|depth| depth.total() > 0);
    match status.objects {
        _ if !status.is_set_up => "kedactl setup".to_owned(),
        ObjectCounts { drifted, absent, .. } if drifted + absent > 0 => "kedactl setup".to_owned(),
        _ if waiting || status.jobs.pending + status.jobs.running > 0 || status.replicas.is_some_and(|one| one.current > 0) => {
            "kedactl watch".to_owned()
        }
        _ => setup::next(settings),
    }
}

fn figures(ui: &Ui, status: &Status) -> String {
    let jobs = &status.jobs;
    let since = |at: Timestamp| format!("{} ago", age(Timestamp::now().duration_since(at).as_secs()));
    let expiry = status.expires_at.map(|at| ("expires", expiry::describe(at, Timestamp::now())));
    let replicas = status.replicas.map(|one| {
        let ReplicaCounts { wanted, current, ready, ending } = one;
        ("replicas", format!("{wanted} wanted, {current} there, {ready} ready, {ending} ending"))
    });
    let rows = [
        ("queue", depth(&status.queue)),
        ("dead letters", depth(&status.dead_letter_queue)),
        ("jobs", format!("{} pending, {} running, {} complete, {} failed", jobs.pending, jobs.running, jobs.complete, jobs.failed)),
        ("scaler", status.scaler.clone().unwrap_or_else(|| "none".to_owned())),
        ("objects", objects(&status.objects)),
        ("last activity", status.last_activity.map_or_else(|| "none".to_owned(), since)),
    ];
    let source = status.source.as_ref().map(|one| ("source", source(one)));
    let rows = rows.into_iter().chain(source).chain(replicas).chain(expiry).map(|(name, value)| vec![name.to_owned(), value]).collect();
    ui.table(&["STACK", &status.stack], rows)
}

fn depth(queue: &QueueStatus) -> String {
    match queue.depth {
        Some(depth) => format!("{}: {} visible, {} in flight, {} delayed", queue.name, depth.visible, depth.in_flight, depth.delayed),
        None => format!("{}: absent", queue.name),
    }
}

fn source(source: &SourceStatus) -> String {
    let (word, name) = (source.trigger.source_word(), &source.name);
    match (source.value, &source.error) {
        (Some(value), _) => format!("{word} {name}: {}", source.trigger.counted(value)),
        (None, Some(error)) => error.clone(),
        (None, None) => format!("{word} {name}: absent"),
    }
}

fn objects(counts: &ObjectCounts) -> String {
    let all = [(counts.ready, "ready"), (counts.drifted, "drifted"), (counts.absent, "absent"), (counts.foreign, "not ours")];
    let told = all.into_iter().filter(|(count, word)| *count > 0 || *word == "ready");
    told.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

fn seen(observed: &Observed) -> (String, String) {
    match observed {
        Observed::Ready => (style("ready").green().to_string(), String::new()),
        Observed::Absent => (style("absent").dim().to_string(), String::new()),
        Observed::Refused { why, .. } => (style("absent").dim().to_string(), why.clone()),
        Observed::Foreign { why } | Observed::Borrowed { why, .. } => (style("not ours").yellow().to_string(), why.clone()),
        Observed::Drifted { differences } => {
            let fields: Vec<&str> = differences.iter().map(|difference| difference.field.as_str()).collect();
            (style("drifted").red().to_string(), fields.join(", "))
        }
    }
}
