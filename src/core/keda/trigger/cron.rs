//! The `cron` scaler: so many jobs from one time to another, whatever waits.

use jiff::{Timestamp, tz::TimeZone};

use super::schedule::Schedule;
use crate::core::{
    error::{Error, Result},
    keda::{
        decision::TriggerReading,
        metadata::{Parameters, Source, Sources},
        metric_name::{metric_name, normalize},
        number::{through_quantity, to_float},
    },
};

/// The trigger's type.
pub const CRON_TRIGGER: &str = "cron";
/// The value outside the hours; the trigger is not active then.
const IDLE: f64 = 1.0;
/// What one job or replica is wanted for.
pub const TARGET: f64 = 1.0;

/// One trigger's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronMetadata {
    /// A name of the IANA database, in which both schedules are read.
    pub timezone: String,
    /// When the hours begin, as given.
    pub start: String,
    /// When they end, as given.
    pub end: String,
    /// The value within the hours; the target is 1.
    pub desired_replicas: i64,
    schedules: (Schedule, Schedule),
}

impl CronMetadata {
    /// Reads a trigger's parameters. An unknown timezone is no error here: KEDA's scaler fails with it at each poll.
    ///
    /// # Errors
    /// `Input`, with everything that KEDA's scaler would refuse.
    pub fn parse(sources: Sources<'_>) -> Result<Self> {
        let mut parameters = Parameters::new(sources);
        let timezone = parameters.required("timezone", &[Source::Trigger]).to_owned();
        let start = schedule(&mut parameters, "start");
        let end = schedule(&mut parameters, "end");
        if !start.0.is_empty() && start.0 == end.0 {
            parameters.refuse("end", &end.0, "another time than `start`");
        }
        let desired_replicas = parameters.required_integer("desiredReplicas");
        if parameters.text("desiredReplicas", &[Source::Trigger]) == Some("0") {
            parameters.refuse("desiredReplicas", 0, "another number: this one stands for none");
        }
        parameters.finish("metadata of a trigger of type cron")?;
        let (Some(first), Some(last)) = (start.1, end.1) else {
            return Err(Error::failed("invalid cron trigger", "a schedule could not be read"));
        };
        Ok(Self { timezone, start: start.0, end: end.0, desired_replicas, schedules: (first, last) })
    }

    /// The metric's name of trigger number `index`, counted from 0.
    #[must_use]
    pub fn metric_name(&self, index: usize) -> String {
        let plain = |text: &str| text.replace(' ', "").replace('*', "x").replace('/', "Sl").replace('?', "Qm");
        metric_name(index, &normalize(&format!("cron-{}-{}-{}", self.timezone, plain(&self.start), plain(&self.end))))
    }

    /// The input of a decision at `now`; `metric` is the reading's name.
    ///
    /// # Errors
    /// `Input`, when there is no such timezone. Upper and lower case are the same, unlike in KEDA.
    pub fn read(&self, metric: &str, now: Timestamp) -> Result<TriggerReading> {
        let zone = TimeZone::get(&self.timezone)
            .map_err(|_| Error::input("timezone", &self.timezone, "it must be a name of the IANA database, such as Europe/Berlin"))?;
        let active = self.is_within(now, &zone);
        let value = if active { to_float(self.desired_replicas) } else { IDLE };
        Ok(TriggerReading {
            metric: metric.to_owned(),
            value: through_quantity(value),
            target: TARGET,
            active,
            activation: None,
            parts: None,
            counted: None,
            error: None,
        })
    }

    /// Whether the end comes before the next start. A schedule that never comes counts as long past, as in KEDA.
    fn is_within(&self, now: Timestamp, zone: &TimeZone) -> bool {
        let next = |schedule: &Schedule| schedule.next(now, zone).unwrap_or(Timestamp::MIN);
        let (start, end) = (next(&self.schedules.0), next(&self.schedules.1));
        if start < end { now > start && now < end } else { now > start || now < end }
    }
}

