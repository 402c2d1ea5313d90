//! Figures as people read them: durations, bars, sparklines, wrapped lines.

use console::measure_text_width;

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `12s`, `1m30s`, `2h5m`, `3d4h`, as kubectl writes ages.
pub(crate) fn age(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..120 => format!("{}s", seconds.max(0)),
        120..600 => format!("{minutes}m{}s", seconds % 60),
        600..10_800 => format!("{minutes}m"),
        10_800..86_400 => format!("{hours}h{}m", minutes % 60),
        _ => format!("{days}d{}h", hours % 24),
    }
}

/// `1 message`, `2 messages`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// One character for each value: nothing at all is a blank, the highest is a full block.
pub(crate) fn sparkline(values: &[i64]) -> String {
    let top = values.iter().copied().max().unwrap_or(0).max(1);
    let level = |value: i64| match usize::try_from((value * 8 + top - 1) / top) {
        Ok(level @ 1..) => LEVELS[level.min(8) - 1],
        _ => ' ',
    };
    values.iter().map(|value| level(*value)).collect()
}

/// A bar of `width` columns of which `part / whole` is full; full only when all is done.
pub(crate) fn bar(part: u64, whole: u64, width: usize) -> String {
    let full = match whole {
        0 => 0,
        _ => usize::try_from(u128::from(part.min(whole)) * width as u128 / u128::from(whole)).unwrap_or(width),
    };
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

/// `text` in lines of at most `width` columns, all but the first indented by `indent`: broken after a semicolon if
/// every clause fits a line, at blanks otherwise.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let fits = |part: &str| indent + measure_text_width(part.trim_end()) <= width;
    let clauses: Vec<&str> = text.split_inclusive("; ").collect();
    if clauses.iter().all(|clause| fits(clause)) { packed(&clauses, width, indent) } else { packed(&words(text), width, indent) }
}

fn words(text: &str) -> Vec<&str> {
    text.split_inclusive(' ').collect()
}

fn packed(parts: &[&str], width: usize, indent: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for part in parts {
        let fits = measure_text_width(&line) + measure_text_width(part.trim_end()) <= width;
        if !fits && !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(indent);
        }
        line.push_str(part);
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ages_read_like_kubectls() {
        let ages = [-3, 0, 119, 120, 599, 600, 7200, 10_800, 86_400, 100_000].map(age);
        assert_eq!(ages, ["0s", "0s", "119s", "2m0s", "9m59s", "10m", "120m", "3h0m", "1d0h", "1d3h"]);
    }

    #[test]
    fn a_single_message_among_many_is_still_seen() {
        assert_eq!(sparkline(&[0, 1, 500, 1000]), " ▁▄█");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[0, 0]), "  ");
    }

    #[test]
    fn long_lines_are_broken_after_a_clause_or_at_blanks_and_indented() {
        assert_eq!(wrap("10 visible = 10; target 1; running 0", 30, 2), ["10 visible = 10; target 1;", "  running 0"]);
        assert_eq!(wrap("10 visible + 0 in flight -> create 10", 20, 2), ["10 visible + 0 in", "  flight -> create", "  10"]);
        assert_eq!(wrap("short", 20, 2), ["short"]);
    }

    proptest! {
        #[test]
        fn a_bar_has_its_width_and_is_full_only_at_the_end(part in 0u64..2000, whole in 0u64..2000, width in 1usize..200) {
            let bar = bar(part, whole, width);
            prop_assert_eq!(bar.chars().count(), width);
            prop_assert_eq!(!bar.contains('░'), whole > 0 && part >= whole);
        }

        #[test]
        fn wrapping_loses_no_word(words in prop::collection::vec("[a-z]{1,12}", 1..20), width in 14usize..80) {
            let lines = wrap(&words.join(" "), width, 2);
            prop_assert!(lines.iter().all(|line| line.len() <= width));
            let kept: Vec<_> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
            prop_assert_eq!(kept, words);
        }
    }
}
