//! The article's analyzer keeps lines of text only: one for each count, without a message.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::core::ports::CountRecord;

/// The counts that `lines` tell of, such as `2026-01-17 05:50:45 - processed count 1`; what is no such line is left out.
#[must_use]
pub fn records(lines: &[String]) -> Vec<CountRecord> {
    lines.iter().filter_map(|line| record(line)).collect()
}

fn record(line: &str) -> Option<CountRecord> {
    let (at, text) = line.split_once(" - ")?;
    let kind = text.split_once(" count ")?.0;
    let at: DateTime = at.trim().parse().ok()?;
    let at: Timestamp = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(CountRecord { kind: kind.to_owned(), message_id: None, job: None, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_one_count_without_a_message() {
        let lines = ["2026-01-17 05:50:45 - processed count 1", "nonsense", "2026-01-17 05:50:46 - kill count 1"].map(str::to_owned);
        let found: Vec<(String, i64)> = records(&lines).into_iter().map(|record| (record.kind, record.at.as_second())).collect();
        assert_eq!(found, [("processed".to_owned(), 1_768_629_045), ("kill".to_owned(), 1_768_629_046)]);
    }
}