/// The text of a schedule, and the schedule where it is one.
fn schedule(parameters: &mut Parameters<'_>, name: &str) -> (String, Option<Schedule>) {
    let text = parameters.required(name, &[Source::Trigger]);
    if text.is_empty() {
        return (String::new(), None);
    }
    match Schedule::parse(text) {
        Ok(schedule) => (text.to_owned(), Some(schedule)),
        Err(rule) => {
            parameters.refuse(name, text, rule);
            (text.to_owned(), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn parse(start: &str, end: &str, desired: &str, timezone: &str) -> Result<CronMetadata> {
        let pairs = [("timezone", timezone), ("start", start), ("end", end), ("desiredReplicas", desired)];
        let trigger = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        CronMetadata::parse(Sources { trigger: &trigger, auth: &BTreeMap::new(), env: &BTreeMap::new() })
    }

    fn at(metadata: &CronMetadata, now: &str) -> (f64, bool) {
        let reading = metadata.read("s0-cron", now.parse().expect("a time")).expect("read");
        (reading.value, reading.active)
    }

    #[test]
    fn it_is_active_from_start_to_end_on_the_clocks_of_its_timezone() {
        let office = parse("0 8 * * 1-5", "0 18 * * 1-5", "7", "Europe/Berlin").expect("valid");
        for (now, expected) in [
            ("2026-01-05T06:59:59Z", (1.0, false)),
            ("2026-01-05T07:00:00Z", (7.0, true)),
            ("2026-01-05T16:59:59Z", (7.0, true)),
            ("2026-01-05T17:00:00Z", (1.0, false)),
            ("2026-01-03T12:00:00Z", (1.0, false)),
        ] {
            assert_eq!(at(&office, now), expected, "{now}");
        }
        let night = parse("0 22 * * *", "0 6 * * *", "2", "UTC").expect("valid");
        assert_eq!(at(&night, "2026-01-05T23:00:00Z"), (2.0, true));
        assert_eq!(at(&night, "2026-01-05T12:00:00Z"), (1.0, false));
    }

    #[test]
    fn a_schedule_that_never_comes_is_long_past() {
        let now = "2026-01-05T12:00:00Z";
        assert!(at(&parse("0 0 31 2 *", "0 6 * * *", "2", "UTC").expect("valid"), now).1);
        assert!(!at(&parse("0 6 * * *", "0 0 31 2 *", "2", "UTC").expect("valid"), now).1);
    }

    #[test]
    fn the_name_holds_both_schedules_without_marks() {
        let metadata = parse("*/5 8 ? * *", "0 18 * * 1", "1", "Europe/Berlin").expect("valid");
        assert_eq!(metadata.metric_name(1), "s1-cron-Europe-Berlin-xSl58Qmxx-018xx1");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_rule() {
        for (start, end, desired, part) in [
            ("0 25 * * *", "0 18 * * *", "1", "`start` is `0 25 * * *`: it must be a cron expression: hour `25` is outside 0 to 23"),
            ("0 8 * * *", "0 8 * * *", "1", "`end` is `0 8 * * *`: it must be another time than `start`"),
            ("0 8 * * *", "0 18 * * *", "0", "`desiredReplicas` is `0`"),
            ("0 8 * * *", "0 18 * * *", "1.5", "`desiredReplicas` is `1.5`: it must be a whole number"),
            ("0 8 * * *", "", "1", "`end` is missing"),
        ] {
            let error = parse(start, end, desired, "UTC").expect_err(part);
            assert!(error.why.contains(part), "{error}");
        }
        let error = parse("0 8 * * *", "0 18 * * *", "1", "Mars/Olympus").expect("no error yet").read("s0-cron", Timestamp::UNIX_EPOCH);
        assert!(error.is_err_and(|error| error.to_string().contains("`Mars/Olympus`")));
    }
}
