//! How what is differs from what should be, field by field.

mod stored;

use serde_json::Value;

use super::{iam::Document, plan::Difference};

/// Whether fields that nobody asked for count as differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// They do: the two must be equal.
    Differs,
    /// They do not: a server adds fields of its own (`metadata.uid`, `status`), and writes some values its own way.
    Allowed,
}

/// Each place where `actual` differs from `wanted`.
#[must_use]
pub fn differences(wanted: &Value, actual: &Value, extra: Extra) -> Vec<Difference> {
    let mut found = Vec::new();
    let stored = if extra == Extra::Allowed { stored::as_stored(wanted) } else { None };
    compare("", Some(stored.as_ref().unwrap_or(wanted)), Some(actual), extra, &mut found);
    found
}

/// Each place where the policy document `actual` means something else than `wanted`; both as JSON text.
#[must_use]
pub fn document_differences(wanted: &str, actual: &str) -> Vec<Difference> {
    let read = |text: &str| Document::parse(text).map(|document| document.canonical().to_value());
    match (read(wanted), read(actual)) {
        (Ok(wanted), Ok(actual)) => differences(&wanted, &actual, Extra::Differs),
        _ if wanted == actual => Vec::new(),
        _ => vec![Difference { field: "document".into(), actual: one_line(actual), wanted: one_line(wanted) }],
    }
}

fn compare(path: &str, wanted: Option<&Value>, actual: Option<&Value>, extra: Extra, found: &mut Vec<Difference>) {
    match (wanted, actual) {
        (Some(Value::Object(wanted)), Some(Value::Object(actual))) => {
            for (key, value) in wanted {
                compare(&join(path, key), Some(value), actual.get(key), extra, found);
            }
            if extra == Extra::Differs {
                for (key, value) in actual.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                    compare(&join(path, key), None, Some(value), extra, found);
                }
            }
        }
        (Some(Value::Array(wanted)), Some(Value::Array(actual))) => {
            for index in 0..wanted.len().max(actual.len()) {
                compare(&format!("{path}[{index}]"), wanted.get(index), actual.get(index), extra, found);
            }
        }
        (wanted, actual) if wanted == actual => {}
        (Some(Value::Null), Some(_)) if extra == Extra::Allowed => {}
        (Some(wanted), None) if extra == Extra::Allowed && stored::may_be_left_out(path, wanted) => {}
        (Some(wanted), Some(actual)) if extra == Extra::Allowed && stored::same(path, wanted, actual) => {}
        (wanted, actual) => found.push(Difference { field: path.to_owned(), actual: text(actual), wanted: text(wanted) }),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_changed_field_is_named_by_its_path() {
        let found = differences(&json!({"a": {"b": [1, 2]}}), &json!({"a": {"b": [1, 3], "c": 1}}), Extra::Allowed);
        assert_eq!(found, [Difference { field: "a.b[1]".into(), actual: "3".into(), wanted: "2".into() }]);
    }

    #[test]
    fn an_extra_field_counts_only_when_asked() {
        let (wanted, actual) = (json!({}), json!({"uid": "x"}));
        assert!(differences(&wanted, &actual, Extra::Allowed).is_empty());
        assert_eq!(differences(&wanted, &actual, Extra::Differs).len(), 1);
    }

    #[test]
    fn documents_that_mean_the_same_do_not_differ() {
        let one = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}"#;
        let same = r#"{"Version":"2012-10-17","Statement":{"Resource":["*"],"Action":["sqs:sendmessage"],"Effect":"Allow"}}"#;
        let wider = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}"#;
        assert!(document_differences(one, same).is_empty());
        assert_eq!(document_differences(one, wider)[0].actual, "sqs:*");
    }
}
