//! Query-protocol fields (`Attribute.1.Name=DelaySeconds`) to the JSON wire's shape.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::error;
use crate::backend::emulator::error::ServiceError;

/// Most numbers in a list: one more than any action takes, so that its own check refuses it.
const MOST: usize = 100;

/// Names of lists on the query wire, and in JSON.
const LISTS: &[(&str, &str)] = &[
    ("AttributeName", "AttributeNames"),
    ("MessageAttributeName", "MessageAttributeNames"),
    ("MessageSystemAttributeName", "MessageSystemAttributeNames"),
    ("TagKey", "TagKeys"),
    ("AWSAccountId", "AWSAccountIds"),
    ("ActionName", "Actions"),
    ("SendMessageBatchRequestEntry", "Entries"),
    ("DeleteMessageBatchRequestEntry", "Entries"),
    ("ChangeMessageVisibilityBatchRequestEntry", "Entries"),
];

/// Names of maps on the query wire, and in JSON; `.Name` or `.Key` holds the key, `.Value` the value.
const MAPS: &[(&str, &str)] = &[
    ("Attribute", "Attributes"),
    ("MessageAttribute", "MessageAttributes"),
    ("MessageSystemAttribute", "MessageSystemAttributes"),
    ("Tag", "Tags"),
    ("Tags", "Tags"),
];

/// Fields with dots as a tree.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

/// Translates the fields of one request.
pub(super) fn to_json(fields: &[(String, String)]) -> Result<Value, ServiceError> {
    let mut root = Node::default();
    for (name, value) in fields {
        let mut node = &mut root;
        for part in name.split('.') {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(value.clone());
    }
    object(root)
}

fn object(node: Node) -> Result<Value, ServiceError> {
    let mut object = Map::new();
    for (name, child) in node.children {
        if let Some((_, to)) = LISTS.iter().find(|(from, _)| *from == name) {
            object.insert((*to).to_owned(), Value::Array(members(child)?.into_iter().map(value).collect::<Result<_, _>>()?));
        } else if let Some((_, to)) = MAPS.iter().find(|(from, _)| *from == name) {
            object.insert((*to).to_owned(), Value::Object(members(child)?.into_iter().map(entry).collect::<Result<_, _>>()?));
        } else {
            object.insert(name, value(child)?);
        }
    }
    Ok(Value::Object(object))
}

fn value(node: Node) -> Result<Value, ServiceError> {
    match node.text {
        Some(text) if node.children.is_empty() => Ok(Value::String(text)),
        _ => object(node),
    }
}

/// The numbered children in order; without numbers the node itself is the only member, as some clients write it.
fn members(node: Node) -> Result<Vec<Node>, ServiceError> {
    let is_numbered = !node.children.is_empty() && node.children.keys().all(|key| key.bytes().all(|b| b.is_ascii_digit()));
    if !is_numbered {
        return Ok(vec![node]);
    }
    let mut numbered = Vec::new();
    for (key, child) in node.children {
        numbered.push((key.parse::<u32>().map_err(error::unreadable)?, child));
    }
    numbered.sort_by_key(|(number, _)| *number);
    numbered.truncate(MOST);
    Ok(numbered.into_iter().map(|(_, child)| child).collect())
}

fn entry(mut node: Node) -> Result<(String, Value), ServiceError> {
    let key = node.children.remove("Name").or_else(|| node.children.remove("Key")).and_then(|key| key.text);
    let key = key.ok_or_else(|| error::missing("Attribute.Name"))?;
    let value = node.children.remove("Value").map_or(Ok(Value::String(String::new())), value)?;
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        to_json(&form_urlencoded::parse(text.as_bytes()).into_owned().collect::<Vec<_>>()).expect("translates")
    }

    #[test]
    fn maps_and_lists_become_what_json_clients_send() {
        assert_eq!(
            read("QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=a&Tag.1.Value=b"),
            json!({ "QueueName": "q", "Attributes": { "DelaySeconds": "5" }, "Tags": { "a": "b" } })
        );
        assert_eq!(read("AttributeName.1=All"), json!({ "AttributeNames": ["All"] }));
        assert_eq!(read("AttributeName=All"), json!({ "AttributeNames": ["All"] }));
    }

    #[test]
    fn entries_keep_their_numeric_order_and_nested_attributes() {
        let text = "SendMessageBatchRequestEntry.10.Id=b&SendMessageBatchRequestEntry.9.Id=a\
            &SendMessageBatchRequestEntry.9.MessageAttribute.1.Name=n\
            &SendMessageBatchRequestEntry.9.MessageAttribute.1.Value.DataType=String\
            &SendMessageBatchRequestEntry.9.MessageAttribute.1.Value.StringValue=v";
        let attributes = json!({ "n": { "DataType": "String", "StringValue": "v" } });
        assert_eq!(read(text), json!({ "Entries": [{ "Id": "a", "MessageAttributes": attributes }, { "Id": "b" }] }));
    }
}
