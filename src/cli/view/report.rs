//! The report for people: the article's lines, a table, the verdict.

use console::style;
use kedactl::core::{
    ops::report::Reported,
    report::{Fate, Lineage, Spread, Verdict},
};

use crate::cli::ui::Ui;

/// The analyzer's lines, the figures, each message if asked, and the verdict last.
pub(crate) fn human(ui: &Ui, reported: &Reported, messages: bool) -> String {
    let report = &reported.report;
    let mut parts = Vec::new();
    if !reported.counts.is_empty() {
        parts.push(reported.counts.join("\n"));
    }
    if report.verdict != Verdict::Empty {
        parts.push(figures(ui, reported));
    }
    if messages && !report.messages.is_empty() {
        parts.push(lineages(ui, &report.messages));
    }
    let word = match report.verdict {
        Verdict::Proven => style(report.verdict.word()).green().bold(),
        Verdict::Unfinished | Verdict::Empty => style(report.verdict.word()).yellow().bold(),
        _ => style(report.verdict.word()).red().bold(),
    };
    parts.push(format!("Verdict: {word}: {}", report.reason));
    parts.join("\n\n")
}

fn figures(ui: &Ui, reported: &Reported) -> String {
    let report = &reported.report;
    let totals = &report.totals;
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut row = |name: &str, value: String| rows.push([name.to_owned(), value]);
    for (name, value) in [("sent", totals.sent), ("received", totals.received), ("deleted", totals.deleted), ("counted", totals.counted)] {
        row(name, value.to_string());
    }
    // What should be zero is worth a line only when it is not.
    for (name, value) in [
        ("sending cut off", totals.unconfirmed),
        ("refused by SQS", totals.refused),
        ("received again", totals.redelivered),
        ("sent by others", totals.strangers),
        ("counted without an id", totals.anonymous),
    ] {
        if value > 0 {
            row(name, value.to_string());
        }
    }
    for (name, value) in [
        ("lost", totals.lost),
        ("duplicated", totals.duplicated),
        ("dead-lettered", totals.dead_lettered),
        ("unfinished", totals.unfinished),
    ] {
        row(name, value.to_string());
    }
    if totals.jobs > 0 || totals.consumers == 0 {
        row("jobs", format!("{} ({} surplus, {} killed or failed)", totals.jobs, totals.surplus, totals.killed));
    }
    if totals.consumers > 0 {
        row("replicas, other consumers", totals.consumers.to_string());
    }
    if totals.kills > 0 {
        row("killed at work", format!("{} (each gave its message back)", totals.kills));
    }
    if totals.silent > 0 {
        row("jobs without record", totals.silent.to_string());
    }
    if let Some(seconds) = report.drain_seconds {
        row("time to drain", duration(seconds));
    }
    if let Some(spread) = report.wait_seconds {
        row("wait", spread_text(spread));
    }
    if let Some(spread) = report.work_seconds {
        row("work", spread_text(spread));
    }
    ui.table(&["FIGURE", "VALUE"], rows.into_iter().map(Vec::from).collect())
}

fn lineages(ui: &Ui, messages: &[Lineage]) -> String {
    let seconds = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), duration);
    let row = |message: &Lineage| {
        vec![
            message.number.map_or_else(|| "-".to_owned(), |number| number.to_string()),
            message.message_id.clone(),
            fate(message.fate).to_owned(),
            message.receipts.to_string(),
            message.counted.to_string(),
            seconds(message.wait_seconds()),
            seconds(message.work_seconds),
            message.jobs.join(" "),
        ]
    };
    ui.table(&["N", "MESSAGE", "FATE", "RECEIVED", "COUNTED", "WAIT", "WORK", "JOBS"], messages.iter().map(row).collect())
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Waiting => "waiting",
        Fate::Received => "received",
        Fate::Worked => "worked",
        Fate::Done => "done",
        Fate::Miscounted => "miscounted",
        Fate::Duplicated => "duplicated",
    }
}

fn spread_text(spread: Spread) -> String {
    format!("p50 {}, p95 {}, max {}", duration(spread.p50), duration(spread.p95), duration(spread.max))
}

fn duration(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}
