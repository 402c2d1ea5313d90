//! CloudWatch: metrics are put and read, and SQS's own are there; no alarms.

mod error;
mod expression;
mod get;
mod insights;
mod list;
mod metric;
mod model;
mod put;
mod queues;
mod series;
mod session;
mod statistic;
mod statistics;
#[cfg(test)]
mod tests;
mod token;
mod window;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Emulator, error::ServiceError, request::Call};
use session::Session;
pub(crate) use wire::cbor::write as cbor;

/// The tables. `updated` and `at` are seconds since 1970, `dimensions` an object in the order of its keys. Equal values of
/// one moment are one row; a row whose `low` and `high` differ is a statistic set.
pub(crate) const SCHEMA: &str = "
CREATE TABLE cloudwatch_metric (
    id INTEGER PRIMARY KEY, region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,
    updated INTEGER NOT NULL, UNIQUE (region, namespace, name, dimensions)) STRICT;
CREATE TABLE cloudwatch_point (
    metric INTEGER NOT NULL REFERENCES cloudwatch_metric (id) ON DELETE CASCADE, at INTEGER NOT NULL, unit TEXT NOT NULL,
    low REAL NOT NULL, high REAL NOT NULL, samples REAL NOT NULL, sum REAL NOT NULL,
    PRIMARY KEY (metric, at, unit, low, high)) STRICT, WITHOUT ROWID;
";

/// An action: its input to its answer in the JSON wire's shape.
type Action<I> = fn(&Session<'_>, I) -> Result<Value, ServiceError>;

/// Answers one call.
pub(crate) async fn handle(emulator: &Emulator, call: Arc<Call>) -> Result<Response<Bytes>, ServiceError> {
    let value = match call.action.as_str() {
        "PutMetricData" => put(emulator, &call).await,
        "GetMetricData" => look(emulator, &call, get::get).await,
        "GetMetricStatistics" => look(emulator, &call, statistics::get).await,
        "ListMetrics" => look(emulator, &call, list::list).await,
        other => Err(error::unknown_action(other)),
    }?;
    wire::respond(&call, &value)
}

async fn look<I: DeserializeOwned + Send + 'static>(
    emulator: &Emulator,
    call: &Arc<Call>,
    action: Action<I>,
) -> Result<Value, ServiceError> {
    let (input, call, now) = (wire::read(call)?, call.clone(), emulator.clock.now_ms());
    emulator.store.read(move |connection| action(&Session { connection, call: &call, now }, input)).await
}

async fn put(emulator: &Emulator, call: &Arc<Call>) -> Result<Value, ServiceError> {
    let (input, call, now) = (wire::read(call)?, call.clone(), emulator.clock.now_ms());
    emulator.store.write(move |transaction| put::put(&Session { connection: transaction, call: &call, now }, input)).await
}
