//! Secondary indexes: an entry for each item that has the index's key, and what of the item is seen there.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::{
    definition::Index,
    key::{Key, Place},
    table::Table,
    value::{Item, read_item},
};
use crate::backend::emulator::error::ServiceError;

/// Adds `item`, which lies at `place`, to every index that has a place for it.
pub(super) fn add(connection: &Connection, table: &Table, place: &Place, item: &Item) -> Result<(), ServiceError> {
    table.definition.indexes().try_for_each(|index| add_to(connection, table, index, place, item))
}

fn add_to(connection: &Connection, table: &Table, index: &Index, place: &Place, item: &Item) -> Result<(), ServiceError> {
    let Some(at) = table.definition.key_of(&index.key_schema).place(item) else { return Ok(()) };
    let sql = "INSERT OR REPLACE INTO dynamodb_entry (tbl, idx, hash, range, item_hash, item_range) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(sql)?.execute(params![table.id, index.name, at.hash, at.range, place.hash, place.range])?;
    Ok(())
}

/// Takes `item`, which lies at `place`, out of every index.
pub(super) fn remove(connection: &Connection, table: &Table, place: &Place, item: &Item) -> Result<(), ServiceError> {
    for index in table.definition.indexes() {
        let Some(at) = table.definition.key_of(&index.key_schema).place(item) else { continue };
        let sql = "DELETE FROM dynamodb_entry
                   WHERE tbl = ?1 AND idx = ?2 AND hash = ?3 AND range = ?4 AND item_hash = ?5 AND item_range = ?6";
        connection.prepare_cached(sql)?.execute(params![table.id, index.name, at.hash, at.range, place.hash, place.range])?;
    }
    Ok(())
}

/// Adds the items that the table has already to a new index.
pub(super) fn fill(connection: &Connection, table: &Table, index: &Index) -> Result<(), ServiceError> {
    let mut query = connection.prepare("SELECT hash, range, item FROM dynamodb_item WHERE tbl = ?1")?;
    let mut rows = query.query([table.id])?;
    while let Some(row) = rows.next()? {
        let place = Place { hash: row.get(0)?, range: row.get(1)? };
        add_to(connection, table, index, &place, &stored(&row.get::<_, String>(2)?)?)?;
    }
    Ok(())
}

/// Removes all entries of an index that is gone.
pub(super) fn empty(connection: &Connection, table: i64, index: &str) -> Result<(), ServiceError> {
    connection.execute("DELETE FROM dynamodb_entry WHERE tbl = ?1 AND idx = ?2", (table, index))?;
    Ok(())
}

/// How many items, and bytes of items, an index has.
pub(super) fn measure(connection: &Connection, table: i64, index: &str) -> Result<(i64, i64), ServiceError> {
    let sql = "SELECT count(*), coalesce(sum(i.size), 0) FROM dynamodb_entry e
               JOIN dynamodb_item i ON i.tbl = e.tbl AND i.hash = e.item_hash AND i.range = e.item_range WHERE e.tbl = ?1 AND e.idx = ?2";
    Ok(connection.prepare_cached(sql)?.query_row((table, index), |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// An item as the file has it.
pub(super) fn stored(text: &str) -> Result<Item, ServiceError> {
    let unreadable = || ServiceError::new("InternalFailure", "an item in the file is unreadable").status(500);
    let value: Value = serde_json::from_str(text).map_err(|_| unreadable())?;
    read_item(value.as_object().ok_or_else(unreadable)?)
}

impl Index {
    /// Whether everything of an item is seen through the index.
    pub(super) fn shows_all(&self) -> bool {
        self.projection.kind.as_deref() == Some("ALL")
    }

    /// What of `item` is seen through the index.
    pub(super) fn project(&self, item: Item, table_key: &Key, index_key: &Key) -> Item {
        if self.shows_all() {
            return item;
        }
        let named = self.projection.non_key_attributes.as_deref().unwrap_or_default();
        let is_seen = |name: &String| table_key.has(name) || index_key.has(name) || named.contains(name);
        item.into_iter().filter(|(name, _)| is_seen(name)).collect()
    }
}
