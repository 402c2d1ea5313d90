//! The live view of `watch`: one frame from a board, a size and a moment.

mod jobs;
mod replicas;

use console::style;
use jiff::Timestamp;
use kedactl::core::{
    board::{Board, Decided, Summary, Tally},
    event::{Depth, Event},
    keda::compare::Cause,
};

use super::{
    figures::{age, bar, counted, sparkline, wrap},
    lines::Lines,
};
use crate::cli::{live::View, table::table};

/// From this width on, message ids are shown in full.
const WIDE: usize = 110;
/// Decisions shown where there is room.
const DECISIONS: usize = 4;
/// Notes shown.
const NOTES: usize = 2;

/// The view of one object.
#[derive(Debug)]
pub(crate) struct Watching {
    title: String,
    board: Board,
    lines: Lines,
}

impl Watching {
    /// `title` says what is watched, for example `demo: video-processor`.
    pub(crate) fn new(title: String) -> Self {
        Self { title, board: Board::default(), lines: Lines::default() }
    }
}

impl View for Watching {
    fn take(&mut self, event: &Event) {
        self.board.apply(event);
    }

    fn frame(&self, now: Timestamp, size: (usize, usize)) -> Option<Vec<String>> {
        self.board.started_at.is_some().then(|| frame(&self.board, &self.title, now, size))
    }

    fn line(&mut self, event: &Event) -> Option<String> {
        self.lines.line(event, &self.board)
    }

    fn summary(&self) -> String {
        summary(&self.board.summary())
    }
}

/// The lines of the view: at most `rows`, none wider than `columns`.
pub(crate) fn frame(board: &Board, title: &str, now: Timestamp, (rows, columns): (usize, usize)) -> Vec<String> {
    let mut top = vec![headline(board, title, now, columns)];
    top.extend(queues(board));
    top.push(progress(board, columns));
    top.extend(sparklines(board, now, columns));
    top.extend(keda(board, columns));
    let roomy = rows >= 20;
    top.extend(replicas::hpa(board, columns, if roomy { 3 } else { 1 }));
    let mut bottom = decisions(board, now, columns, if roomy { DECISIONS } else { 1 });
    bottom.extend(notes(board, columns));
    let taken = top.len() + bottom.len() + 2;
    let mut lines = top;
    let room = rows.saturating_sub(taken);
    let table = match &board.replicas {
        Some(replicas) => replicas::table(replicas, now, columns, room),
        None => jobs::table(board, now, columns, room),
    };
    if !table.is_empty() {
        lines.push(String::new());
        lines.extend(table);
    }
    if !bottom.is_empty() {
        lines.push(String::new());
        lines.extend(bottom);
    }
    lines.truncate(rows);
    lines
}

/// The end of a watch in two lines.
pub(crate) fn summary(summary: &Summary) -> String {
    let Summary { done, left, seconds, polls, created, jobs, idle, peak_depth, peak_jobs, drained, replicas } = summary;
    let state = if *drained { "Drained".to_owned() } else { format!("{} left", counted(left.unsigned_abs(), "message")) };
    let failed = if jobs.failed > 0 { format!(", {} failed", jobs.failed) } else { String::new() };
    let idle = if *idle > 0 { format!(", {idle} idle") } else { String::new() };
    let first = format!("{state}: {} done in {seconds:.1} s", counted(*done, "message"));
    let (polls, depth) = (counted(*polls, "poll"), counted(peak_depth.unsigned_abs(), "message"));
    if let Some((kills, scalings)) = replicas {
        let (scaled, killed) = (counted(*scalings, "time"), counted(*kills, "kill"));
        return format!("{first}\nscaled {scaled}, {killed}; peak {}, {depth}; {polls}", counted(*peak_jobs as u64, "replica"));
    }
    let peak = format!("peak {peak_jobs} jobs, {peak_depth} messages");
    format!("{first}\n{} created, {} complete{failed}{idle}; {peak}; {polls}", counted(*created, "job"), jobs.complete)
}

fn headline(board: &Board, title: &str, now: Timestamp, columns: usize) -> String {
    let role = match &board.lease {
        Some((false, holder)) => format!("looking on, {holder} scales"),
        _ if board.paused => "paused".to_owned(),
        _ => "scaling".to_owned(),
    };
    let seconds = board.started_at.map_or(0, |first| now.duration_since(first).as_secs());
    let right = format!("{role}  {}", age(seconds));
    let gap = columns.saturating_sub(console::measure_text_width(title) + console::measure_text_width(&right)).max(2);
    format!("{}{}{}", style(title).bold(), " ".repeat(gap), style(right).dim())
}

