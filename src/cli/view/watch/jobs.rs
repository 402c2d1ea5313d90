//! The jobs of a watch, as a table.

use console::style;
use jiff::Timestamp;
use kedactl::core::{
    board::{Board, JobRow},
    event::JobState,
};

use super::{WIDE, age, listed};

/// The jobs that still exist, in as many lines as there is `room` for.
pub(super) fn table(board: &Board, now: Timestamp, columns: usize, room: usize) -> Vec<String> {
    let rows = board.rows();
    let cells = |row: &&JobRow| cells(row, now, columns >= WIDE);
    listed(&["JOB", "STATE", "AGE", "MESSAGE", "REASON"], &rows, (columns, room), cells, |line, row| painted(line, row.state))
}

fn cells(row: &JobRow, now: Timestamp, wide: bool) -> Vec<String> {
    let message = row.message_id.as_deref().unwrap_or_default();
    let message = if wide { message } else { message.split('-').next().unwrap_or_default() };
    let reason = row.reason.clone().unwrap_or_default();
    vec![row.name.clone(), word(row.state).to_owned(), age(row.age_seconds(now)), message.to_owned(), reason]
}

fn word(state: JobState) -> &'static str {
    match state {
        JobState::Pending => "Pending",
        JobState::Running => "Running",
        JobState::Complete => "Complete",
        JobState::Failed => "Failed",
    }
}

fn painted(line: &str, state: JobState) -> String {
    let word = word(state);
    let painted = match state {
        JobState::Pending => style(word).dim(),
        JobState::Running => style(word).yellow(),
        JobState::Complete => style(word).green(),
        JobState::Failed => style(word).red(),
    };
    line.replacen(word, &painted.to_string(), 1)
}
