//! What fills the placeholders of a request's expressions, and which of it was used.

use std::{cell::RefCell, collections::BTreeMap, collections::BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Fault;
use crate::backend::emulator::{constraints::validation, dynamodb::value::Attribute, error::ServiceError};

/// As a request has them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct Given {
    expression_attribute_names: Option<BTreeMap<String, String>>,
    expression_attribute_values: Option<Map<String, Value>>,
}

impl Given {
    pub(in super::super) fn names(&self) -> Option<&BTreeMap<String, String>> {
        self.expression_attribute_names.as_ref()
    }

    /// Whether values are given, and none is in them.
    pub(in super::super) fn has_no_value(&self) -> bool {
        self.expression_attribute_values.as_ref().is_some_and(Map::is_empty)
    }
}

/// Names and values by their placeholders.
#[derive(Debug, Default)]
pub(in super::super) struct Placeholders {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Attribute>,
    used: RefCell<BTreeSet<String>>,
}

impl Placeholders {
    /// Reads what is `given` beside those of `expressions` (by name) that the request has.
    pub(in super::super) fn read(given: &Given, expressions: &[(&str, bool)]) -> Result<Self, ServiceError> {
        let any = expressions.iter().any(|(_, given)| *given);
        let alone = |what: &str| {
            let names: Vec<&str> = expressions.iter().map(|(name, _)| *name).collect();
            let (verb, list) = (if names.len() == 1 { "is" } else { "are" }, names.join(" and "));
            validation(format!("{what} can only be specified when using expressions: {list} {verb} null"))
        };
        let mut all = Self::default();
        if let Some(names) = &given.expression_attribute_names {
            if !any {
                return Err(validation("ExpressionAttributeNames can only be specified when using expressions"));
            }
            if names.is_empty() {
                return Err(validation("ExpressionAttributeNames must not be empty"));
            }
            if let Some(key) = names.keys().find(|key| !is_placeholder(key, '#')) {
                return Err(validation(format!("ExpressionAttributeNames contains invalid key: Syntax error; key: \"{key}\"")));
            }
            all.names.clone_from(names);
        }
        let Some(values) = &given.expression_attribute_values else { return Ok(all) };
        if !any {
            return Err(alone("ExpressionAttributeValues"));
        }
        if values.is_empty() {
            return Err(validation("ExpressionAttributeValues must not be empty"));
        }
        for (key, value) in values {
            if !is_placeholder(key, ':') {
                return Err(validation(format!("ExpressionAttributeValues contains invalid key: Syntax error; key: \"{key}\"")));
            }
            let value = Attribute::read(value).map_err(|error| match error.code.as_str() {
                "ValidationException" => {
                    validation(format!("ExpressionAttributeValues contains invalid value: {} for key {key}", error.message))
                }
                _ => error,
            })?;
            all.values.insert(key.clone(), value);
        }
        Ok(all)
    }

    pub(super) fn name(&self, placeholder: &str) -> Result<String, Fault> {
        let found = self.names.get(placeholder).cloned().ok_or_else(|| {
            let why = "An expression attribute name used in the document path is not defined";
            Fault(format!("{why}; attribute name: {placeholder}"))
        })?;
        self.used.borrow_mut().insert(placeholder.to_owned());
        Ok(found)
    }

    pub(super) fn value(&self, placeholder: &str) -> Result<Attribute, Fault> {
        let found = self.values.get(placeholder).cloned().ok_or_else(|| {
            let why = "An expression attribute value used in expression is not defined";
            Fault(format!("{why}; attribute value: {placeholder}"))
        })?;
        self.used.borrow_mut().insert(placeholder.to_owned());
        Ok(found)
    }

    /// Once all expressions are parsed: was anything given that none of them uses?
    pub(in super::super) fn all_used(&self) -> Result<(), ServiceError> {
        let used = self.used.borrow();
        let names: Vec<&str> = self.names.keys().filter(|key| !used.contains(*key)).map(String::as_str).collect();
        let values: Vec<&str> = self.values.keys().filter(|key| !used.contains(*key)).map(String::as_str).collect();
        for (what, unused) in [("ExpressionAttributeNames", names), ("ExpressionAttributeValues", values)] {
            if !unused.is_empty() {
                return Err(validation(format!("Value provided in {what} unused in expressions: keys: {{{}}}", unused.join(", "))));
            }
        }
        Ok(())
    }
}

fn is_placeholder(key: &str, sign: char) -> bool {
    let rest = key.strip_prefix(sign).unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
