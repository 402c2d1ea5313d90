//! The streams of tables: begun and stopped with the table's definition, and every change of an item written to them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    shards::{KEPT, Span, first_sequence, next_sequence},
    table::Table,
    value::{Item, size_of, write_item},
};
use crate::backend::emulator::{
    constraints::{Constraints, validation},
    error::ServiceError,
    json::Session,
};

const VIEWS: [&str; 4] = ["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"];
const COLUMNS: &str = "id, table_name, label, view, keys, created, disabled";

/// What a table is asked to have.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Specification {
    stream_enabled: bool,
    stream_view_type: Option<String>,
}

impl Specification {
    /// The view type of a stream that is wanted; `None` where none is.
    pub(super) fn view(&self) -> Result<Option<&str>, ServiceError> {
        let view = self.stream_view_type.as_deref();
        Constraints::default().one_of(view, "streamSpecification.streamViewType", &VIEWS).check()?;
        let refuse = |why: &str| Err(validation(format!("One or more parameter values were invalid: {why}")));
        match (self.stream_enabled, view) {
            (true, None) => refuse("StreamViewType must be specified when StreamEnabled is true"),
            (false, Some(_)) => refuse("StreamViewType cannot be specified when StreamEnabled is false"),
            (_, view) => Ok(view),
        }
    }
}

/// A stream as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) id: i64,
    pub(super) table: String,
    pub(super) label: String,
    pub(super) view: String,
    /// The table's key schema.
    pub(super) keys: Value,
    pub(super) span: Span,
}

impl Stream {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let keys: String = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            table: row.get(1)?,
            label: row.get(2)?,
            view: row.get(3)?,
            keys: serde_json::from_str(&keys).unwrap_or_default(),
            span: Span { created: row.get(5)?, disabled: row.get(6)? },
        })
    }

    /// The newest stream of a table, running or not.
    fn latest(connection: &Connection, table: &Table) -> Result<Option<Self>, ServiceError> {
        let sql = format!("SELECT {COLUMNS} FROM dynamodb_stream WHERE tbl = ?1 ORDER BY id DESC LIMIT 1");
        Ok(connection.prepare_cached(&sql)?.query_row([table.id], Self::read).optional()?)
    }

    /// The stream of a table that runs.
    fn running(connection: &Connection, table: &Table) -> Result<Option<Self>, ServiceError> {
        Ok(Self::latest(connection, table)?.filter(|stream| stream.span.disabled.is_none()))
    }

    pub(super) fn labelled(connection: &Connection, region: &str, table: &str, label: &str) -> Result<Option<Self>, ServiceError> {
        let sql = format!("SELECT {COLUMNS} FROM dynamodb_stream WHERE region = ?1 AND table_name = ?2 AND label = ?3");
        Ok(connection.prepare_cached(&sql)?.query_row((region, table, label), Self::read).optional()?)
    }

    pub(super) fn by_id(connection: &Connection, id: i64) -> Result<Option<Self>, ServiceError> {
        let sql = format!("SELECT {COLUMNS} FROM dynamodb_stream WHERE id = ?1");
        Ok(connection.prepare_cached(&sql)?.query_row([id], Self::read).optional()?)
    }

    /// All streams of a region, or of one of its tables, oldest first.
    pub(super) fn all(connection: &Connection, region: &str, table: Option<&str>, now: i64) -> Result<Vec<Self>, ServiceError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM dynamodb_stream
             WHERE region = ?1 AND (?2 IS NULL OR table_name = ?2) AND (disabled IS NULL OR disabled > ?3) ORDER BY id"
        );
        let mut query = connection.prepare_cached(&sql)?;
        let rows = query.query_map(params![region, table, now - KEPT], Self::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The sequence number of the next change.
    pub(super) fn next_sequence(&self, connection: &Connection, now: i64) -> Result<String, ServiceError> {
        let last: Option<String> = connection
            .prepare_cached("SELECT max(sequence) FROM dynamodb_change WHERE stream = ?1")?
            .query_row([self.id], |row| row.get(0))?;
        let by_time = first_sequence(now);
        Ok(last.map_or(by_time.clone(), |last| next_sequence(&last).max(by_time)))
    }

    pub(super) fn arn(&self, session: &Session<'_>) -> String {
        format!("{}/stream/{}", session.table_arn(&self.table), self.label)
    }
}

