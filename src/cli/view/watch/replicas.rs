//! The replicas of a watch: how many there are, what the HPA found, and each of them.

use console::style;
use jiff::Timestamp;
use kedactl::core::{
    board::{Board, ReplicaRow, Replicas},
    event::ReplicaState,
};

use super::{WIDE, age, counted, listed, wrap};

/// `3/4 ready, 1 ending, peak 6, 2 kills`.
pub(super) fn counts(replicas: &Replicas) -> String {
    let Replicas { wanted, ready, ending, peak, kills, .. } = replicas;
    let ending = if *ending > 0 { format!(", {ending} ending") } else { String::new() };
    format!("{ready}/{wanted} ready{ending}, peak {peak}, {}", counted(*kills, "kill"))
}

/// What the HPA found at its last sync, in at most so many lines; nothing where there is none.
pub(super) fn hpa(board: &Board, columns: usize, most: usize) -> Vec<String> {
    let Some(replicas) = &board.replicas else { return Vec::new() };
    let seen = replicas.seen.iter().flat_map(|seen| wrap(&format!("hpa     {seen}"), columns, 8).into_iter().take(1));
    let Some(synced) = &replicas.synced else { return seen.collect() };
    let label = if replicas.seen.is_some() { "rules" } else { "hpa" };
    let times = if synced.times > 1 { format!("  (x{})", synced.times) } else { String::new() };
    let lines = wrap(&format!("{label:<7} {}{times}", synced.text), columns, 8);
    let paint = |line: String| if synced.acts { line } else { style(line).dim().to_string() };
    seen.chain(lines.into_iter().take(most).map(paint)).collect()
}

/// The replicas, in as many lines as there is `room` for.
pub(super) fn table(replicas: &Replicas, now: Timestamp, columns: usize, room: usize) -> Vec<String> {
    let rows = replicas.rows();
    let cells = |row: &&ReplicaRow| cells(row, now, columns >= WIDE);
    listed(&["REPLICA", "STATE", "AGE", "DONE", "MESSAGE"], &rows, (columns, room), cells, |line, row| painted(line, row))
}

fn cells(row: &ReplicaRow, now: Timestamp, wide: bool) -> Vec<String> {
    let message = row.message_id.as_deref().unwrap_or_default();
    let message = if wide { message } else { message.split('-').next().unwrap_or_default() };
    vec![row.name.clone(), word(row).to_owned(), age(row.age_seconds(now)), row.done.to_string(), message.to_owned()]
}

fn word(row: &ReplicaRow) -> &'static str {
    match row.state {
        _ if row.kills > 0 => "Killed",
        ReplicaState::Starting => "Starting",
        ReplicaState::Ready if row.message_id.is_some() => "Working",
        ReplicaState::Ready => "Ready",
        ReplicaState::Ending => "Ending",
        ReplicaState::Gone => "Gone",
    }
}

fn painted(line: &str, row: &ReplicaRow) -> String {
    let word = word(row);
    let painted = match word {
        "Killed" => style(word).red(),
        "Working" => style(word).yellow(),
        "Ready" => style(word).green(),
        _ => style(word).dim(),
    };
    line.replacen(word, &painted.to_string(), 1)
}
