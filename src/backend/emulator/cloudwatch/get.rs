//! `GetMetricData`: several queries over one window, metrics and math over them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    error::{missing, next_token, validation},
    expression::Expression,
    insights::Select,
    metric::Metric,
    model::{Dimension, Flag, Moment, Whole, check_unit, dimensions},
    series::Series,
    session::Session,
    statistic::Statistic,
    window::{Window, check_period, check_span},
};
use crate::backend::emulator::{ACCOUNT, error::ServiceError};

/// Most queries in one request.
const MOST_QUERIES: usize = 500;
/// Most datapoints on one page.
const MOST_POINTS: i64 = 100_800;
/// Longest expression, in bytes.
const LONGEST: usize = 2048;

/// `GetMetricData`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    #[serde(default)]
    metric_data_queries: Vec<Query>,
    start_time: Option<Moment>,
    end_time: Option<Moment>,
    next_token: Option<String>,
    scan_by: Option<String>,
    max_datapoints: Option<Whole>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    id: Option<String>,
    metric_stat: Option<OfMetric>,
    expression: Option<String>,
    label: Option<String>,
    return_data: Option<Flag>,
    period: Option<Whole>,
    account_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfMetric {
    metric: Option<Of>,
    period: Option<Whole>,
    stat: Option<String>,
    unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Of {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

/// The queries of one request, and what has been found so far.
struct Queries<'a> {
    session: &'a Session<'a>,
    span: (Moment, Moment),
    all: BTreeMap<&'a str, &'a Query>,
    /// `None` while it is being evaluated.
    found: BTreeMap<&'a str, Option<Series>>,
}

/// The series of every query that is to be returned, in pages.
pub(super) fn get(session: &Session<'_>, input: Get) -> Result<Value, ServiceError> {
    session.authorize("cloudwatch:GetMetricData", &[])?;
    let start = input.start_time.ok_or_else(|| missing("StartTime"))?;
    let end = input.end_time.ok_or_else(|| missing("EndTime"))?;
    check_span(start, end).map_err(validation)?;
    let ascending = match input.scan_by.as_deref() {
        None | Some("TimestampDescending") => false,
        Some("TimestampAscending") => true,
        Some(other) => return Err(validation(format!("The value {other} for parameter ScanBy is invalid."))),
    };
    let queries = checked(&input.metric_data_queries)?;
    let mut queries = Queries { session, span: (start, end), all: queries, found: BTreeMap::new() };
    let mut results = Vec::new();
    for query in &input.metric_data_queries {
        let id = query.id.as_deref().unwrap_or_default();
        let series = queries.series(id)?;
        if query.return_data != Some(Flag(false)) {
            results.push((query, series));
        }
    }
    let most = match input.max_datapoints {
        None => MOST_POINTS,
        Some(Whole(most @ 1..=MOST_POINTS)) => most,
        Some(Whole(other)) => return Err(validation(format!("The value {other} for parameter MaxDatapoints is invalid."))),
    };
    let skip = input.next_token.map_or(Ok(0), |token| token.parse::<usize>().map_err(|_| next_token()))?;
    Ok(page(&results, ascending, skip, usize::try_from(most).unwrap_or(usize::MAX)))
}

/// The queries by id, each with a valid id of its own.
fn checked(queries: &[Query]) -> Result<BTreeMap<&str, &Query>, ServiceError> {
    if queries.is_empty() {
        return Err(missing("MetricDataQueries"));
    }
    if queries.len() > MOST_QUERIES {
        return Err(validation(format!("The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}.")));
    }
    let mut by_id = BTreeMap::new();
    for (number, query) in (1..).zip(queries) {
        let parameter = format!("MetricDataQueries.member.{number}.Id");
        let id = query.id.as_deref().ok_or_else(|| missing(&parameter))?;
        let begins = id.starts_with(|c: char| c.is_ascii_lowercase()) && id.len() <= 255;
        if !begins || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(validation(format!(
                "The value {id} for parameter {parameter} is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
            )));
        }
        if query.metric_stat.is_none() && query.expression.as_deref().is_none_or(str::is_empty) {
            return Err(validation(format!("The parameter MetricDataQueries.member.{number}.MetricStat is required.\n")));
        }
        if by_id.insert(id, query).is_some() {
            return Err(validation(format!("The values for parameter id in MetricDataQueries are not unique: {id}.")));
        }
    }
    Ok(by_id)
}

