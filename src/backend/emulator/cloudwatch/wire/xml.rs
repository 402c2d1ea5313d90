//! Answers in the JSON wire's shape to the query protocol's XML.

use serde_json::Value;

use super::TIMES;
use crate::backend::emulator::iam::{Xml, date};

/// An answer as XML.
pub(super) fn document(value: &Value) -> Xml {
    let mut xml = Xml::default();
    inside(&mut xml, value);
    xml
}

fn inside(xml: &mut Xml, value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        element(xml, name, value, TIMES.contains(&name.as_str()));
    }
}

fn element(xml: &mut Xml, name: &str, value: &Value, is_time: bool) {
    match value {
        Value::Object(pairs) if name == "ExtendedStatistics" => {
            xml.node(name, |xml| pairs.iter().for_each(|pair| entry(xml, pair)));
        }
        Value::Object(_) => {
            xml.node(name, |xml| inside(xml, value));
        }
        Value::Array(members) => {
            xml.node(name, |xml| members.iter().for_each(|value| element(xml, "member", value, is_time)));
        }
        Value::Number(number) if is_time => {
            xml.text(name, date(number.as_i64().unwrap_or_default()));
        }
        Value::String(text) => {
            xml.text(name, text);
        }
        Value::Null => {}
        other => {
            xml.text(name, other.to_string());
        }
    }
}

fn entry(xml: &mut Xml, (key, value): (&String, &Value)) {
    xml.node("entry", |xml| {
        xml.text("key", key).text("value", value.to_string());
    });
}
