//! `AWS/SQS`: the queues' counters as metrics. Their past is not kept, so each minute shows what is there now.

use super::{metric::Metric, model::Dimensions, series::Point, session::Session, window::Window};
use crate::backend::emulator::{error::ServiceError, sqs};

/// SQS's namespace.
pub(super) const NAMESPACE: &str = "AWS/SQS";
/// The dimension that names the queue.
const QUEUE: &str = "QueueName";
/// SQS's counters and the metrics that show them.
const METRICS: [&str; 3] =
    ["ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"];
/// How far back there are points, in seconds.
const REACH: i64 = 3 * 3600;
/// Seconds between points.
const STEP: i64 = 60;

/// The metrics of the region's queues.
pub(super) fn metrics(session: &Session<'_>) -> Result<Vec<Metric>, ServiceError> {
    let queues = sqs::queue_names(session.connection, &session.call.region)?;
    let of = |name: &str| {
        let dimensions = |queue: &String| Dimensions::from([(QUEUE.to_owned(), queue.clone())]);
        queues.iter().map(|queue| Metric::live(NAMESPACE, name, dimensions(queue), session.now)).collect::<Vec<_>>()
    };
    Ok(METRICS.into_iter().flat_map(of).collect())
}

/// The counter as it is now, once for each minute up to now.
pub(super) fn points(session: &Session<'_>, metric: &Metric, unit: Option<&str>, window: Window) -> Result<Vec<Point>, ServiceError> {
    let Some(queue) = metric.dimensions.get(QUEUE).filter(|_| unit.is_none_or(|unit| unit == "Count")) else { return Ok(Vec::new()) };
    let Some(counters) = sqs::counters(session.connection, session.call, session.now, queue)? else { return Ok(Vec::new()) };
    let counter = METRICS.iter().position(|name| *name == metric.name).and_then(|index| counters.get(index));
    let Some(counter) = counter else { return Ok(Vec::new()) };
    #[expect(clippy::cast_precision_loss, reason = "a queue holds far fewer messages")]
    let value = *counter as f64;
    let now = session.now / 1000;
    let first = window.start.max(now - REACH);
    let first = first + (-first).rem_euclid(STEP);
    let minutes = (first..window.end.min(now + 1)).step_by(60);
    Ok(minutes.map(|at| Point { at, low: value, high: value, samples: 1.0, sum: value }).collect())
}