impl Queries<'_> {
    fn series(&mut self, id: &str) -> Result<Series, ServiceError> {
        match self.found.get(id) {
            Some(Some(series)) => return Ok(series.clone()),
            Some(None) => return Err(validation(format!("Error in expression: `{id}` needs itself."))),
            None => {}
        }
        let Some((id, query)) = self.all.get_key_value(id).map(|(id, query)| (*id, *query)) else {
            return Err(validation(format!("Error in expression: there is no query `{id}`.")));
        };
        self.found.insert(id, None);
        let series = self.evaluate(id, query)?;
        self.found.insert(id, Some(series.clone()));
        Ok(series)
    }

    fn evaluate(&mut self, id: &str, query: &Query) -> Result<Series, ServiceError> {
        match (&query.metric_stat, query.expression.as_deref().filter(|text| !text.is_empty())) {
            (Some(stat), None) => self.stat(stat, query.account_id.as_deref()),
            (None, Some(text)) if text.len() > LONGEST => {
                Err(validation(format!("Error in expression `{id}`: it is longer than {LONGEST} bytes.")))
            }
            (None, Some(text)) if Select::is_one(text) => {
                let Whole(period) = query.period.ok_or_else(|| validation(format!("Period must be given for the query `{id}`.")))?;
                Select::parse(text)?.evaluate(self.session, self.window(check_period(period)?))
            }
            (None, Some(text)) => Expression::parse(text)?.evaluate(&mut |other| self.series(other)),
            _ => Err(validation(format!("The query `{id}` must not have both MetricStat and Expression."))),
        }
    }

    fn stat(&self, stat: &OfMetric, account: Option<&str>) -> Result<Series, ServiceError> {
        let of = stat.metric.as_ref().ok_or_else(|| missing("MetricStat.Metric"))?;
        let namespace = of.namespace.as_deref().filter(|text| !text.is_empty()).ok_or_else(|| missing("MetricStat.Metric.Namespace"))?;
        let name = of.metric_name.as_deref().filter(|text| !text.is_empty()).ok_or_else(|| missing("MetricStat.Metric.MetricName"))?;
        let Whole(period) = stat.period.ok_or_else(|| missing("MetricStat.Period"))?;
        let window = self.window(check_period(period)?);
        let statistic = Statistic::parse(stat.stat.as_deref().ok_or_else(|| missing("MetricStat.Stat"))?)?;
        let unit = stat.unit.as_deref();
        unit.map_or(Ok(()), |unit| check_unit(unit, "MetricStat.Unit"))?;
        let dimensions = dimensions(of.dimensions.clone(), "MetricStat.Metric")?;
        if account.is_some_and(|account| account != ACCOUNT) {
            return Err(validation(format!("No account shares its metrics with {ACCOUNT}: AccountId must be that or absent.")));
        }
        let points = match Metric::find(self.session, namespace, name, &dimensions)? {
            Some(metric) => metric.points(self.session, unit, window)?,
            None => Vec::new(),
        };
        Ok(Series::of(&points, statistic, window))
    }

    fn window(&self, period: i64) -> Window {
        Window::new(self.span.0, self.span.1, period, self.session.now)
    }
}

/// The datapoints behind the first `skip`, at most `most` of them.
fn page(results: &[(&Query, Series)], ascending: bool, mut skip: usize, mut most: usize) -> Value {
    let given = skip + most;
    let total: usize = results.iter().map(|(_, series)| series.values.len()).sum();
    let shown = results.iter().map(|(query, series)| {
        let mut pairs: Vec<(i64, f64)> = series.values.iter().map(|(at, value)| (*at, *value)).collect();
        if !ascending {
            pairs.reverse();
        }
        let passed = skip.min(pairs.len());
        skip -= passed;
        pairs.drain(..passed);
        let status = if pairs.len() > most { "PartialData" } else { "Complete" };
        pairs.truncate(most);
        most -= pairs.len();
        let (timestamps, values): (Vec<i64>, Vec<f64>) = pairs.into_iter().unzip();
        json!({ "Id": query.id, "Label": label(query), "Timestamps": timestamps, "Values": values, "StatusCode": status })
    });
    let mut answer = json!({ "MetricDataResults": shown.collect::<Vec<_>>(), "Messages": [] });
    if total > given {
        answer["NextToken"] = given.to_string().into();
    }
    answer
}

fn label(query: &Query) -> &str {
    let name = query.metric_stat.as_ref().and_then(|stat| stat.metric.as_ref()?.metric_name.as_deref());
    query.label.as_deref().or(name).or(query.id.as_deref()).unwrap_or_default()
}
