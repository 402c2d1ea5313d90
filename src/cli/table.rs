//! Tables as kubectl draws them: columns, two blanks between them, no lines.

use comfy_table::{Cell, ContentArrangement, Row, Table, presets};

/// `rows` under `header`, at most `width` columns wide; a cell that does not fit ends in `…`.
pub(crate) fn table(width: usize, header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX)).set_truncation_indicator("…");
    table.set_header(header.iter().map(Cell::new));
    for cells in rows {
        let mut row = Row::from(cells);
        row.max_height(1);
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
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
}
