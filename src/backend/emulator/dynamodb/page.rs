//! One page of a query or scan: items in the order of their keys, until one of the limits is reached.

use std::ops::Bound;

use rusqlite::{Connection, params_from_iter, types::Value as Sql};

use super::{
    definition::Index,
    index::stored,
    key::{Key, Place},
    key_condition::Stretch,
    table::Table,
    value::{Item, size_of},
};
use crate::backend::emulator::{constraints::validation, error::ServiceError};

/// Most bytes that are looked at for one page, before any filter.
const BYTES: usize = 1024 * 1024;

/// Which items are looked at.
pub(super) struct Source<'a> {
    pub(super) table: &'a Table,
    /// The index by which they are looked at, and whether whole items are wanted though the index shows less.
    pub(super) index: Option<(&'a Index, Whole)>,
    /// Only these keys; absent when all are scanned.
    pub(super) stretch: Option<Stretch>,
    pub(super) order: Order,
    /// Behind this key.
    pub(super) start: Option<Item>,
    pub(super) limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// What the index shows.
    Projected,
    /// All of the item, fetched from the table.
    Fetched,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// The items that were looked at.
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// The key to go on behind, where a limit ended the page.
    pub(super) last: Option<Item>,
}

/// The statement under construction.
struct Statement {
    sql: String,
    values: Vec<Sql>,
}

impl Statement {
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Sql>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values);
    }

    fn bound(&mut self, column: &str, (open, closed): (&str, &str), bound: Bound<Vec<u8>>) {
        match bound {
            Bound::Unbounded => {}
            Bound::Included(value) => self.and(&format!("{column} {closed} ?"), [Sql::Blob(value)]),
            Bound::Excluded(value) => self.and(&format!("{column} {open} ?"), [Sql::Blob(value)]),
        }
    }
}

impl Source<'_> {
    /// The key by which items are in order.
    pub(super) fn key(&self) -> Key {
        match self.index {
            Some((index, _)) => self.table.definition.key_of(&index.key_schema),
            None => self.table.key(),
        }
    }

    /// Reads the page; `is_wanted` says which items count at all.
    pub(super) fn read(&self, connection: &Connection, is_wanted: impl Fn(&Item) -> bool) -> Result<Page, ServiceError> {
        let Statement { sql, values } = self.statement()?;
        let (table_key, own_key) = (self.table.key(), self.key());
        let mut query = connection.prepare(&sql)?;
        let mut rows = query.query(params_from_iter(values))?;
        let mut page = Page { items: Vec::new(), last: None };
        let (mut bytes, mut last_key) = (0, None);
        while let Some(row) = rows.next()? {
            let item = stored(&row.get::<_, String>(0)?)?;
            if !is_wanted(&item) {
                continue;
            }
            let key: Item = table_key.of(&item).into_iter().chain(own_key.of(&item)).collect();
            let item = match self.index {
                Some((index, Whole::Projected)) => index.project(item, &table_key, &own_key),
                _ => item,
            };
            bytes += size_of(&item);
            if bytes > BYTES && !page.items.is_empty() {
                page.last = last_key;
                break;
            }
            page.items.push(item);
            if self.limit == Some(page.items.len()) {
                page.last = Some(key);
                break;
            }
            last_key = Some(key);
        }
        Ok(page)
    }

    fn statement(&self) -> Result<Statement, ServiceError> {
        let (mut statement, columns) = match self.index {
            None => {
                let sql = "SELECT item FROM dynamodb_item WHERE tbl = ?".to_owned();
                (Statement { sql, values: vec![self.table.id.into()] }, vec!["hash", "range"])
            }
            Some((index, _)) => {
                let sql = "SELECT i.item FROM dynamodb_entry e CROSS JOIN dynamodb_item i
                           ON i.tbl = e.tbl AND i.hash = e.item_hash AND i.range = e.item_range WHERE e.tbl = ? AND e.idx = ?";
                let values = vec![self.table.id.into(), index.name.clone().into()];
                (Statement { sql: sql.to_owned(), values }, vec!["e.hash", "e.range", "e.item_hash", "e.item_range"])
            }
        };
        if let Some(Stretch { hash, low, high }) = self.stretch.clone() {
            statement.and(&format!("{} = ?", columns[0]), [Sql::Blob(hash)]);
            statement.bound(columns[1], (">", ">="), low);
            statement.bound(columns[1], ("<", "<="), high);
        }
        let (sign, word) = match self.order {
            Order::Ascending => (">", "ASC"),
            Order::Descending => ("<", "DESC"),
        };
        if let Some(start) = &self.start {
            let position = self.position(start)?;
            let marks = vec!["?"; columns.len()].join(", ");
            statement.and(&format!("({}) {sign} ({marks})", columns.join(", ")), position);
        }
        let order: Vec<String> = columns.iter().map(|column| format!("{column} {word}")).collect();
        statement.sql.push_str(" ORDER BY ");
        statement.sql.push_str(&order.join(", "));
        Ok(statement)
    }

    /// The columns' values at the key `start`.
    fn position(&self, start: &Item) -> Result<Vec<Sql>, ServiceError> {
        let invalid = || validation("The provided starting key is invalid");
        let (table_key, own_key) = (self.table.key(), self.key());
        let known = start.keys().all(|name| table_key.has(name) || own_key.has(name));
        let place = table_key.place(start).filter(|_| known).ok_or_else(invalid)?;
        let own = own_key.place(start).ok_or_else(invalid)?;
        if let Some(stretch) = &self.stretch {
            let is_within = stretch.hash == own.hash && above(&stretch.low, &own.range) && below(&stretch.high, &own.range);
            if !is_within {
                return Err(validation("The provided starting key is outside query boundaries based on provided conditions"));
            }
        }
        let of = |place: &Place| place.sql().to_vec();
        Ok(if self.index.is_some() { [of(&own), of(&place)].concat() } else { of(&place) })
    }
}

fn above(bound: &Bound<Vec<u8>>, value: &[u8]) -> bool {
    match bound {
        Bound::Unbounded => true,
        Bound::Included(low) => value >= low.as_slice(),
        Bound::Excluded(low) => value > low.as_slice(),
    }
}

fn below(bound: &Bound<Vec<u8>>, value: &[u8]) -> bool {
    match bound {
        Bound::Unbounded => true,
        Bound::Included(high) => value <= high.as_slice(),
        Bound::Excluded(high) => value < high.as_slice(),
    }
}
