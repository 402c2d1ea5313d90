//! What `run` shows: a table of objects, live or once.

use console::style;
use jiff::Timestamp;
use kedactl::core::{
    event::{Event, What},
    ops::{
        run::{Forecast, sources::Prepared},
        watch::Outlook,
    },
    roster::{Roster, Row, in_words, value},
};
use serde::Serialize;

use super::{
    figures::{age, counted, wrap},
    lines::stamp,
};
use crate::cli::{live::View, table::table};

/// From this width on, the arithmetic is shown in the table.
const WIDE: usize = 120;
/// Faults shown below the table.
const FAULTS: usize = 3;

/// The view of a run.
#[derive(Debug)]
pub(crate) struct Running {
    title: String,
    roster: Roster,
}

impl Running {
    pub(crate) fn new(title: String, roster: Roster) -> Self {
        Self { title, roster }
    }
}

impl View for Running {
    fn take(&mut self, event: &Event) {
        self.roster.apply(event);
    }

    fn frame(&self, now: Timestamp, (rows, columns): (usize, usize)) -> Option<Vec<String>> {
        self.roster.started_at.map(|started| {
            let up = age(now.duration_since(started).as_secs());
            frame(&self.roster, &self.title, &up, (rows, columns))
        })
    }

    fn line(&mut self, event: &Event) -> Option<String> {
        line(event)
    }

    fn summary(&self) -> String {
        let Roster { rows, polls, scalings, created, complete, failed, errors, started_at, last_at } = &self.roster;
        let seconds = started_at.zip(*last_at).map_or(0.0, |(first, last)| last.duration_since(first).as_secs_f64());
        let failed = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        let errors = if *errors > 0 { format!("; {} failed", counted(*errors, "read")) } else { String::new() };
        let scalings = if *scalings > 0 { format!("; {}", counted(*scalings, "scaling")) } else { String::new() };
        format!(
            "{} in {seconds:.1} s: {}, {} created, {complete} complete{failed}{scalings}{errors}",
            counted(rows.len() as u64, "object"),
            counted(*polls, "poll"),
            counted(*created, "job"),
        )
    }
}

fn frame(roster: &Roster, title: &str, up: &str, (rows, columns): (usize, usize)) -> Vec<String> {
    let right = format!("{} created, {} complete  {up}", counted(roster.created, "job"), roster.complete);
    let gap = columns.saturating_sub(console::measure_text_width(title) + console::measure_text_width(&right)).max(2);
    let mut lines = vec![format!("{}{}{}", style(title).bold(), " ".repeat(gap), style(right).dim())];
    let faults: Vec<(&String, &String)> = roster.rows.iter().filter_map(|(about, row)| Some((about, row.fault.as_ref()?))).collect();
    let shown_faults = faults.len().min(FAULTS);
    let room = rows.saturating_sub(lines.len() + 2 + shown_faults * 2);
    // Those with something to tell come first, where not all can be shown.
    let mut ordered: Vec<(&String, &Row)> = roster.rows.iter().collect();
    if ordered.len() > room {
        ordered.sort_by_key(|(_, row)| (row.fault.is_none(), row.active != Some(true), std::cmp::Reverse(row.at)));
    }
    let hidden = ordered.len().saturating_sub(room);
    ordered.truncate(room);
    lines.extend(objects(&ordered, columns).lines().map(str::to_owned));
    if let Some(header) = lines.get_mut(1) {
        *header = style(&*header).dim().to_string();
    }
    if hidden > 0 {
        lines.push(style(format!("+ {hidden} more")).dim().to_string());
    }
    for (about, fault) in faults.into_iter().take(FAULTS) {
        lines.extend(wrap(&format!("! {about}: {fault}"), columns, 2).into_iter().take(2).map(|line| style(line).yellow().to_string()));
    }
    lines.truncate(rows);
    lines
}

fn objects(rows: &[(&String, &Row)], columns: usize) -> String {
    let cells = |(about, row): &(&String, &Row)| {
        let active = match row.active {
            None => "-",
            Some(true) => "yes",
            Some(false) => "no",
        };
        let (words, arithmetic) = row.decided.clone().unwrap_or_else(|| ("not polled yet".to_owned(), String::new()));
        let last = if columns >= WIDE && !arithmetic.is_empty() { arithmetic } else { words };
        let value = if row.values.is_empty() { "-".to_owned() } else { row.values.join(" ") };
        vec![
            (*about).clone(),
            short_kind(&row.kind).to_owned(),
            row.triggers.join(","),
            value,
            active.to_owned(),
            row.running().to_string(),
            last,
        ]
    };
    table(columns, &["OBJECT", "KIND", "TRIGGERS", "VALUE", "ACTIVE", "RUN", "LAST DECISION"], rows.iter().map(cells).collect())
}

/// kubectl's short names.
fn short_kind(kind: &str) -> &str {
    match kind {
        "ScaledJob" => "sj",
        "ScaledObject" => "so",
        other => other,
    }
}