fn queues(board: &Board) -> Vec<String> {
    let one = |name: &str, depth: &Depth| {
        let Depth { visible, in_flight, delayed } = depth;
        labelled(name, &format!("{visible} visible  {in_flight} in flight  {delayed} delayed"))
    };
    match board.queues.as_slice() {
        [] => vec![labelled("queue", "not read yet")],
        [(_, depth)] => vec![one("queue", depth)],
        several => several.iter().take(4).map(|(name, depth)| one(name, depth)).collect(),
    }
}

/// What KEDA did beside what its rules say; nothing where this process scales.
fn keda(board: &Board, columns: usize) -> Vec<String> {
    let Some(keda) = &board.keda else { return Vec::new() };
    let head = |condition: &str| condition.split(": ").next().filter(|head| !head.is_empty()).unwrap_or("not seen yet").to_owned();
    let status = format!("Ready {}  Active {}  agreed {}, differed {}", head(&keda.ready), head(&keda.active), keda.agreed, keda.differed);
    let mut lines = vec![labelled("keda", &status)];
    if let Some((numbers, cause, why)) = &keda.last {
        let text = format!("        {numbers}: {why}");
        let agrees = matches!(cause, Cause::Same | Cause::Phase);
        let paint = |line: String| if agrees { style(line).dim().to_string() } else { style(line).yellow().to_string() };
        lines.extend(wrap(&text, columns, 8).into_iter().take(2).map(paint));
    }
    lines
}

fn progress(board: &Board, columns: usize) -> String {
    let (done, total) = (board.done, board.total());
    let figures = format!("{done}/{total} messages");
    let width = columns.saturating_sub(8 + 2 + figures.len()).clamp(4, 60);
    labelled("done", &format!("{}  {figures}", style(bar(done, total, width)).green()))
}

fn sparklines(board: &Board, now: Timestamp, columns: usize) -> [String; 2] {
    let Tally { pending, running, complete, failed } = board.tally();
    let peak = board.history.peak();
    let depth = format!("{} now, peak {}", board.depth().total(), peak.depth);
    let (label, jobs) = match &board.replicas {
        Some(replicas) => ("pool", replicas::counts(replicas)),
        None => ("jobs", format!("{running} running, {pending} pending, {complete} complete, {failed} failed")),
    };
    let width = columns.saturating_sub(8 + 2 + jobs.len().max(depth.len())).clamp(4, 60);
    let series = board.history.series(width, now);
    let depths: Vec<i64> = series.iter().map(|part| part.depth).collect();
    let counts: Vec<i64> = series.iter().map(|part| i64::try_from(part.jobs).unwrap_or(i64::MAX)).collect();
    [
        labelled("depth", &format!("{:width$}  {depth}", style(sparkline(&depths)).cyan())),
        labelled(label, &format!("{:width$}  {jobs}", style(sparkline(&counts)).yellow())),
    ]
}

fn decisions(board: &Board, now: Timestamp, columns: usize, most: usize) -> Vec<String> {
    let first = board.decisions.len().saturating_sub(most);
    let one = |decided: &Decided| {
        let ago = age(now.duration_since(decided.at).as_secs());
        let times = if decided.times > 1 { format!("  (x{})", decided.times) } else { String::new() };
        let mut lines = wrap(&format!("{ago:>7} {}{times}", decided.text), columns, 8);
        if !decided.acts {
            lines = lines.into_iter().map(|line| style(line).dim().to_string()).collect();
        }
        lines
    };
    board.decisions.iter().skip(first).flat_map(one).collect()
}

fn notes(board: &Board, columns: usize) -> Vec<String> {
    let first = board.notes.len().saturating_sub(NOTES);
    let one = |note: &kedactl::core::board::Note| {
        let lines = wrap(&format!("      ! {}", note.text), columns, 8);
        lines.into_iter().map(|line| style(line).yellow().to_string())
    };
    board.notes.iter().skip(first).flat_map(one).collect()
}

/// A table of `rows` in as many columns and lines as there is room for, each row in its colours; how many more there are, below.
fn listed<T>(
    header: &[&str],
    rows: &[T],
    (columns, room): (usize, usize),
    cells: impl Fn(&T) -> Vec<String>,
    painted: impl Fn(&str, &T) -> String,
) -> Vec<String> {
    if rows.is_empty() || room < 3 {
        return Vec::new();
    }
    let shown = if rows.len() < room { rows.len() } else { room.saturating_sub(2) };
    let text = table(columns, header, rows.iter().take(shown).map(cells).collect());
    let head = text.lines().take(1).map(|line| style(line).dim().to_string());
    let mut lines: Vec<String> = head.chain(text.lines().skip(1).zip(rows).map(|(line, row)| painted(line, row))).collect();
    if shown < rows.len() {
        lines.push(style(format!("+ {} more", rows.len() - shown)).dim().to_string());
    }
    lines
}

fn labelled(label: &str, text: &str) -> String {
    format!("{} {text}", style(format!("{label:<7}")).dim())
}

#[cfg(test)]
mod tests;
