//! A trigger's parameters: where each is looked for, and which texts are accepted for which type.

use std::{collections::BTreeMap, fmt::Display};

use super::go;
use crate::core::error::{Error, Kind, Result};

const INTEGER: &str = "a whole number of 64 bits, without sign `+`, leading zeros, decimals or exponent";
const FLOAT: &str = "a number as JSON writes it, such as 5, 0.5 or 1e3";

/// What a trigger's parameters may come from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The trigger's own metadata.
    pub trigger: &'a BTreeMap<String, String>,
    /// What its TriggerAuthentication gives. Secret.
    pub auth: &'a BTreeMap<String, String>,
    /// The container's environment. May hold secrets.
    pub env: &'a BTreeMap<String, String>,
}

/// One of the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `triggerMetadata[name]`.
    Trigger,
    /// `authParams[name]`.
    Auth,
    /// `resolvedEnv[triggerMetadata[nameFromEnv]]`.
    Env,
}

impl Source {
    fn describe(self, name: &str) -> String {
        match self {
            Self::Trigger => "the trigger's metadata".to_owned(),
            Self::Auth => "the TriggerAuthentication".to_owned(),
            Self::Env => format!("the environment that `{name}FromEnv` names"),
        }
    }
}

/// Reads parameters and collects what is wrong with them, so that all of it is said at once.
pub struct Parameters<'a> {
    sources: Sources<'a>,
    faults: Vec<String>,
}

impl<'a> Parameters<'a> {
    /// Starts reading.
    #[must_use]
    pub fn new(sources: Sources<'a>) -> Self {
        Self { sources, faults: Vec::new() }
    }

    /// The first text that is not blank, trimmed.
    #[must_use]
    pub fn text(&self, name: &str, order: &[Source]) -> Option<&'a str> {
        order.iter().find_map(|source| self.look(name, *source)).map(str::trim)
    }

    fn look(&self, name: &str, source: Source) -> Option<&'a str> {
        let sources = self.sources;
        let found = match source {
            Source::Trigger => sources.trigger.get(name),
            Source::Auth => sources.auth.get(name),
            Source::Env => sources.env.get(sources.trigger.get(&format!("{name}FromEnv")).map_or("", String::as_str)),
        };
        found.map(String::as_str).filter(|text| !text.trim().is_empty())
    }

    /// A text that must be there; its absence is noted and reads as empty.
    pub fn required(&mut self, name: &str, order: &[Source]) -> &'a str {
        self.text(name, order).unwrap_or_else(|| {
            let places: Vec<String> = order.iter().map(|source| source.describe(name)).collect();
            self.faults.push(format!("`{name}` is missing in {}", places.join(" and ")));
            ""
        })
    }

    /// A text of the trigger's metadata; absent is empty.
    #[must_use]
    pub fn optional(&self, name: &str) -> String {
        self.text(name, &[Source::Trigger]).unwrap_or_default().to_owned()
    }

    /// A 64-bit integer of the trigger's metadata, written as JSON writes it.
    pub fn integer(&mut self, name: &str, default: i64) -> i64 {
        self.typed(name, json_integer, INTEGER).unwrap_or(default)
    }

    /// A 64-bit integer that must be there; 0 when it is not.
    pub fn required_integer(&mut self, name: &str) -> i64 {
        self.required(name, &[Source::Trigger]);
        self.integer(name, 0)
    }

    /// A floating-point number of the trigger's metadata, written as JSON writes it.
    pub fn float(&mut self, name: &str, default: f64) -> f64 {
        self.typed(name, json_float, FLOAT).unwrap_or(default)
    }

    /// A floating-point number that must be there; 0 when it is not.
    pub fn required_float(&mut self, name: &str) -> f64 {
        self.required(name, &[Source::Trigger]);
        self.float(name, 0.0)
    }

    /// A boolean of the trigger's metadata, written as Go writes it.
    pub fn boolean(&mut self, name: &str, default: bool) -> bool {
        self.typed(name, go::parse_bool, "true or false").unwrap_or(default)
    }

    /// The parts between semicolons, each trimmed, empty ones kept; absent is no part at all.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name, &[Source::Trigger]);
        text.map(|text| text.split(';').map(|part| part.trim().to_owned()).collect()).unwrap_or_default()
    }

    fn typed<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>, rule: &str) -> Option<T> {
        let text = self.text(name, &[Source::Trigger])?;
        let value = parse(text);
        if value.is_none() {
            self.refuse(name, text, rule);
        }
        value
    }

    /// Notes that the value of `name` breaks a rule: what it must be.
    pub fn refuse(&mut self, name: &str, value: impl Display, rule: impl Display) {
        self.faults.push(format!("`{name}` is `{value}`: it must be {rule}"));
    }

    /// Notes that a parameter is not given.
    pub fn missing(&mut self, name: &str, why: impl Display) {
        self.faults.push(format!("`{name}` is missing in the trigger's metadata: {why}"));
    }

    /// Ends reading.
    ///
    /// # Errors
    /// `Input`, with everything that was noted.
    pub fn finish(self, what: &str) -> Result<()> {
        if self.faults.is_empty() { Ok(()) } else { Err(Error::new(Kind::Input, format!("invalid {what}"), self.faults.join("; "))) }
    }
}

/// A JSON integer that fits 64 bits.
fn json_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = digits == "0" || !digits.starts_with(['0', '+']);
    canonical.then(|| text.parse().ok()).flatten()
}

/// A JSON number that fits a double.
fn json_float(text: &str) -> Option<f64> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_in_json() {
        for (text, value) in [("5", Some(5.0)), ("-0.5", Some(-0.5)), ("1e3", Some(1000.0))] {
            assert_eq!(json_float(text), value, "{text}");
        }
        for text in [".5", "1.", "+1", "1_0", "0x10", "NaN", "Inf", "null", "1e400", "\"1\"", "1 2", ""] {
            assert_eq!(json_float(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_written_as_in_json() {
        for (text, value) in [("0", Some(0)), ("-0", Some(0)), ("-12", Some(-12)), ("9223372036854775807", Some(i64::MAX))] {
            assert_eq!(json_integer(text), value, "{text}");
        }
        for text in ["+1", "05", "-05", "1.0", "1e2", "0x10", "", "-", "--1", "-+1", "null", "9223372036854775808"] {
            assert_eq!(json_integer(text), None, "{text}");
        }
    }
}
