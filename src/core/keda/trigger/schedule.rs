//! Five-field cron expressions by the rules of the parser that KEDA uses.
//!
//! The crates of this field take 7 for Sunday, `L`, `#` and seconds, and see a restricted day in `*/2`; that parser does not,
//! so that no crate accepts and refuses the same texts.

use jiff::{Timestamp, ToSpan, Zoned, civil::Weekday, tz::TimeZone};

/// A field's bounds and names.
struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] = [
    Field { name: "minute", min: 0, max: 59, names: &[] },
    Field { name: "hour", min: 0, max: 23, names: &[] },
    Field { name: "day of month", min: 1, max: 31, names: &[] },
    Field { name: "month", min: 1, max: 12, names: &MONTHS },
    Field { name: "day of week", min: 0, max: 6, names: &WEEKDAYS },
];
/// After this many years without a match there is none.
const YEARS: i16 = 5;

/// The values of one field that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Matches {
    bits: u64,
    /// Whether the field is `*` or `?`, with a step of 1 at most: it does not restrict days.
    star: bool,
}

impl Matches {
    fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits >> value & 1 == 1)
    }
}

/// A cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    minute: Matches,
    hour: Matches,
    day: Matches,
    month: Matches,
    weekday: Matches,
}

impl Schedule {
    /// Reads `minute hour day-of-month month day-of-week`. A timezone in the text (`CRON_TZ=..`) is refused, unlike in KEDA.
    ///
    /// # Errors
    /// The rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let texts: Vec<&str> = text.split_whitespace().collect();
        if texts.len() != FIELDS.len() {
            return Err(format!("a cron expression of 5 fields, not {}", texts.len()));
        }
        let mut read = [Matches::default(); 5];
        for (matches, (field, text)) in read.iter_mut().zip(FIELDS.iter().zip(texts)) {
            *matches = field.read(text).map_err(|why| format!("a cron expression: {} `{text}` {why}", field.name))?;
        }
        let [minute, hour, day, month, weekday] = read;
        Ok(Self { minute, hour, day, month, weekday })
    }

    /// The first whole minute after `now` that matches on the clocks of `zone`; `None` when there is none in five years.
    ///
    /// A time that clocks skip does not come; one that they repeat comes twice.
    #[must_use]
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = now.to_zoned(zone.clone());
        let last_year = local.year().saturating_add(YEARS);
        let first = Timestamp::from_second(now.as_second().div_euclid(60).checked_add(1)?.checked_mul(60)?).ok()?;
        let mut date = local.date();
        while date.year() <= last_year {
            if self.month.has(date.month()) && self.is_day(date.day(), date.weekday()) {
                let start = date.to_zoned(zone.clone()).ok()?;
                let found = self.within(start, first);
                if found.is_some() {
                    return found;
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The first match of the day that begins at `start`, not before `first`.
    fn within(&self, start: Zoned, first: Timestamp) -> Option<Timestamp> {
        let date = start.date();
        let mut time = if start.timestamp() < first { first.to_zoned(start.time_zone().clone()) } else { start };
        while time.date() == date {
            if !self.hour.has(time.hour()) {
                time = time.checked_add((60 - i64::from(time.minute())).minutes()).ok()?;
            } else if self.minute.has(time.minute()) {
                return Some(time.timestamp());
            } else {
                time = time.checked_add(1.minute()).ok()?;
            }
        }
        None
    }

    /// Both must match when one of them is `*`; else one is enough.
    fn is_day(&self, day: i8, weekday: Weekday) -> bool {
        let (day, weekday) = (self.day.has(day), self.weekday.has(weekday.to_sunday_zero_offset()));
        if self.day.star || self.weekday.star { day && weekday } else { day || weekday }
    }
}

impl Field {
    /// Alternatives between commas; empty ones are ignored.
    fn read(&self, text: &str) -> Result<Matches, String> {
        let mut all = Matches::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let one = self.range(part)?;
            all = Matches { bits: all.bits | one.bits, star: all.star || one.star };
        }
        Ok(all)
    }

    /// `*`, `?`, `n`, `n-m`, each with `/step`; `n/step` runs to the end.
    fn range(&self, text: &str) -> Result<Matches, String> {
        let (range, step) = text.split_once('/').map_or((text, None), |(range, step)| (range, Some(step)));
        let (low, high) = range.split_once('-').map_or((range, None), |(low, high)| (low, Some(high)));
        let any = low == "*" || low == "?";
        let start = if any { self.min } else { self.value(low)? };
        let end = match high {
            _ if any => self.max,
            Some(high) => self.value(high)?,
            None if step.is_some() => self.max,
            None => start,
        };
        let step = step.map_or(Ok(1), number)?;
        if start < self.min || end > self.max {
            return Err(format!("is outside {} to {}", self.min, self.max));
        }
        if start > end || step == 0 {
            return Err(if step == 0 { "has a step of 0".to_owned() } else { "ends before it begins".to_owned() });
        }
        let bits = (start..=end).step_by(usize::try_from(step).unwrap_or(usize::MAX)).fold(0, |bits, value| bits | 1 << value);
        Ok(Matches { bits, star: any && step == 1 })
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let named = self.names.iter().zip(self.min..).find(|(name, _)| text.eq_ignore_ascii_case(name));
        named.map_or_else(|| number(text), |(_, value)| Ok(value))
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("has `{text}`, which is no number"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next(text: &str, now: &str, zone: &str) -> Option<String> {
        let zone = TimeZone::get(zone).expect("a timezone");
        let schedule = Schedule::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        schedule.next(now.parse().expect("a time"), &zone).map(|time| time.to_string())
    }

    #[test]
    fn the_next_match_is_after_now() {
        for (text, now, expected) in [
            ("0 8 * * *", "2026-01-01T08:00:00Z", "2026-01-02T08:00:00Z"),
            ("0 8 * * *", "2026-01-01T07:59:59.9Z", "2026-01-01T08:00:00Z"),
            ("*/15 * * * *", "2026-01-01T08:50:00Z", "2026-01-01T09:00:00Z"),
            ("5/20 9-10 * * *", "2026-01-01T10:45:01Z", "2026-01-02T09:05:00Z"),
            ("0 0 29 feb ?", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 13 * FRI", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("0 0 * * 1-5", "2026-01-02T00:00:00Z", "2026-01-05T00:00:00Z"),
        ] {
            assert_eq!(next(text, now, "UTC").as_deref(), Some(expected), "{text}");
        }
        assert_eq!(next("0 0 31 feb *", "2026-01-01T00:00:00Z", "UTC"), None);
        assert_eq!(next("0 0 , * *", "2026-01-01T00:00:00Z", "UTC"), None, "an empty field is never matched");
    }

    #[test]
    fn a_step_of_every_day_restricts_days() {
        // 2026-01-02 is a Friday and an even day: with `*` both must match, with `*/2` either is enough.
        assert_eq!(next("0 0 * * fri", "2026-01-01T12:00:00Z", "UTC").as_deref(), Some("2026-01-02T00:00:00Z"));
        assert_eq!(next("0 0 */2 * fri", "2026-01-02T12:00:00Z", "UTC").as_deref(), Some("2026-01-03T00:00:00Z"));
    }

    #[test]
    fn clocks_that_jump_skip_a_time_and_repeat_another() {
        let zone = "Europe/Berlin";
        assert_eq!(next("30 2 * * *", "2026-03-29T00:00:00Z", zone).as_deref(), Some("2026-03-30T00:30:00Z"));
        assert_eq!(next("30 2 * * *", "2026-10-25T00:00:00Z", zone).as_deref(), Some("2026-10-25T00:30:00Z"));
        assert_eq!(next("30 2 * * *", "2026-10-25T00:30:00Z", zone).as_deref(), Some("2026-10-25T01:30:00Z"));
    }

    #[test]
    fn what_kedas_parser_refuses_is_refused() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "@daily",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "5-1 * * * *",
            "*/0 * * * *",
            "1-2-3 * * * *",
            "*/2/3 * * * *",
            "-1 * * * *",
            "x * * * *",
            "* * L * *",
            "CRON_TZ=UTC * * * * *",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*", fields in "[-*/?,0-9 a-z]{0,20}") {
            let _ = (Schedule::parse(&text), Schedule::parse(&fields));
        }

        #[test]
        fn what_comes_next_matches_and_is_later(minute in 0u8..60, hour in 0u8..24, weekday in 0u8..7, now in 0i64..4_000_000_000) {
            let zone = TimeZone::get("America/New_York").expect("a timezone");
            let schedule = Schedule::parse(&format!("{minute} {hour} * * {weekday}")).expect("valid");
            let now = Timestamp::from_second(now).expect("a time");
            let next = schedule.next(now, &zone).expect("every week has one").to_zoned(zone);
            prop_assert!(next.timestamp() > now);
            prop_assert_eq!((next.minute(), next.hour(), next.second()), (minute.cast_signed(), hour.cast_signed(), 0));
            prop_assert_eq!(next.weekday().to_sunday_zero_offset(), weekday.cast_signed());
        }
    }
}
