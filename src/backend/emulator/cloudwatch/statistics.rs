//! `GetMetricStatistics`: the older way to read one metric.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    error::{combination, invalid, missing},
    metric::Metric,
    model::{Dimension, Moment, NO_UNIT, Whole, check_unit, dimensions},
    series::Series,
    session::Session,
    statistic::Statistic,
    window::{Window, check_period, check_span},
};
use crate::backend::emulator::error::ServiceError;

/// Most datapoints of one answer.
const MOST: i64 = 1440;

/// `GetMetricStatistics`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: Option<Moment>,
    end_time: Option<Moment>,
    period: Option<Whole>,
    #[serde(default)]
    statistics: Vec<String>,
    #[serde(default)]
    extended_statistics: Vec<String>,
    unit: Option<String>,
}

/// The statistics of one metric, a datapoint for each period that has data.
pub(super) fn get(session: &Session<'_>, input: Get) -> Result<Value, ServiceError> {
    session.authorize("cloudwatch:GetMetricStatistics", &[])?;
    let namespace = input.namespace.ok_or_else(|| missing("Namespace"))?;
    let name = input.metric_name.ok_or_else(|| missing("MetricName"))?;
    let start = input.start_time.ok_or_else(|| missing("StartTime"))?;
    let end = input.end_time.ok_or_else(|| missing("EndTime"))?;
    let Whole(period) = input.period.ok_or_else(|| missing("Period"))?;
    let dimensions = dimensions(input.dimensions, "GetMetricStatistics")?;
    if input.statistics.is_empty() && input.extended_statistics.is_empty() {
        return Err(combination("At least one of the parameters Statistics and ExtendedStatistics must be specified."));
    }
    check_span(start, end).map_err(invalid)?;
    let worded = |error: ServiceError| invalid(error.message);
    let window = Window::new(start, end, check_period(period).map_err(worded)?, session.now);
    if (window.end - window.start) / window.period > MOST {
        let message =
            format!("You have requested more than {MOST} datapoints: raise Period or shorten the time between StartTime and EndTime.");
        return Err(combination(message));
    }
    let unit = input.unit.as_deref();
    unit.map_or(Ok(()), |unit| check_unit(unit, "Unit"))?;
    let points = match Metric::find(session, &namespace, &name, &dimensions)? {
        Some(metric) => metric.points(session, unit, window)?,
        None => Vec::new(),
    };
    let series = |name: &String| Ok((name.clone(), Series::of(&points, Statistic::parse(name).map_err(worded)?, window)));
    let plain = input.statistics.iter().map(series).collect::<Result<Vec<_>, ServiceError>>()?;
    let extended = input.extended_statistics.iter().map(series).collect::<Result<Vec<_>, ServiceError>>()?;
    let shown = |all: &[(String, Series)], at: i64| -> Map<String, Value> {
        all.iter().filter_map(|(name, series)| Some((name.clone(), Value::from(*series.values.get(&at)?)))).collect()
    };
    let datapoints = window.periods().filter_map(|at| {
        let (mut datapoint, more) = (shown(&plain, at), shown(&extended, at));
        if datapoint.is_empty() && more.is_empty() {
            return None;
        }
        if !more.is_empty() {
            datapoint.insert("ExtendedStatistics".to_owned(), more.into());
        }
        datapoint.insert("Timestamp".to_owned(), at.into());
        datapoint.insert("Unit".to_owned(), unit.unwrap_or(NO_UNIT).into());
        Some(Value::Object(datapoint))
    });
    Ok(json!({ "Label": name, "Datapoints": datapoints.collect::<Vec<_>>() }))
}
