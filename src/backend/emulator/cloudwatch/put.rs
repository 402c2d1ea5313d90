//! `PutMetricData`: values, values with counts, and statistic sets become rows of one moment each.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    error::{combination, invalid, invalid_value, missing},
    metric::{self, Metric},
    model::{Dimension, Dimensions, Figure, Moment, NO_UNIT, Whole, check_unit, dimensions},
    series::Point,
    session::Session,
};
use crate::backend::emulator::error::ServiceError;

/// Most metrics in one request.
const MOST: usize = 1000;
/// Most values of one datum.
const MOST_VALUES: usize = 150;
/// How far back a timestamp may lie, in milliseconds.
const OLDEST: i64 = 14 * 24 * 3600 * 1000;
/// How far ahead a timestamp may lie, in milliseconds.
const NEWEST: i64 = 2 * 3600 * 1000;
/// Values beyond it, of either sign, are refused.
const LARGEST: f64 = 2.348_542_582_773_833_2e108;

/// `PutMetricData`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    namespace: Option<String>,
    #[serde(default)]
    metric_data: Vec<Datum>,
    #[serde(default)]
    entity_metric_data: Vec<OfEntity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfEntity {
    #[serde(default)]
    metric_data: Vec<Datum>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Datum {
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    timestamp: Option<Moment>,
    value: Option<Figure>,
    statistic_values: Option<Statistics>,
    #[serde(default)]
    values: Vec<Figure>,
    #[serde(default)]
    counts: Vec<Figure>,
    unit: Option<String>,
    storage_resolution: Option<Whole>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    sample_count: Option<Figure>,
    sum: Option<Figure>,
    minimum: Option<Figure>,
    maximum: Option<Figure>,
}

/// What one datum is, once checked.
struct Checked {
    name: String,
    dimensions: Dimensions,
    unit: String,
    points: Vec<Point>,
}

/// Keeps what was put; all of it, or nothing when any part is refused.
pub(super) fn put(session: &Session<'_>, input: Put) -> Result<Value, ServiceError> {
    let namespace = input.namespace.ok_or_else(|| missing("Namespace"))?;
    session.authorize("cloudwatch:PutMetricData", &[("cloudwatch:namespace", &namespace)])?;
    check_namespace(&namespace)?;
    let data: Vec<Datum> =
        input.metric_data.into_iter().chain(input.entity_metric_data.into_iter().flat_map(|of| of.metric_data)).collect();
    if data.is_empty() {
        return Err(missing("MetricData"));
    }
    if data.len() > MOST {
        return Err(invalid(format!("The collection MetricData must not have a size greater than {MOST}.")));
    }
    for (number, datum) in (1..).zip(data) {
        let Checked { name, dimensions, unit, points } = datum.check(session.now, &format!("MetricData.member.{number}"))?;
        let metric = Metric::ensure(session, &namespace, &name, &dimensions)?;
        metric::keep(session, metric, &unit, &points)?;
    }
    Ok(json!({}))
}

fn check_namespace(namespace: &str) -> Result<(), ServiceError> {
    if namespace.starts_with("AWS/") {
        return Err(invalid_value("AWS/", "Namespace"));
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || b".-_/#: ".contains(&b);
    let fits = (1..=255).contains(&namespace.len()) && !namespace.starts_with(':') && namespace.bytes().all(legal);
    if fits && !namespace.trim().is_empty() { Ok(()) } else { Err(invalid_value(namespace, "Namespace")) }
}

impl Datum {
    fn check(self, now: i64, place: &str) -> Result<Checked, ServiceError> {
        let part = |part: &str| format!("{place}.{part}");
        let name = self.metric_name.as_deref().filter(|name| !name.is_empty()).ok_or_else(|| missing(&part("MetricName")))?.to_owned();
        if name.len() > 255 || name.starts_with(':') || !name.is_ascii() {
            return Err(invalid_value(name, &part("MetricName")));
        }
        let unit = self.unit.clone().unwrap_or_else(|| NO_UNIT.to_owned());
        check_unit(&unit, &part("Unit"))?;
        let resolution = match self.storage_resolution {
            None | Some(Whole(60)) => 60,
            Some(Whole(1)) => 1,
            Some(Whole(other)) => return Err(invalid_value(other, &part("StorageResolution"))),
        };
        let Moment(time) = self.timestamp.unwrap_or(Moment(now));
        if !(now - OLDEST..=now + NEWEST).contains(&time) {
            let message =
                format!("The parameter {} must specify a time within the past two weeks and the next two hours.", part("Timestamp"));
            return Err(invalid(message));
        }
        let seconds = time.div_euclid(1000);
        let points = self.points(seconds - seconds.rem_euclid(resolution), place)?;
        Ok(Checked { name, dimensions: dimensions(self.dimensions, place)?, unit, points })
    }

    fn points(&self, at: i64, place: &str) -> Result<Vec<Point>, ServiceError> {
        let part = |part: &str| format!("{place}.{part}");
        match (self.value, &self.statistic_values, &self.values[..]) {
            (Some(value), None, []) => {
                let value = finite(value, &part("Value"))?;
                Ok(vec![Point { at, low: value, high: value, samples: 1.0, sum: value }])
            }
            (None, Some(set), []) => set.point(at, &part("StatisticValues")).map(|point| vec![point]),
            (None, None, values @ [_, ..]) => weighed(at, values, &self.counts, place),
            (None, None, []) => Err(missing(&part("Value"))),
            (Some(_), Some(_), _) => Err(exclusive(&part("Value"), &part("StatisticValues"))),
            (Some(_), None, _) => Err(exclusive(&part("Value"), &part("Values"))),
            (None, Some(_), _) => Err(exclusive(&part("Values"), &part("StatisticValues"))),
        }
    }
}

fn weighed(at: i64, values: &[Figure], counts: &[Figure], place: &str) -> Result<Vec<Point>, ServiceError> {
    if values.len() > MOST_VALUES {
        return Err(invalid(format!("The collection {place}.Values must not have a size greater than {MOST_VALUES}.")));
    }
    if !counts.is_empty() && counts.len() != values.len() {
        return Err(invalid(format!("The parameters {place}.Values and {place}.Counts must be of the same size.")));
    }
    let mut points = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let value = finite(*value, &format!("{place}.Values.member.{}", index + 1))?;
        let parameter = format!("{place}.Counts.member.{}", index + 1);
        let samples = finite(counts.get(index).copied().unwrap_or(Figure(1.0)), &parameter)?;
        if samples < 0.0 {
            return Err(invalid_value(samples, &parameter));
        }
        if samples > 0.0 {
            points.push(Point { at, low: value, high: value, samples, sum: value * samples });
        }
    }
    Ok(points)
}

impl Statistics {
    fn point(&self, at: i64, place: &str) -> Result<Point, ServiceError> {
        let part = |figure: Option<Figure>, name: &str| {
            let parameter = format!("{place}.{name}");
            finite(figure.ok_or_else(|| missing(&parameter))?, &parameter)
        };
        let (low, high) = (part(self.minimum, "Minimum")?, part(self.maximum, "Maximum")?);
        let (samples, sum) = (part(self.sample_count, "SampleCount")?, part(self.sum, "Sum")?);
        if low > high {
            return Err(invalid(format!("The parameter {place}.Maximum must be greater than or equal to {place}.Minimum.")));
        }
        if samples <= 0.0 {
            return Err(invalid_value(samples, &format!("{place}.SampleCount")));
        }
        Ok(Point { at, low, high, samples, sum })
    }
}

fn finite(Figure(value): Figure, parameter: &str) -> Result<f64, ServiceError> {
    if value.is_finite() && value.abs() <= LARGEST { Ok(value) } else { Err(invalid_value(value, parameter)) }
}

fn exclusive(one: &str, other: &str) -> ServiceError {
    combination(format!("The parameters {one} and {other} are mutually exclusive and you have specified both."))
}
