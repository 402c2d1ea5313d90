//! The names and values that a DynamoDB query refers to, as the `aws-dynamodb` trigger writes them: JSON in a text.

use std::collections::BTreeMap;

use serde_json::Value;

/// One value of DynamoDB, of the types that KEDA passes on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AttributeValue {
    /// Text.
    S(String),
    /// A number, as text.
    N(String),
    /// A boolean.
    Bool(bool),
    /// Bytes: those of the text in the manifest, which KEDA does not decode from base64.
    B(Vec<u8>),
    /// A list.
    L(Vec<AttributeValue>),
    /// A map.
    M(BTreeMap<String, AttributeValue>),
    /// Null, whatever stands beside it.
    Null,
}

/// Reads `expressionAttributeNames`. Text after the object is ignored, null becomes an empty name, and of a repeated name
/// the last counts. `MongoDB`'s wrapped types (`{"$symbol": ..}`) are refused, those included that KEDA takes for text.
///
/// # Errors
/// The rule that `text` breaks.
pub(super) fn names(text: &str) -> Result<BTreeMap<String, String>, String> {
    let first = serde_json::Deserializer::from_str(text).into_iter::<Value>().next();
    let object = match first {
        Some(Ok(Value::Object(object))) => object,
        Some(Ok(Value::Null)) => serde_json::Map::new(),
        Some(Err(error)) => return Err(format!("a JSON object of texts ({error})")),
        _ => return Err("a JSON object of texts".to_owned()),
    };
    if object.is_empty() {
        return Err("a JSON object that is not empty".to_owned());
    }
    let name = |(key, value)| match value {
        Value::String(name) => Ok((key, name)),
        Value::Null => Ok((key, String::new())),
        _ => Err(format!("a JSON object of texts, and `{key}` is none")),
    };
    object.into_iter().map(name).collect()
}

/// Reads `expressionAttributeValues`: `{":name": {"S": "text"}, ..}`.
///
/// # Errors
/// The rule that `text` breaks. What makes KEDA panic (a wrong JSON type under `S`, `BOOL`, `B`, `L` and `M`) is one too.
pub(super) fn values(text: &str) -> Result<BTreeMap<String, AttributeValue>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => map(object),
        Ok(Value::Null) => Ok(BTreeMap::new()),
        Ok(_) => Err("a JSON object of values such as {\":year\": {\"N\": \"1994\"}}".to_owned()),
        Err(error) => Err(format!("a JSON object ({error})")),
    }
}

fn map(object: serde_json::Map<String, Value>) -> Result<BTreeMap<String, AttributeValue>, String> {
    object.into_iter().map(|(key, value)| Ok((key.clone(), read(&key, value)?))).collect()
}

/// The value of `{"S": "text"}`; `key` is for errors.
fn read(key: &str, value: Value) -> Result<AttributeValue, String> {
    let one = "of one type, such as {\"S\": \"text\"}";
    let Value::Object(typed) = value else { return Err(format!("values {one}, and `{key}` is none")) };
    let count = typed.len();
    let Some((kind, value)) = typed.into_iter().next().filter(|_| count == 1) else {
        return Err(format!("values {one}, and `{key}` has {count} types"));
    };
    let wrong = |wanted: &str| Err(format!("values of their type, and {kind} of `{key}` is no {wanted}"));
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => Ok(AttributeValue::S(text)),
        ("N", Value::String(text)) => Ok(AttributeValue::N(text)),
        ("B", Value::String(text)) => Ok(AttributeValue::B(text.into_bytes())),
        ("BOOL", Value::Bool(truth)) => Ok(AttributeValue::Bool(truth)),
        ("NULL", _) => Ok(AttributeValue::Null),
        ("L", Value::Array(items)) => Ok(AttributeValue::L(items.into_iter().map(|item| read(key, item)).collect::<Result<_, _>>()?)),
        ("M", Value::Object(object)) => Ok(AttributeValue::M(map(object)?)),
        ("S" | "B", _) => wrong("text"),
        ("N", _) => wrong("number in quotes"),
        ("BOOL", _) => wrong("boolean"),
        ("L", _) => wrong("list"),
        ("M", _) => wrong("object"),
        _ => Err(format!("values of type S, N, B, BOOL, L, M or NULL, and `{key}` is of type `{kind}`")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_nest() {
        let read = values(r#"{":a": {"L": [{"M": {"k": {"B": "aGk="}}}, {"NULL": false}]}}"#).expect("valid");
        let inner = AttributeValue::M(BTreeMap::from([("k".to_owned(), AttributeValue::B(b"aGk=".to_vec()))]));
        assert_eq!(read[":a"], AttributeValue::L(vec![inner, AttributeValue::Null]));
    }

    #[test]
    fn a_refusal_names_the_value_and_its_type() {
        for (text, part) in [
            (r#"{":a": {"N": 1}}"#, "N of `:a` is no number in quotes"),
            (r#"{":a": {"SS": []}}"#, "`:a` is of type `SS`"),
            (r#"{":a": {"S": "x", "N": "1"}}"#, "`:a` has 2 types"),
            (r#"{":a": {"L": [3]}}"#, "`:a` is none"),
        ] {
            assert!(values(text).is_err_and(|error| error.contains(part)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let _ = (names(&text), values(&text));
        }
    }
}
