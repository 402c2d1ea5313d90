//! What a message may carry: characters, attributes, size.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::error;
use crate::backend::emulator::error::ServiceError;

/// Most attributes of one message.
const MOST_ATTRIBUTES: usize = 10;

/// Message attributes by name.
pub(super) type Attributes = BTreeMap<String, Attribute>;

/// One typed value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    /// `String`, `Number` or `Binary`, perhaps with a label behind a dot.
    #[serde(default)]
    pub(super) data_type: String,
    /// The value of a string or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) string_value: Option<String>,
    /// The value of a binary, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) binary_value: Option<String>,
}

impl Attribute {
    fn bytes(&self) -> usize {
        let binary = self.binary_value.as_ref().map_or(0, |text| BASE64_STANDARD.decode(text).map_or(text.len(), |bytes| bytes.len()));
        self.data_type.len() + self.string_value.as_ref().map_or(0, String::len) + binary
    }

    fn check(&self, name: &str) -> Result<(), ServiceError> {
        let kind = self.data_type.split('.').next().unwrap_or_default();
        let empty = || {
            error::invalid(format!("The message attribute '{name}' must contain a non-empty value for message attribute type '{kind}'."))
        };
        if self.data_type.is_empty() {
            return Err(error::invalid(format!("The message attribute '{name}' must contain a non-empty message attribute type.")));
        }
        if self.data_type.len() > 256 {
            return Err(error::invalid(format!("The type of message attribute '{name}' must be shorter than 256 bytes.")));
        }
        match kind {
            "String" | "Number" => {
                let text = self.string_value.as_deref().filter(|text| !text.is_empty()).ok_or_else(empty)?;
                if !text.chars().all(is_legal) {
                    return Err(error::invalid_contents());
                }
                if kind == "Number" && text.trim().parse::<f64>().is_err() {
                    return Err(error::invalid(format!("Can't cast the value of message (user) attribute '{name}' to a number.")));
                }
                Ok(())
            }
            "Binary" => {
                let encoded = self.binary_value.as_deref().filter(|text| !text.is_empty()).ok_or_else(empty)?;
                BASE64_STANDARD
                    .decode(encoded)
                    .map(drop)
                    .map_err(|_| error::invalid(format!("The message attribute '{name}' is not base64.")))
            }
            _ => Err(error::invalid(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            ))),
        }
    }
}

/// Refuses attributes that SQS would not take.
pub(super) fn check_attributes(attributes: &Attributes) -> Result<(), ServiceError> {
    if attributes.len() > MOST_ATTRIBUTES {
        return Err(error::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MOST_ATTRIBUTES}].",
            attributes.len()
        )));
    }
    for (name, attribute) in attributes {
        check_name(name)?;
        attribute.check(name)?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || name.len() > 256 {
        return Err(error::invalid("Message (user) attribute names must be 1 to 256 characters long."));
    }
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(error::invalid("Message (user) attribute name can not start with the reserved prefixes AWS. or Amazon."));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(error::invalid(format!(
            "Invalid message (user) attribute name '{name}': a period can neither begin, end nor follow another."
        )));
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')) {
        return Err(error::invalid(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters."
        )));
    }
    Ok(())
}

/// Refuses an empty body and characters that the service's XML cannot carry.
pub(super) fn check_body(body: Option<String>) -> Result<String, ServiceError> {
    match body {
        Some(body) if !body.is_empty() => {
            if body.bytes().all(|b| (0x20..0x80).contains(&b)) || body.chars().all(is_legal) {
                Ok(body)
            } else {
                Err(error::invalid_contents())
            }
        }
        _ => Err(error::missing("MessageBody")),
    }
}

/// Bytes that count against the size limit: the body, and name, type and value of each attribute.
pub(super) fn size(body: &str, attributes: &Attributes) -> usize {
    body.len() + attributes.iter().map(|(name, attribute)| name.len() + attribute.bytes()).sum::<usize>()
}

/// The characters of XML 1.0.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Whether a list of asked-for attribute names (`All`, `.*`, `prefix.*`, `prefix*`, exact) covers `name`.
pub(super) fn is_asked_for(asked: &[String], name: &str) -> bool {
    asked.iter().any(|pattern| match pattern.as_str() {
        "All" | ".*" => true,
        pattern => {
            let prefix = pattern.strip_suffix(".*").or_else(|| pattern.strip_suffix('*'));
            prefix.is_some_and(|prefix| name.starts_with(prefix)) || pattern == name
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data_type: &str, value: &str) -> Attribute {
        Attribute { data_type: data_type.to_owned(), string_value: Some(value.to_owned()), binary_value: None }
    }

    #[test]
    fn attributes_are_checked_for_name_type_and_value() {
        let check = |name: &str, attribute| check_attributes(&Attributes::from([(name.to_owned(), attribute)]));
        assert!(check("a.b", text("Number.int", "12")).is_ok());
        for (name, attribute) in [
            ("AWS.x", text("String", "v")),
            ("a..b", text("String", "v")),
            ("a b", text("String", "v")),
            ("a", text("", "v")),
            ("a", text("Text", "v")),
            ("a", text("String", "")),
            ("a", text("Number", "twelve")),
        ] {
            assert!(check(name, attribute.clone()).is_err(), "{name} {attribute:?}");
        }
    }

    #[test]
    fn a_body_needs_legal_characters() {
        assert!(check_body(Some("tab\tand é".to_owned())).is_ok());
        assert_eq!(check_body(Some("bell\u{7}".to_owned())).map_err(|e| e.code), Err("InvalidMessageContents".to_owned()));
        assert!(check_body(None).is_err());
    }

    #[test]
    fn prefixes_ask_for_what_they_start() {
        let asked = ["trace.*".to_owned(), "n".to_owned(), "m*".to_owned()];
        assert!(
            is_asked_for(&asked, "trace.id") && is_asked_for(&asked, "n") && is_asked_for(&asked, "mass") && !is_asked_for(&asked, "name")
        );
    }
}
