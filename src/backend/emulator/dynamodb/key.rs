//! Keys: which attributes they have, the bytes by which items are found, and what is refused as a key.

use rusqlite::types::Value as Sql;

use super::value::{Attribute, Item};
use crate::backend::emulator::{constraints::validation, error::ServiceError};

/// Most bytes of each part.
const HASH: usize = 2048;
const RANGE: usize = 1024;

/// The attributes of a table's or an index's key.
#[derive(Debug, Clone, Default)]
pub(super) struct Key {
    pub(super) hash: KeyAttribute,
    pub(super) range: Option<KeyAttribute>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeyAttribute {
    pub(super) name: String,
    /// `S`, `N` or `B`.
    pub(super) kind: String,
}

/// Where an item lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) hash: Vec<u8>,
    pub(super) range: Vec<u8>,
}

impl Place {
    fn within_limits(self) -> Result<Self, ServiceError> {
        let refuse = |why: &str| Err(validation(format!("One or more parameter values were invalid: {why}")));
        if self.hash.len() > HASH {
            return refuse("Size of hashkey has exceeded the maximum size limit of2048 bytes");
        }
        if self.range.len() > RANGE {
            return refuse("Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
        }
        Ok(self)
    }

    pub(super) fn sql(&self) -> [Sql; 2] {
        [Sql::Blob(self.hash.clone()), Sql::Blob(self.range.clone())]
    }
}

impl Key {
    pub(super) fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.hash).chain(&self.range)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// Only the key's attributes of `item`.
    pub(super) fn of(&self, item: &Item) -> Item {
        self.attributes().filter_map(|attribute| Some((attribute.name.clone(), item.get(&attribute.name)?.clone()))).collect()
    }

    /// Where `item` lies; `None` where it lacks a part of the key, or has it in another type.
    pub(super) fn place(&self, item: &Item) -> Option<Place> {
        let part = |attribute: &KeyAttribute| {
            let value = item.get(&attribute.name).filter(|value| value.kind() == attribute.kind)?;
            value.key()
        };
        let range = self.range.as_ref().map_or(Some(Vec::new()), part)?;
        Some(Place { hash: part(&self.hash)?, range })
    }

    /// Where a whole item goes in its table.
    pub(super) fn place_of_item(&self, item: &Item) -> Result<Place, ServiceError> {
        let refuse = |why: String| Err(validation(format!("One or more parameter values were invalid: {why}")));
        for KeyAttribute { name, kind } in self.attributes() {
            match item.get(name) {
                None => return refuse(format!("Missing the key {name} in the item")),
                Some(value) if value.kind() != kind => {
                    return refuse(format!("Type mismatch for key {name} expected: {kind} actual: {}", value.kind()));
                }
                Some(value) => not_empty(name, value)?,
            }
        }
        self.sized(item)
    }

    /// Where the item lies that has exactly this key.
    pub(super) fn place_of_key(&self, key: &Item) -> Result<Place, ServiceError> {
        if key.len() != self.attributes().count() || self.place(key).is_none() {
            return Err(validation("The provided key element does not match the schema"));
        }
        for (name, value) in key {
            not_empty(name, value)?;
        }
        self.sized(key)
    }

    fn sized(&self, item: &Item) -> Result<Place, ServiceError> {
        self.place(item).ok_or_else(|| validation("The provided key element does not match the schema"))?.within_limits()
    }
}

fn is_empty(value: &Attribute) -> Option<&'static str> {
    match value {
        Attribute::S(text) if text.is_empty() => Some("string"),
        Attribute::B(bytes) if bytes.is_empty() => Some("binary"),
        _ => None,
    }
}

/// Refuses a value that no key can have.
pub(super) fn not_empty(name: &str, value: &Attribute) -> Result<(), ServiceError> {
    let Some(kind) = is_empty(value) else { return Ok(()) };
    Err(validation(format!(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {name}"
    )))
}

/// Refuses an item whose attributes cannot be the key of index `index`; those that it lacks are no fault.
pub(super) fn fits_index(key: &Key, index: &str, item: &Item) -> Result<(), ServiceError> {
    for KeyAttribute { name, kind } in key.attributes() {
        let Some(value) = item.get(name) else { continue };
        if value.kind() != kind {
            return Err(validation(format!(
                "One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: {kind} Actual: {} IndexName: {index}",
                value.kind()
            )));
        }
        if let Some(empty) = is_empty(value) {
            return Err(validation(format!(
                "One or more parameter values are not valid. A value specified for a secondary index key is not supported. \
                 The AttributeValue for a key attribute cannot contain an empty {empty} value. IndexName: {index}, IndexKey: {name}"
            )));
        }
    }
    key.place(item).map_or(Ok(()), |place| place.within_limits().map(drop))
}
