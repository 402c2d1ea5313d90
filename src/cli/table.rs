//! Tables as kubectl draws them: columns, two blanks between them, no lines.

use comfy_table::{Cell, ContentArrangement, Row, Table, presets};
use console::strip_ansi_codes;

/// `rows` under `header`, at most `width` columns wide; a cell that does not fit ends in `…`. Cells may be coloured.
pub(crate) fn table(width: usize, header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX)).set_truncation_indicator("…");
    table.set_header(header.iter().map(Cell::new));
    for cells in &rows {
        let mut row = Row::from(cells.iter().map(|cell| strip_ansi_codes(cell).into_owned()).collect::<Vec<_>>());
        row.max_height(1);
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.trim_fmt();
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let painted = lines.zip(rows).map(|(line, cells)| paint(head, header, line, &cells));
    std::iter::once(head.to_owned()).chain(painted).collect::<Vec<_>>().join("\n")
}

/// Colours are put in after the layout, which measures every character: each coloured cell, looked for from where its column
/// begins. One that was cut short stays plain.
fn paint(head: &str, header: &[&str], line: &str, cells: &[String]) -> String {
    let mut line = line.to_owned();
    // From the last column to the first, so that what is put in moves nothing that is still looked for.
    for (name, cell) in header.iter().zip(cells).rev() {
        let plain = strip_ansi_codes(cell);
        let begin = head.find(name).filter(|begin| line.is_char_boundary(*begin)).unwrap_or(0);
        if plain != *cell
            && let Some(at) = line[begin..].find(&*plain)
        {
            line.replace_range(begin + at..begin + at + plain.len(), cell);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        vec![
            vec!["sqs queue".into(), "test-queue".into(), "create".into()],
            vec!["iam role".into(), "a-role-with-a-rather-long-name-that-does-not-fit".into(), "keep".into()],
        ]
    }

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let text = table(100, &["KIND", "NAME", "ACTION"], rows());
        assert_eq!(
            text,
            "KIND       NAME                                              ACTION\n\
             sqs queue  test-queue                                        create\n\
             iam role   a-role-with-a-rather-long-name-that-does-not-fit  keep"
        );
    }

    #[test]
    fn a_narrow_table_keeps_one_line_for_each_row() {
        let text = table(40, &["KIND", "NAME", "ACTION"], rows());
        assert_eq!(text.lines().count(), 3);
        assert!(text.lines().all(|line| console::measure_text_width(line) <= 40), "{text}");
        assert!(text.contains('…'));
    }

    #[test]
    fn colours_change_no_column() {
        let red = |text: &str| console::style(text).red().force_styling(true).to_string();
        let mut coloured = rows();
        coloured[0][2] = red("create");
        coloured[1][0] = red("iam role");
        let text = table(100, &["KIND", "NAME", "ACTION"], coloured);
        assert!(text.contains("\u{1b}[31mcreate\u{1b}[0m") && text.contains("\u{1b}[31miam role\u{1b}[0m"), "{text:?}");
        assert_eq!(strip_ansi_codes(&text), table(100, &["KIND", "NAME", "ACTION"], rows()));
    }
}