/// One plain line for an event that is worth one.
fn line(event: &Event) -> Option<String> {
    let (word, text) = match &event.what {
        What::Polled { decision, .. } => ("poll", decision.explain()),
        What::ObjectPolled { why, .. } => ("poll", why.clone()),
        What::HpaSynced { decision, why, .. } if decision.rescales() => ("hpa", why.clone()),
        What::Scaled { target, from, to, by } => ("scale", format!("{target}: {from} -> {to} by {}", by.word())),
        What::JobCreated { job, .. } => ("job", format!("{job} created")),
        What::JobChanged { job, state, reason, .. } if state.is_finished() => {
            ("job", format!("{job} {}", reason.as_deref().unwrap_or("ended")))
        }
        What::JobDeleted { job, reason } => ("job", format!("{job} deleted ({reason})")),
        What::ScalerFailed { metric, error } => ("error", format!("{metric}: {error}")),
        What::Paused { paused: true } => ("pause", "paused".to_owned()),
        What::Drained { .. } => ("end", "drained".to_owned()),
        What::Warning { message } => ("warning", message.clone()),
        _ => return None,
    };
    Some(format!("{} {word:8} {}: {text}", stamp(event.at), event.about.as_deref().unwrap_or("run")))
}

/// One look at what triggers name.
#[derive(Debug, Serialize)]
pub(crate) struct Looked<'a> {
    /// What --create-sources found or made.
    pub(crate) sources: &'a [Prepared],
    /// What KEDA would do with each object.
    pub(crate) objects: &'a [Forecast],
}

/// What --create-sources found or made, as text.
pub(crate) fn sources(prepared: &[Prepared], columns: usize) -> String {
    if prepared.is_empty() {
        return "No trigger names a source that is to be made.".to_owned();
    }
    let cells = |one: &Prepared| vec![one.id.kind.to_owned(), one.id.name.clone(), one.state.word().to_owned()];
    table(columns, &["RESOURCE", "NAME", "STATE"], prepared.iter().map(cells).collect())
}

/// Forecasts as text: a table, then each object's arithmetic.
pub(crate) fn forecasts(forecasts: &[Forecast], roster: &Roster, columns: usize) -> String {
    let cells = |forecast: &Forecast| {
        let row = roster.rows.get(&forecast.object);
        let kind = row.map(|row| short_kind(&row.kind)).unwrap_or_default().to_owned();
        let triggers = row.map(|row| row.triggers.join(",")).unwrap_or_default();
        let (values, active, words) = match &forecast.decision {
            Some(Outlook::Object(object)) => {
                let values: Vec<String> = object.poll.triggers.iter().map(|trigger| value(&trigger.reading)).collect();
                let current = object.poll.current;
                let woken = object.poll.activation.replicas.unwrap_or(current);
                (
                    values.join(" "),
                    if object.poll.is_active { "yes" } else { "no" },
                    format!("{current} -> {woken} -> {}", object.hpa.result),
                )
            }
            Some(Outlook::Job(decision)) => {
                let values: Vec<String> = decision.triggers.iter().map(|trigger| value(&trigger.reading)).collect();
                (values.join(" "), if decision.is_active { "yes" } else { "no" }, in_words(decision))
            }
            None => ("-".to_owned(), "-", "cannot be run".to_owned()),
        };
        vec![forecast.object.clone(), kind, triggers, values, active.to_owned(), words]
    };
    let rows = forecasts.iter().map(cells).collect();
    let mut text = table(columns, &["OBJECT", "KIND", "TRIGGERS", "VALUE", "ACTIVE", "DECISION"], rows);
    for forecast in forecasts {
        let arithmetic = wrap(&format!("  {}", forecast.explained), columns, 2).join("\n");
        text += &[String::new(), String::new(), style(&forecast.object).bold().to_string(), arithmetic].join("\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use kedactl::core::{
        event::What,
        keda::{
            decision::{Rules, TriggerReading, decide},
            jobs::Counts,
        },
    };

    use super::*;

    #[test]
    fn a_frame_fits_its_columns_and_rows_whatever_there_is_to_tell() {
        let long = |index: usize| format!("a-namespace-of-some-length/an-object-with-a-long-name-{index}");
        let objects = (0..40).map(|index| (long(index), "ScaledJob".to_owned(), vec!["aws-sqs-queue".to_owned(), "kafka".to_owned()]));
        let mut running = Running::new("run: 40 objects".to_owned(), Roster::of(objects));
        for index in 0..40 {
            let readings = [TriggerReading::failed("s0-aws-sqs-q", &"access denied ".repeat(12)), TriggerReading::failed("s1-kafka", "no")];
            let decision = Box::new(decide(&Rules::default(), &readings, Counts::default()));
            for what in [
                What::ScalerFailed { metric: "s0-aws-sqs-q".to_owned(), error: "access denied ".repeat(12) },
                What::Polled { depths: Vec::new(), decision, timing: None },
            ] {
                running.take(&Event { about: Some(long(index)), ..Event::now(what) });
            }
        }
        for (rows, columns) in [(24, 80), (40, 160), (10, 60)] {
            let frame = running.frame(Timestamp::now(), (rows, columns)).expect("begun");
            assert!(frame.len() <= rows, "{} lines in {rows}", frame.len());
            for line in &frame {
                assert!(console::measure_text_width(line) <= columns, "{columns}: {line}");
            }
            assert!(frame.iter().any(|line| line.contains("more")), "{frame:?}");
        }
    }
}
