//! Attribute values: how they are written, checked, compared and measured.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::number::Number;
use crate::backend::emulator::{constraints::validation, error::ServiceError};

/// How deep lists and maps may lie in each other.
const DEPTH: usize = 32;

/// The attributes of an item, or of a key, by name.
pub(super) type Item = BTreeMap<String, Attribute>;

/// One attribute's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Attribute {
    S(String),
    N(Number),
    B(Vec<u8>),
    Bool(bool),
    Null,
    L(Vec<Attribute>),
    M(Item),
    Ss(BTreeSet<String>),
    Ns(BTreeSet<Number>),
    Bs(BTreeSet<Vec<u8>>),
}

/// An item as it is on the wire.
pub(super) fn read_item(value: &Map<String, Value>) -> Result<Item, ServiceError> {
    value.iter().map(|(name, value)| Ok((name.clone(), Attribute::read(value)?))).collect()
}

/// An item as the wire and the file have it.
pub(super) fn write_item(item: &Item) -> Value {
    Value::Object(item.iter().map(|(name, value)| (name.clone(), value.write())).collect())
}

/// Bytes that an item counts.
pub(super) fn size_of(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}

fn wrong_type() -> ServiceError {
    ServiceError::new("SerializationException", "An attribute value has another JSON type than its data type has.")
}

fn invalid(why: impl std::fmt::Display) -> ServiceError {
    validation(format!("One or more parameter values were invalid: {why}"))
}

impl Attribute {
    pub(super) fn read(value: &Value) -> Result<Self, ServiceError> {
        Self::read_at(value, DEPTH)
    }

    fn read_at(value: &Value, depth: usize) -> Result<Self, ServiceError> {
        let mut fields = value.as_object().ok_or_else(wrong_type)?.iter().filter(|(_, value)| !value.is_null());
        let Some((kind, inner)) = fields.next() else {
            return Err(validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"));
        };
        if fields.next().is_some() {
            let message = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes";
            return Err(validation(message));
        }
        let below = || depth.checked_sub(1).ok_or_else(|| validation("Nesting Levels have exceeded supported limits"));
        match kind.as_str() {
            "S" => Ok(Self::S(text(inner)?.to_owned())),
            "N" => Ok(Self::N(number(inner)?)),
            "B" => Ok(Self::B(bytes(inner)?)),
            "BOOL" => Ok(Self::Bool(inner.as_bool().ok_or_else(wrong_type)?)),
            "NULL" => match inner.as_bool() {
                Some(true) => Ok(Self::Null),
                Some(false) => Err(invalid("Null attribute value types must have the value of true")),
                None => Err(wrong_type()),
            },
            "L" => {
                let below = below()?;
                let items = inner.as_array().ok_or_else(wrong_type)?.iter();
                Ok(Self::L(items.map(|item| Self::read_at(item, below)).collect::<Result<_, _>>()?))
            }
            "M" => {
                let below = below()?;
                let fields = inner.as_object().ok_or_else(wrong_type)?.iter();
                Ok(Self::M(
                    fields.map(|(name, value)| Ok((name.clone(), Self::read_at(value, below)?))).collect::<Result<_, ServiceError>>()?,
                ))
            }
            "SS" => Ok(Self::Ss(set(inner, "An string set  may not be empty", |value| Ok(text(value)?.to_owned()))?)),
            "NS" => Ok(Self::Ns(set(inner, "An number set  may not be empty", number)?)),
            "BS" => Ok(Self::Bs(set(inner, "Binary sets should not be empty", bytes)?)),
            _ => Err(validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")),
        }
    }

    pub(super) fn write(&self) -> Value {
        let encode = |bytes: &Vec<u8>| BASE64_STANDARD.encode(bytes);
        match self {
            Self::S(text) => json!({ "S": text }),
            Self::N(number) => json!({ "N": number.to_string() }),
            Self::B(bytes) => json!({ "B": encode(bytes) }),
            Self::Bool(value) => json!({ "BOOL": value }),
            Self::Null => json!({ "NULL": true }),
            Self::L(items) => json!({ "L": items.iter().map(Self::write).collect::<Vec<_>>() }),
            Self::M(fields) => json!({ "M": write_item(fields) }),
            Self::Ss(set) => json!({ "SS": set }),
            Self::Ns(set) => json!({ "NS": set.iter().map(ToString::to_string).collect::<Vec<_>>() }),
            Self::Bs(set) => json!({ "BS": set.iter().map(encode).collect::<Vec<_>>() }),
        }
    }

    /// The data type, as expressions and refusals name it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::L(_) => "L",
            Self::M(_) => "M",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
        }
    }

