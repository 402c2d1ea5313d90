//! Spans of time as people write them, and when a stack may be torn down by `teardown --expired`.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// The longest time that a stack may be given.
const LONGEST: SignedDuration = SignedDuration::from_hours(365 * 24);
/// The shortest: a setup on a cluster takes about that long.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
/// The shortest time to watch for.
const SHORTEST_WATCH: SignedDuration = SignedDuration::from_secs(1);

/// Reads a span of time such as `30m`, `2h` or `1d`, from a minute to a year; a day has 24 hours.
///
/// # Errors
/// In words, what is wrong with it.
pub fn parse_span(text: &str) -> Result<SignedDuration, String> {
    span_of(text, SHORTEST).ok_or_else(|| "it must be a span from 1m to 365d, such as 30m, 2h or 1d".to_owned())
}

/// Reads how long to watch, such as `90s` or `10m`, from a second to a year.
///
/// # Errors
/// In words, what is wrong with it.
pub fn parse_watch(text: &str) -> Result<Duration, String> {
    let span = span_of(text, SHORTEST_WATCH).and_then(|span| Duration::try_from(span).ok());
    span.ok_or_else(|| "it must be a span from 1s to 365d, such as 90s, 10m or 2h".to_owned())
}

/// Reads how long after a start something is, such as `500ms`, `30s` or `1m30s`, up to a year; nothing for what is no such time.
#[must_use]
pub fn parse_offset(text: &str) -> Option<Duration> {
    span_of(text, SignedDuration::ZERO).and_then(|span| Duration::try_from(span).ok())
}

fn span_of(text: &str, shortest: SignedDuration) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    let span = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (shortest..=LONGEST).contains(&span).then_some(span)
}

/// `in 1 h 5 min (2030-01-02T15:04:05Z)`, `3 min ago (..)`.
#[must_use]
pub fn describe(at: Timestamp, now: Timestamp) -> String {
    let left = at.duration_since(now);
    let (days, hours, minutes) = (left.as_hours().abs() / 24, left.as_hours().abs() % 24, left.as_mins().abs() % 60);
    let span = match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", left.as_secs().abs()),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    };
    if left.is_negative() { format!("{span} ago ({at})") } else { format!("in {span} ({at})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        let minutes = |text: &str| parse_span(text).map(|span| span.as_mins());
        assert_eq!(minutes("30m"), Ok(30));
        assert_eq!(minutes("2h"), Ok(120));
        assert_eq!(minutes("1d"), Ok(24 * 60));
        assert_eq!(minutes("1h30m"), Ok(90));
        for wrong in ["", "0m", "-2h", "30", "30s", "2 months", "366d", "tomorrow", "1e9h", "NaN"] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_watch_may_last_seconds() {
        assert_eq!(parse_watch("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_watch("1h"), Ok(Duration::from_hours(1)));
        for wrong in ["0s", "999ms", "-1m", "10", "400d"] {
            assert!(parse_watch(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_offset_may_be_nothing_at_all() {
        assert_eq!(["0s", "500ms", "1m30s"].map(parse_offset), [0, 500, 90_000].map(|ms| Some(Duration::from_millis(ms))));
        assert_eq!(["-1s", "soon", "10", ""].map(parse_offset), [None; 4]);
    }

    #[test]
    fn an_expiry_is_told_by_how_far_it_is() {
        let at: Timestamp = "2030-01-02T15:04:05Z".parse().expect("a time");
        let told = |seconds: i64| describe(at, at.checked_sub(SignedDuration::from_secs(seconds)).expect("in range"));
        assert_eq!(told(65), "in 1 min (2030-01-02T15:04:05Z)");
        assert_eq!(told(2 * 3600 + 60), "in 2 h 1 min (2030-01-02T15:04:05Z)");
        assert_eq!(told(-50 * 3600), "2 d 2 h ago (2030-01-02T15:04:05Z)");
    }
}