/// Begins a stream of `table`.
pub(super) fn start(session: &Session<'_>, table: &Table, view: &str) -> Result<(), ServiceError> {
    if Stream::running(session.connection, table)?.is_some() {
        return Err(validation(format!("Table already has an enabled stream: TableName: {}", table.name)));
    }
    let region = &session.place.region;
    // The label is the time; two of one millisecond still differ.
    let mut at = session.now;
    while Stream::labelled(session.connection, region, &table.name, &label(at))?.is_some() {
        at += 1;
    }
    let keys = serde_json::to_string(&table.definition.key_schema).unwrap_or_default();
    session.connection.execute(
        "INSERT INTO dynamodb_stream (region, tbl, table_name, label, view, keys, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![region, table.id, table.name, label(at), view, keys, session.now],
    )?;
    Ok(())
}

/// `2026-11-24T16:34:32.123`.
fn label(at: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S.%3f").to_string()
}

/// Stops the stream of `table`; whether one ran.
pub(super) fn stop(session: &Session<'_>, table: &Table) -> Result<bool, ServiceError> {
    let sql = "UPDATE dynamodb_stream SET disabled = ?2 WHERE tbl = ?1 AND disabled IS NULL";
    Ok(session.connection.execute(sql, (table.id, session.now))? > 0)
}

/// Removes the streams that were stopped a day ago.
pub(super) fn forget_old(session: &Session<'_>) -> Result<(), ServiceError> {
    session.connection.execute("DELETE FROM dynamodb_stream WHERE disabled <= ?1", [session.now - KEPT])?;
    Ok(())
}

/// Adds what there is to say about the table's stream to its description.
pub(super) fn describe_latest(session: &Session<'_>, table: &Table, description: &mut Value) -> Result<(), ServiceError> {
    let Some(stream) = Stream::latest(session.connection, table)? else { return Ok(()) };
    description["LatestStreamArn"] = stream.arn(session).into();
    description["LatestStreamLabel"] = stream.label.as_str().into();
    if stream.span.disabled.is_none() {
        description["StreamSpecification"] = json!({ "StreamEnabled": true, "StreamViewType": stream.view });
    }
    Ok(())
}

/// Writes the change of one item to the table's stream, if one runs and there is a change.
pub(super) fn record(session: &Session<'_>, table: &Table, old: Option<&Item>, new: Option<&Item>) -> Result<(), ServiceError> {
    let Some(stream) = Stream::running(session.connection, table)? else { return Ok(()) };
    let (event, item) = match (old, new) {
        (None, Some(new)) => ("INSERT", new),
        (Some(old), Some(new)) if old != new => ("MODIFY", new),
        (Some(old), None) => ("REMOVE", old),
        _ => return Ok(()),
    };
    let sequence = stream.next_sequence(session.connection, session.now)?;
    let keys = table.key().of(item);
    let mut size = size_of(&keys);
    let mut change = Map::new();
    for (image, field, views) in
        [(new, "NewImage", ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]), (old, "OldImage", ["OLD_IMAGE", "NEW_AND_OLD_IMAGES"])]
    {
        if let Some(image) = image.filter(|_| views.contains(&stream.view.as_str())) {
            size += size_of(image);
            change.insert(field.to_owned(), write_item(image));
        }
    }
    change.insert("ApproximateCreationDateTime".to_owned(), (session.now / 1000).into());
    change.insert("Keys".to_owned(), write_item(&keys));
    change.insert("SequenceNumber".to_owned(), sequence.as_str().into());
    change.insert("SizeBytes".to_owned(), size.into());
    change.insert("StreamViewType".to_owned(), stream.view.as_str().into());
    let record = json!({
        "eventID": Uuid::new_v4().simple().to_string(),
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": session.place.region,
        "dynamodb": change,
    });
    let delete = "DELETE FROM dynamodb_change WHERE stream = ?1 AND sequence < ?2";
    session.connection.prepare_cached(delete)?.execute((stream.id, first_sequence(session.now - KEPT)))?;
    let insert = "INSERT INTO dynamodb_change (stream, sequence, at, record) VALUES (?1, ?2, ?3, ?4)";
    session.connection.prepare_cached(insert)?.execute(params![stream.id, sequence, session.now, record.to_string()])?;
    Ok(())
}
