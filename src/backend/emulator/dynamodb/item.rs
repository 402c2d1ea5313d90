//! Items in the file: reading one, putting one in the place of another, removing one.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    index::{self, stored},
    key::{Place, fits_index},
    stream,
    table::Table,
    value::{Item, size_of, write_item},
};
use crate::backend::emulator::{constraints::validation, error::ServiceError, json::Session};

/// What is too large when an item is put.
pub(super) const ITEM_SIZE: &str = "Item size";
/// Most bytes of one item.
const LARGEST: usize = 400 * 1024;

/// The item at `place`, if there is one.
pub(super) fn find(connection: &Connection, table: &Table, place: &Place) -> Result<Option<Item>, ServiceError> {
    let found: Option<String> = connection
        .prepare_cached("SELECT item FROM dynamodb_item WHERE tbl = ?1 AND hash = ?2 AND range = ?3")?
        .query_row((table.id, &place.hash, &place.range), |row| row.get(0))
        .optional()?;
    found.map(|text| stored(&text)).transpose()
}

/// Refuses an item that its table or an index cannot hold; returns where it goes. `size` is how the refusal of a large one begins.
pub(super) fn check(table: &Table, item: &Item, size: &str) -> Result<Place, ServiceError> {
    let place = table.key().place_of_item(item)?;
    for index in table.definition.indexes() {
        fits_index(&table.definition.key_of(&index.key_schema), &index.name, item)?;
    }
    if size_of(item) > LARGEST {
        return Err(validation(format!("{size} has exceeded the maximum allowed size")));
    }
    Ok(place)
}

/// Puts `item` at `place`, in the place of `old`.
pub(super) fn put(session: &Session<'_>, table: &Table, place: &Place, old: Option<&Item>, item: &Item) -> Result<(), ServiceError> {
    if let Some(old) = old {
        index::remove(session.connection, table, place, old)?;
    }
    let size = i64::try_from(size_of(item)).unwrap_or(i64::MAX);
    session
        .connection
        .prepare_cached("INSERT OR REPLACE INTO dynamodb_item (tbl, hash, range, size, item) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![table.id, place.hash, place.range, size, write_item(item).to_string()])?;
    index::add(session.connection, table, place, item)?;
    stream::record(session, table, old, Some(item))
}

/// Removes `old` from `place`; nothing to remove is no fault.
pub(super) fn remove(session: &Session<'_>, table: &Table, place: &Place, old: Option<&Item>) -> Result<(), ServiceError> {
    let Some(old) = old else { return Ok(()) };
    index::remove(session.connection, table, place, old)?;
    session.connection.prepare_cached("DELETE FROM dynamodb_item WHERE tbl = ?1 AND hash = ?2 AND range = ?3")?.execute((
        table.id,
        &place.hash,
        &place.range,
    ))?;
    stream::record(session, table, Some(old), None)
}
