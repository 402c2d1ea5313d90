//! A document read as any type: fields that the type does not have are noted, what it cannot take is an error with its line.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};

use super::{
    field::Field,
    node::{Node, Shape},
};
use crate::core::error::{Error, Kind, Result};

/// Reads `field` as a `T`, and notes what the API server would drop of it.
///
/// # Errors
/// `Input`, naming field and line but never the value, when it is no `T`: it may be a secret.
pub(super) fn read<T: DeserializeOwned>(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<T> {
    let noted = RefCell::new(Vec::new());
    let read = T::deserialize(Typed { field: field.clone(), noted: &noted });
    warnings.extend(noted.into_inner());
    read.map_err(|fault| {
        let place = fault.place.unwrap_or_else(|| field.place());
        Error::new(Kind::Input, format!("invalid {place}"), fault.why)
    })
}

/// A field as serde reads it.
struct Typed<'a, 'n> {
    field: Field<'a>,
    noted: &'n RefCell<Vec<String>>,
}

/// What could not be read, and where once that is known.
#[derive(Debug)]
struct Fault {
    place: Option<String>,
    why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self { place: None, why: why.to_string() }
    }

    fn invalid_type(_: serde::de::Unexpected<'_>, wanted: &dyn serde::de::Expected) -> Self {
        Self::custom(format_args!("must be {wanted}"))
    }

    fn invalid_value(_: serde::de::Unexpected<'_>, wanted: &dyn serde::de::Expected) -> Self {
        Self::custom(format_args!("must be {wanted}"))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::custom(format_args!("must be one of {}", known.join(", ")))
    }
}

impl<'a> Typed<'a, '_> {
    fn node(&self) -> &'a Node {
        self.field.node()
    }

    fn child(&self, field: Field<'a>) -> Self {
        Self { field, noted: self.noted }
    }

    fn at<T>(place: String, read: std::result::Result<T, Fault>) -> std::result::Result<T, Fault> {
        read.map_err(|fault| Fault { place: fault.place.or(Some(place)), ..fault })
    }

    fn wrong(&self, wanted: &str) -> Fault {
        Fault { place: Some(self.field.place()), why: format!("must be {wanted}, but it is {}", self.field.kind()) }
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        match &self.node().shape {
            Shape::Text(text) => Self::at(self.field.place(), visitor.visit_str(text)),
            _ => Err(self.wrong("a string")),
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        match &self.node().shape {
            Shape::Number(_) => self.deserialize_any(visitor),
            _ => Err(self.wrong("a number")),
        }
    }
}

impl<'de> Deserializer<'de> for Typed<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        let place = self.field.place();
        let read = match &self.node().shape {
            Shape::Null => visitor.visit_unit(),
            Shape::Bool(value) => visitor.visit_bool(*value),
            Shape::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => visitor.visit_i64(value),
                (None, Some(value)) => visitor.visit_u64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Shape::Text(text) => visitor.visit_str(text),
            Shape::List(_) => visitor.visit_seq(Children::of(&self)),
            Shape::Map(_) => visitor.visit_map(Children::of(&self)),
        };
        Self::at(place, read)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        if self.field.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> std::result::Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        if !self.field.is_map() {
            return Err(self.wrong("an object"));
        }
        // It is an object, so that there is nothing to go wrong.
        let _ = self.field.note_unknown(known, &mut self.noted.borrow_mut());
        self.deserialize_any(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        if self.field.is_map() { self.deserialize_any(visitor) } else { Err(self.wrong("an object")) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        if matches!(self.node().shape, Shape::List(_)) { self.deserialize_any(visitor) } else { Err(self.wrong("a list")) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        if matches!(self.node().shape, Shape::Bool(_)) { self.deserialize_any(visitor) } else { Err(self.wrong("true or false")) }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        self.text(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        match &self.node().shape {
            Shape::Text(text) => Self::at(self.field.place(), visitor.visit_enum(text.as_str().into_deserializer())),
            _ => Err(self.wrong("a string")),
        }
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

/// The children of an object or a list, one after another.
struct Children<'a, 'n> {
    rest: std::vec::IntoIter<(&'a str, Typed<'a, 'n>)>,
    value: Option<Typed<'a, 'n>>,
}

impl<'a, 'n> Children<'a, 'n> {
    fn of(parent: &Typed<'a, 'n>) -> Self {
        let fields: Vec<(&'a str, Field<'a>)> = match &parent.node().shape {
            Shape::Map(_) => parent.field.entries().unwrap_or_default(),
            _ => parent.field.items().unwrap_or_default().into_iter().map(|item| ("", item)).collect(),
        };
        let rest: Vec<_> = fields.into_iter().map(|(key, field)| (key, parent.child(field))).collect();
        Self { rest: rest.into_iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Children<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> std::result::Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> std::result::Result<V::Value, Fault> {
        let value = self.value.take().ok_or_else(|| Fault::custom("a value without a key"))?;
        let place = value.field.place();
        Typed::at(place, seed.deserialize(value))
    }
}

impl<'de> SeqAccess<'de> for Children<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> std::result::Result<Option<T::Value>, Fault> {
        let Some((_, item)) = self.rest.next() else { return Ok(None) };
        let place = item.field.place();
        Typed::at(place, seed.deserialize(item)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::core::keda::manifest::node::parse;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Outer {
        #[expect(dead_code, reason = "only read")]
        replicas: Option<i32>,
        #[expect(dead_code, reason = "only read")]
        labels: Option<BTreeMap<String, String>>,
        #[expect(dead_code, reason = "only read")]
        parts: Option<Vec<Inner>>,
    }

    #[derive(Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only read")]
        name: String,
    }

    fn read(text: &str) -> (Vec<String>, Result<()>) {
        let nodes = parse(text, "f.yaml").expect("YAML");
        let mut warnings = Vec::new();
        let read = super::read::<Outer>(&Field::root(&nodes[0], "f.yaml"), &mut warnings).map(drop);
        (warnings, read)
    }

    #[test]
    fn a_field_that_the_type_does_not_have_is_noted_with_its_line_and_the_nearest() {
        let (warnings, read) = read("replicas: 3\nlabels: {any: thing}\nparts:\n- name: a\n  nmae: b\nreplica: 2\n");
        read.expect("read");
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("replica (f.yaml, line 6)") && warnings[0].contains("`replicas`"), "{warnings:?}");
        assert!(warnings[1].contains("parts[0].nmae (f.yaml, line 5)") && warnings[1].contains("`name`"), "{warnings:?}");
    }

    #[test]
    fn what_the_type_cannot_take_is_named_without_its_value() {
        for (text, place, why) in [
            ("replicas: s3cr3t\n", "replicas (f.yaml, line 1)", "must be a number, but it is a string"),
            ("labels:\n  a: 47114711\n", "labels.a (f.yaml, line 2)", "must be a string, but it is a number"),
            ("parts: {}\n", "parts (f.yaml, line 1)", "must be a list, but it is an object"),
            ("replicas: 47114711471147\n", "replicas (f.yaml, line 1)", "must be i32"),
            ("parts:\n- {}\n", "parts[0] (f.yaml, line 2)", "missing field `name`"),
        ] {
            let error = read(text).1.expect_err(text).to_string();
            assert!(error.contains(place) && error.contains(why), "{error}");
            assert!(!error.contains("s3cr3t") && !error.contains("4711"), "{error}");
        }
    }
}
