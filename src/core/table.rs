//! A DynamoDB table as it is to be made: its keys, its indexes, and whether its changes are a stream.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// The keys of a table or of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySchema {
    /// What says in which partition an item is.
    pub partition: KeyAttribute,
    /// What items are sorted by within a partition.
    pub sort: Option<KeyAttribute>,
}

/// An attribute that is a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: KeyKind,
}

/// The types that a key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    /// Text.
    S,
    /// A number.
    N,
    /// Bytes.
    B,
}

/// A table to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableShape {
    /// Its own keys.
    pub keys: KeySchema,
    /// The keys of each of its global indexes, by the index's name. An index has all attributes.
    pub indexes: BTreeMap<String, KeySchema>,
    /// Whether its changes are a stream, with the items before and after.
    pub has_stream: bool,
}

impl KeyAttribute {
    /// The attribute called `name`, of type `kind`.
    pub fn new(name: impl Into<String>, kind: KeyKind) -> Self {
        Self { name: name.into(), kind }
    }
}

impl KeySchema {
    /// Both keys, the partition's first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.partition).chain(&self.sort)
    }
}

impl TableShape {
    /// A table with these keys, without index or stream.
    #[must_use]
    pub fn new(partition: KeyAttribute, sort: Option<KeyAttribute>) -> Self {
        Self { keys: KeySchema { partition, sort }, indexes: BTreeMap::new(), has_stream: false }
    }

    /// Every attribute that is a key of the table or of an index, once, by name.
    #[must_use]
    pub fn attributes(&self) -> BTreeMap<&str, KeyKind> {
        let all = std::iter::once(&self.keys).chain(self.indexes.values());
        all.flat_map(KeySchema::attributes).map(|attribute| (attribute.name.as_str(), attribute.kind)).collect()
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        })
    }
}

impl fmt::Display for KeyAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.kind)
    }
}

impl fmt::Display for KeySchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sort {
            Some(sort) => write!(f, "{}, {sort}", self.partition),
            None => write!(f, "{}", self.partition),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_attribute_is_defined_once() {
        let mut shape = TableShape::new(KeyAttribute::new("pk", KeyKind::S), Some(KeyAttribute::new("sk", KeyKind::N)));
        let index = KeySchema { partition: KeyAttribute::new("state", KeyKind::S), sort: Some(KeyAttribute::new("sk", KeyKind::N)) };
        shape.indexes.insert("by-state".to_owned(), index);
        assert_eq!(shape.attributes(), BTreeMap::from([("pk", KeyKind::S), ("sk", KeyKind::N), ("state", KeyKind::S)]));
        assert_eq!(shape.keys.to_string(), "pk (S), sk (N)");
    }
}
