//! A trigger's parameters: where each is looked for, and which texts are accepted for which type.

use std::collections::BTreeMap;

use super::go;
use crate::core::error::{Error, Kind, Result};

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

    /// A 64-bit integer of the trigger's metadata, written as JSON writes it.
    pub fn integer(&mut self, name: &str, default: i64) -> i64 {
        self.typed(name, default, json_integer, "a whole number without sign `+`, leading zeros, decimals or exponent")
    }

    /// A boolean of the trigger's metadata, written as Go writes it.
    pub fn boolean(&mut self, name: &str, default: bool) -> bool {
        self.typed(name, default, go::parse_bool, "true or false")
    }

    fn typed<T>(&mut self, name: &str, default: T, parse: impl Fn(&str) -> Option<T>, rule: &str) -> T {
        let Some(text) = self.text(name, &[Source::Trigger]) else { return default };
        parse(text).unwrap_or_else(|| {
            self.faults.push(format!("`{name}` is `{text}`: it must be {rule}"));
            default
        })
    }

    /// Notes a fault of the whole.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
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

#[cfg(test)]
mod tests {
    use super::*;

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
