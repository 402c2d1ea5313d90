//! Dates as IAM's conditions accept them: ISO 8601 in its W3C forms, or seconds since 1970.

use jiff::{
    Timestamp,
    civil::{DateTime, date},
    tz::Offset,
};

/// The instant that `text` names; `None` when it names none.
///
/// Missing parts are their first value: `2026` is the first of January, midnight UTC.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    if text.len() != 4
        && let Ok(seconds) = text.parse::<i64>()
    {
        return Some(Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX }));
    }
    let (day, time) = match text.find(['T', 't']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    let mut parts = day.splitn(3, '-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| number(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| number(part, 2))?;
    let (clock, offset) = split_offset(time)?;
    let midnight = date(0, 1, 1).at(0, 0, 0, 0);
    let moment = parse_clock(clock, midnight)?;
    let moment =
        moment.with().year(i16::try_from(year).ok()?).month(i8::try_from(month).ok()?).day(i8::try_from(day).ok()?).build().ok()?;
    offset.to_timestamp(moment).ok()
}

fn number(text: &str, longest: usize) -> Option<i32> {
    let plain = !text.is_empty() && text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn split_offset(time: &str) -> Option<(&str, Offset)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, Offset::UTC));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, Offset::UTC)) };
    let sign = if time[at..].starts_with('-') { -1 } else { 1 };
    let digits = time[at + 1..].replace(':', "");
    let seconds = match digits.len() {
        2 => number(&digits, 2)? * 3600,
        4 => number(&digits[..2], 2)? * 3600 + number(&digits[2..], 2)? * 60,
        _ => return None,
    };
    Some((&time[..at], Offset::from_seconds(sign * seconds).ok()?))
}

fn parse_clock(clock: &str, midnight: DateTime) -> Option<DateTime> {
    if clock.is_empty() {
        return Some(midnight);
    }
    let (clock, fraction) = match clock.split_once(['.', ',']) {
        Some((clock, fraction)) => (clock, Some(number(&format!("{fraction:0<9}"), 9)?)),
        None => (clock, None),
    };
    let parts: Vec<i8> = clock.split(':').map(|part| number(part, 2).and_then(|n| i8::try_from(n).ok())).collect::<Option<_>>()?;
    let (hour, minute, second) = match parts[..] {
        [hour] => (hour, 0, 0),
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    midnight.with().hour(hour).minute(minute).second(second).subsec_nanosecond(fraction.unwrap_or(0)).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3c_forms_and_epoch_seconds_name_an_instant() {
        for (text, wanted) in [
            ("2026", "2026-01-01T00:00:00Z"),
            ("2026-02", "2026-02-01T00:00:00Z"),
            ("2026-02-03", "2026-02-03T00:00:00Z"),
            ("2026-02-03T04:05Z", "2026-02-03T04:05:00Z"),
            ("2026-02-03T04:05:06.5+01:00", "2026-02-03T03:05:06.5Z"),
            ("1700000000", "2023-11-14T22:13:20Z"),
        ] {
            assert_eq!(parse(text), Some(wanted.parse().expect("valid")), "{text}");
        }
    }

    #[test]
    fn nonsense_names_no_instant() {
        for text in
            ["", "yesterday", "2026-13", "2026-02-30", "2026-02-03T4:00:00+1", "9223372036854775808", "2026-02-03T04:05:06.1234567890Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
