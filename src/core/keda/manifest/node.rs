//! A YAML or JSON document as a tree whose every node knows its line.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Spanned, budget, options};

use crate::core::error::{Error, Kind, Result};

/// The deepest nesting that is read; a pod template needs about fifteen.
const DEEPEST: usize = 64;
/// Documents of one text, and nodes in them: thousands of objects are no attack; what aliases make of a text is bounded besides.
const MOST: usize = 20_000_000;

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Its line, counted from 1; 0 when unknown.
    pub(super) line: usize,
    /// What it is.
    pub(super) shape: Shape,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Nothing.
    Null,
    /// `true` or `false`, and what YAML 1.1 (which kubectl speaks) takes for them: `yes`, `no`, `on`, `off`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the source.
    Map(Vec<(String, Node)>),
}

/// Reads every document of `text`.
pub(super) fn parse(text: &str, source: &str) -> Result<Vec<Node>> {
    let budget = budget! { max_depth: DEEPEST, max_documents: MOST, max_nodes: MOST, max_events: MOST };
    let options = options! { with_snippet: false, legacy_octal_numbers: true, budget: budget };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let place = match error.location() {
            Some(location) => format!("{source}:{}:{}", location.line(), location.column()),
            None => source.to_owned(),
        };
        let whole = error.without_snippet().to_string();
        let first = whole.lines().next().unwrap_or_default();
        Error::new(Kind::Input, format!("{place}: not valid YAML or JSON"), first)
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Shape>::deserialize(deserializer)?;
        Ok(Self { line: usize::try_from(spanned.referenced.line()).unwrap_or(0), shape: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        Shape::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Shape, E> {
        Ok(Shape::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Shape, E> {
        Ok(Shape::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
        Ok(Shape::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Shape, E> {
        Ok(Number::from_f64(value).map_or_else(|| Shape::Text(value.to_string()), Shape::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Shape, E> {
        Ok(Shape::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Shape::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Shape::Map(entries))
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        let shape = match value {
            Value::Null => Shape::Null,
            Value::Bool(value) => Shape::Bool(*value),
            Value::Number(value) => Shape::Number(value.clone()),
            Value::String(value) => Shape::Text(value.clone()),
            Value::Array(list) => Shape::List(list.iter().map(Self::from).collect()),
            Value::Object(map) => Shape::Map(map.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect()),
        };
        Self { line: 0, shape }
    }
}

impl From<&Node> for Value {
    fn from(node: &Node) -> Self {
        match &node.shape {
            Shape::Null => Self::Null,
            Shape::Bool(value) => Self::Bool(*value),
            Shape::Number(value) => Self::Number(value.clone()),
            Shape::Text(value) => Self::String(value.clone()),
            Shape::List(list) => Self::Array(list.iter().map(Self::from).collect()),
            Shape::Map(map) => Self::Object(map.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect::<Map<_, _>>()),
        }
    }
}

/// The one of `known` that `name` was probably meant to be.
#[must_use]
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let (distance, best) = known.iter().map(|candidate| (distance(&lower, &candidate.to_lowercase()), *candidate)).min()?;
    (distance <= 2.max(name.chars().count() / 3)).then_some(best)
}

/// Insertions, deletions and replacements between two words.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
