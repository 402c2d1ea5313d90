//! One field of a document with the path to it: typed reading whose errors name line, field, value and rule.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::Value;

use super::node::{Node, Shape, nearest};
use crate::core::error::{Error, Result};

/// The longest value that an error shows.
const SHOWN: usize = 60;

/// A node and how it was reached.
#[derive(Clone)]
pub(super) struct Field<'a> {
    node: &'a Node,
    source: &'a str,
    path: String,
    line: usize,
}

impl<'a> Field<'a> {
    pub(super) fn root(node: &'a Node, source: &'a str) -> Self {
        Self { node, source, path: String::new(), line: node.line }
    }

    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.node.shape, Shape::Map(_))
    }

    pub(super) fn is_null(&self) -> bool {
        self.node.shape == Shape::Null
    }

    /// The child called `name`, null or not.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        let Shape::Map(entries) = &self.node.shape else { return None };
        entries.iter().find(|(key, _)| key == name).map(|(_, node)| self.child(node, self.joined(name)))
    }

    /// The child called `name`, which must exist because of `rule`.
    pub(super) fn required(&self, name: &str, rule: &str) -> Result<Self> {
        if !self.is_map() {
            return Err(self.wrong("an object"));
        }
        self.get(name).ok_or_else(|| {
            let missing = Field { path: self.joined(name), ..self.clone() };
            Error::new(crate::core::error::Kind::Input, format!("missing {}", missing.place()), rule)
        })
    }

    /// The children of an object.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>> {
        let Shape::Map(entries) = &self.node.shape else { return Err(self.wrong("an object")) };
        Ok(entries.iter().map(|(key, node)| (key.as_str(), self.child(node, self.joined(key)))).collect())
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>> {
        let Shape::List(list) = &self.node.shape else { return Err(self.wrong("a list")) };
        Ok(list.iter().enumerate().map(|(index, node)| self.child(node, format!("{}[{index}]", self.path))).collect())
    }

    /// Text; anything that YAML takes for a number or a boolean is an error that says to quote it.
    pub(super) fn text(&self) -> Result<&'a str> {
        match &self.node.shape {
            Shape::Text(text) => Ok(text),
            Shape::Bool(_) | Shape::Number(_) => Err(self
                .error(format!("must be a string, but it is {}; the API server refuses it", self.kind()))
                .hint(format!("quote it: {}: \"{}\"", self.name(), self.shown()))),
            _ => Err(self.wrong("a string")),
        }
    }

    /// A map of texts.
    pub(super) fn texts(&self) -> Result<BTreeMap<String, String>> {
        self.entries()?.into_iter().map(|(key, field)| Ok((key.to_owned(), field.text()?.to_owned()))).collect()
    }

    /// A 32-bit integer of at least `least`.
    pub(super) fn integer(&self, least: i32) -> Result<i32> {
        let Shape::Number(number) = &self.node.shape else { return Err(self.wrong("a whole number")) };
        let value = number.as_i64().and_then(|value| i32::try_from(value).ok());
        match value {
            Some(value) if value >= least => Ok(value),
            Some(_) => Err(self.error(format!("must be at least {least}"))),
            None if number.is_f64() => Err(self.wrong("a whole number")),
            None => Err(self.error(format!("must be from {least} to {}", i32::MAX))),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool> {
        let Shape::Bool(value) = &self.node.shape else { return Err(self.wrong("true or false")) };
        Ok(*value)
    }

    /// One of `names`.
    pub(super) fn one_of(&self, names: &[&str]) -> Result<&'a str> {
        let text = self.text()?;
        if names.contains(&text) {
            return Ok(text);
        }
        let error = self.error(format!("must be one of {}", names.join(", ")));
        Err(match nearest(text, names) {
            Some(name) => error.hint(format!("did you mean `{name}`?")),
            None => error,
        })
    }

    /// Notes every child that is not in `known`: the API server drops it.
    pub(super) fn note_unknown(&self, known: &[&str], warnings: &mut Vec<String>) -> Result<()> {
        for (name, field) in self.entries()?.into_iter().filter(|(name, _)| !known.contains(name)) {
            let mut text = format!("{}: unknown field, the API server drops it", field.place());
            if let Some(meant) = nearest(name, known) {
                let _ = write!(text, "; did you mean `{meant}`?");
            }
            warnings.push(text);
        }
        Ok(())
    }

    /// An error about this field's value.
    pub(super) fn error(&self, rule: impl Into<String>) -> Error {
        Error::input(self.place(), self.shown(), rule)
    }

    /// An error about this field's type.
    pub(super) fn wrong(&self, wanted: &str) -> Error {
        self.error(format!("must be {wanted}, but it is {}", self.kind()))
    }

    /// Path, source and line.
    pub(super) fn place(&self) -> String {
        let path = if self.path.is_empty() { "document" } else { &self.path };
        match self.line {
            0 => format!("{path} of {}", self.source),
            line => format!("{path} ({}, line {line})", self.source),
        }
    }

    /// The value as the source has it, shortened, in one line.
    pub(super) fn shown(&self) -> String {
        let text = match &self.node.shape {
            Shape::Text(text) => text.clone(),
            _ => Value::from(self.node).to_string(),
        };
        let one_line: Vec<&str> = text.split_whitespace().collect();
        let text = one_line.join(" ");
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}..", &text[..end]),
            None => text,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.node.shape {
            Shape::Null => "empty",
            Shape::Bool(_) => "a boolean",
            Shape::Number(_) => "a number",
            Shape::Text(_) => "a string",
            Shape::List(_) => "a list",
            Shape::Map(_) => "an object",
        }
    }

    fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    fn joined(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn child(&self, node: &'a Node, path: String) -> Self {
        let line = if node.line == 0 { self.line } else { node.line };
        Self { node, source: self.source, path, line }
    }
}
