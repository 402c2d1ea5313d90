//! A region of the terminal that is redrawn in place, and stays in the scrollback when it is left.

use std::io::{self, Write};

use console::{Term, measure_text_width, truncate_str};

/// Lines at the cursor. Each frame is one write, so nothing flickers; the cursor is never hidden, so nothing
/// needs restoring, however the process ends.
#[derive(Debug)]
pub(crate) struct Region {
    term: Term,
    /// Width of each line that is on the screen, in columns.
    drawn: Vec<usize>,
}

impl Region {
    pub(crate) fn new(term: Term) -> Self {
        Self { term, drawn: Vec::new() }
    }

    /// Rows and columns that a frame may have; one row stays free for the cursor, and the last column too, as clearing
    /// the rest of a line that fills its row would take the last character.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size_checked().unwrap_or((24, 80));
        (usize::from(rows).saturating_sub(1).max(1), usize::from(columns).saturating_sub(1).max(20))
    }

    /// Replaces what was drawn by `lines`, cut to the size of the terminal as it is now.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub(crate) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let (rows, columns) = self.size();
        let lines: Vec<_> = lines.iter().take(rows).map(|line| truncate_str(line, columns, "…")).collect();
        let mut frame = frame(&lines, rows_of(&self.drawn, columns + 1).min(rows));
        frame.insert_str(0, "\x1b[?2026h\x1b[?7l");
        frame.push_str("\x1b[?7h\x1b[?2026l");
        self.drawn = lines.iter().map(|line| measure_text_width(line)).collect();
        (&self.term).write_all(frame.as_bytes())?;
        self.term.flush()
    }
}

/// How many rows lines of these widths take on a terminal of `columns`: one that became narrower has wrapped them.
fn rows_of(widths: &[usize], columns: usize) -> usize {
    widths.iter().map(|width| width.div_ceil(columns).max(1)).sum()
}

fn frame(lines: &[impl AsRef<str>], above: usize) -> String {
    let mut frame = if above > 0 { format!("\r\x1b[{above}A") } else { String::from("\r") };
    for line in lines {
        frame.push_str(line.as_ref());
        frame.push_str("\x1b[K\r\n");
    }
    frame.push_str("\x1b[J");
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrower_terminal_has_wrapped_what_was_drawn() {
        assert_eq!(rows_of(&[100, 0, 40], 120), 3);
        assert_eq!(rows_of(&[100, 0, 40], 50), 4);
        assert_eq!(rows_of(&[100], 100), 1);
    }

    #[test]
    fn a_frame_starts_where_the_last_one_did_and_clears_what_it_does_not_cover() {
        assert_eq!(frame(&["a"], 0), "\ra\x1b[K\r\n\x1b[J");
        assert_eq!(frame(&["a", "b"], 3), "\r\x1b[3Aa\x1b[K\r\nb\x1b[K\r\n\x1b[J");
    }
}
