//! Metrics and their points, kept or live.

use rusqlite::OptionalExtension;

use super::{error::unreadable, model::Dimensions, queues, series::Point, session::Session, window::Window};
use crate::backend::emulator::error::ServiceError;

/// How long points are kept, in seconds: 455 days.
const RETENTION: i64 = 455 * 24 * 3600;

/// One metric: a name in a namespace, with dimensions.
#[derive(Debug, Clone)]
pub(super) struct Metric {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) dimensions: Dimensions,
    /// When something was last put, in seconds since 1970.
    pub(super) updated: i64,
    source: Source,
}

/// Where a metric's points are.
#[derive(Debug, Clone)]
enum Source {
    /// In the file, under this id.
    Kept(i64),
    /// Nowhere: it is counted when asked.
    Live,
}

impl Metric {
    /// The metric's id, made where it is missing.
    pub(super) fn ensure(session: &Session<'_>, namespace: &str, name: &str, dimensions: &Dimensions) -> Result<i64, ServiceError> {
        let dimensions = serde_json::to_string(dimensions).map_err(unreadable)?;
        let sql = "INSERT INTO cloudwatch_metric (region, namespace, name, dimensions, updated) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (region, namespace, name, dimensions) DO UPDATE SET updated = excluded.updated RETURNING id";
        let row = (&session.call.region, namespace, name, dimensions, session.now / 1000);
        Ok(session.connection.prepare_cached(sql)?.query_row(row, |row| row.get(0))?)
    }

    /// A metric that is counted when asked.
    pub(super) fn live(namespace: &str, name: &str, dimensions: Dimensions, now: i64) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions, updated: now / 1000, source: Source::Live }
    }

    /// The one metric with exactly these dimensions, if there is one.
    pub(super) fn find(session: &Session<'_>, namespace: &str, name: &str, dimensions: &Dimensions) -> Result<Option<Self>, ServiceError> {
        if namespace == queues::NAMESPACE {
            return Ok(queues::metrics(session)?.into_iter().find(|metric| metric.name == name && metric.dimensions == *dimensions));
        }
        let text = serde_json::to_string(dimensions).map_err(unreadable)?;
        let sql = "SELECT id, updated FROM cloudwatch_metric WHERE region = ?1 AND namespace = ?2 AND name = ?3 AND dimensions = ?4";
        let row = session.connection.prepare_cached(sql)?.query_row((&session.call.region, namespace, name, text), |row| {
            Ok(Self {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                dimensions: dimensions.clone(),
                updated: row.get(1)?,
                source: Source::Kept(row.get(0)?),
            })
        });
        Ok(row.optional()?)
    }

    /// All metrics of the region, in the order of namespace, name and dimensions; of one namespace where it is given.
    pub(super) fn all(session: &Session<'_>, namespace: Option<&str>) -> Result<Vec<Self>, ServiceError> {
        let mut metrics =
            if namespace.is_none_or(|namespace| namespace == queues::NAMESPACE) { queues::metrics(session)? } else { Vec::new() };
        let sql = "SELECT id, namespace, name, dimensions, updated FROM cloudwatch_metric
                   WHERE region = ?1 AND (?2 IS NULL OR namespace = ?2) ORDER BY namespace, name, dimensions";
        let mut kept = session.connection.prepare_cached(sql)?;
        let rows = kept.query_map((&session.call.region, namespace), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?, row.get(4)?))
        })?;
        for row in rows {
            let (id, namespace, name, dimensions, updated) = row?;
            let dimensions = serde_json::from_str(&dimensions).map_err(unreadable)?;
            metrics.push(Self { namespace, name, dimensions, updated, source: Source::Kept(id) });
        }
        Ok(metrics)
    }

    /// Its points in `window`, of `unit` where one is given.
    pub(super) fn points(&self, session: &Session<'_>, unit: Option<&str>, window: Window) -> Result<Vec<Point>, ServiceError> {
        let Source::Kept(id) = self.source else { return queues::points(session, self, unit, window) };
        let sql = "SELECT at, low, high, samples, sum FROM cloudwatch_point
                   WHERE metric = ?1 AND at >= ?2 AND at < ?3 AND (?4 IS NULL OR unit = ?4)";
        let mut points = session.connection.prepare_cached(sql)?;
        let points = points.query_map((id, window.start, window.end, unit), |row| {
            Ok(Point { at: row.get(0)?, low: row.get(1)?, high: row.get(2)?, samples: row.get(3)?, sum: row.get(4)? })
        })?;
        Ok(points.collect::<Result<_, _>>()?)
    }
}

/// Adds `points` to the metric, and forgets those that are too old to be kept.
pub(super) fn keep(session: &Session<'_>, metric: i64, unit: &str, points: &[Point]) -> Result<(), ServiceError> {
    let sql = "INSERT INTO cloudwatch_point (metric, at, unit, low, high, samples, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT DO UPDATE SET samples = samples + excluded.samples, sum = sum + excluded.sum";
    let mut insert = session.connection.prepare_cached(sql)?;
    for Point { at, low, high, samples, sum } in points {
        insert.execute((metric, at, unit, low, high, samples, sum))?;
    }
    let oldest = session.now / 1000 - RETENTION;
    session.connection.prepare_cached("DELETE FROM cloudwatch_point WHERE metric = ?1 AND at < ?2")?.execute((metric, oldest))?;
    Ok(())
}