    /// Bytes that sort as the values of this type do; only for the types that keys may have.
    pub(super) fn key(&self) -> Option<Vec<u8>> {
        match self {
            Self::S(text) => Some(text.as_bytes().to_vec()),
            Self::N(number) => Some(number.key()),
            Self::B(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::L(items) => 3 + items.iter().map(|item| 1 + item.size()).sum::<usize>(),
            Self::M(fields) => 3 + fields.len() + size_of(fields),
            Self::Ss(set) => set.iter().map(String::len).sum(),
            Self::Ns(set) => set.iter().map(Number::size).sum(),
            Self::Bs(set) => set.iter().map(Vec::len).sum(),
        }
    }

    /// As refusals show a value.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::S(text) => format!("{{S:{text}}}"),
            Self::N(number) => format!("{{N:{number}}}"),
            other => format!("{{{}}}", other.kind()),
        }
    }
}

fn text(value: &Value) -> Result<&str, ServiceError> {
    value.as_str().ok_or_else(wrong_type)
}

fn number(value: &Value) -> Result<Number, ServiceError> {
    text(value)?.parse().map_err(|why: String| validation(why))
}

fn bytes(value: &Value) -> Result<Vec<u8>, ServiceError> {
    let decoded = BASE64_STANDARD.decode(text(value)?);
    decoded.map_err(|error| ServiceError::new("SerializationException", format!("a binary value is not base64: {error}")))
}

fn set<T: Ord>(value: &Value, empty: &str, read: impl Fn(&Value) -> Result<T, ServiceError>) -> Result<BTreeSet<T>, ServiceError> {
    let items = value.as_array().ok_or_else(wrong_type)?;
    if items.is_empty() {
        return Err(invalid(empty));
    }
    let set = items.iter().map(read).collect::<Result<BTreeSet<_>, _>>()?;
    if set.len() == items.len() {
        return Ok(set);
    }
    let shown: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    Err(invalid(format!("Input collection [{}] contains duplicates.", shown.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(value: &Value) -> String {
        Attribute::read(value).expect_err("refused").message
    }

    #[test]
    fn a_value_is_read_and_written_back() {
        let value = json!({ "M": {
            "s": { "S": "x" }, "n": { "N": "1.5" }, "b": { "B": "AQI=" }, "l": { "L": [{ "BOOL": true }, { "NULL": true }] },
            "ss": { "SS": ["a", "b"] }, "ns": { "NS": ["1", "2"] }, "bs": { "BS": ["AQ=="] },
        } });
        assert_eq!(Attribute::read(&value).expect("reads").write(), value);
    }

    #[test]
    fn a_value_has_exactly_one_data_type() {
        assert!(refusal(&json!({})).contains("is empty"));
        assert!(refusal(&json!({ "X": "1" })).contains("is empty"));
        assert!(refusal(&json!({ "S": "1", "N": "1" })).contains("more than one datatypes"));
        assert_eq!(Attribute::read(&json!({ "N": 1 })).expect_err("a JSON number").code, "SerializationException");
    }

    #[test]
    fn sets_are_neither_empty_nor_have_anything_twice() {
        assert!(refusal(&json!({ "SS": [] })).ends_with("An string set  may not be empty"));
        assert!(refusal(&json!({ "NS": ["1", "1.0"] })).ends_with("Input collection [1, 1.0] contains duplicates."));
    }

    #[test]
    fn nesting_ends_at_32_levels() {
        let nested = |depth: usize| (0..depth).fold(json!({ "S": "x" }), |value, _| json!({ "L": [value] }));
        assert!(Attribute::read(&nested(32)).is_ok());
        assert!(refusal(&nested(33)).contains("Nesting Levels"));
    }

    #[test]
    fn an_item_counts_its_names_and_values() {
        let item = Item::from([("ab".to_owned(), Attribute::S("xyz".to_owned())), ("n".to_owned(), Attribute::Bool(true))]);
        assert_eq!(size_of(&item), 7);
    }
}
