//! `ListMetrics`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    error::{invalid_value, missing, next_token},
    metric::Metric,
    model::{Dimension, Dimensions},
    session::Session,
};
use crate::backend::emulator::error::ServiceError;

/// Metrics on one page.
const PAGE: usize = 500;
/// What `RecentlyActive` may be, and its seconds.
const RECENT: (&str, i64) = ("PT3H", 3 * 3600);

/// `ListMetrics`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    next_token: Option<String>,
    recently_active: Option<String>,
}

/// The metrics that all filters let through, in pages.
pub(super) fn list(session: &Session<'_>, input: List) -> Result<Value, ServiceError> {
    session.authorize("cloudwatch:ListMetrics", &[])?;
    let since = match input.recently_active.as_deref() {
        None => i64::MIN,
        Some(recent) if recent == RECENT.0 => session.now / 1000 - RECENT.1,
        Some(other) => return Err(invalid_value(other, "RecentlyActive")),
    };
    if let Some(number) = input.dimensions.iter().position(|filter| filter.name.as_deref().is_none_or(str::is_empty)) {
        return Err(missing(&format!("Dimensions.member.{}.Name", number + 1)));
    }
    let passes = |metric: &Metric| {
        let has = |filter: &Dimension| {
            let value = metric.dimensions.get(filter.name.as_deref().unwrap_or_default());
            value.is_some_and(|value| filter.value.as_ref().is_none_or(|wanted| wanted == value))
        };
        metric.updated >= since && input.metric_name.as_ref().is_none_or(|name| *name == metric.name) && input.dimensions.iter().all(has)
    };
    let start = input.next_token.map_or(Ok(0), |token| token.parse::<usize>().map_err(|_| next_token()))?;
    let found: Vec<Metric> = Metric::all(session, input.namespace.as_deref())?.into_iter().filter(passes).collect();
    let page: Vec<Value> = found.iter().skip(start).take(PAGE).map(shown).collect();
    let mut answer = json!({ "Metrics": page, "OwningAccounts": [] });
    if found.len() > start + PAGE {
        answer["NextToken"] = (start + PAGE).to_string().into();
    }
    Ok(answer)
}

fn shown(metric: &Metric) -> Value {
    json!({ "Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": pairs(&metric.dimensions) })
}

fn pairs(dimensions: &Dimensions) -> Value {
    dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
}
