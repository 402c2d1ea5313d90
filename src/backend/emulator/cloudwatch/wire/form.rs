//! Query-protocol fields (`MetricData.member.1.Value=5`) to the JSON wire's shape.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::error::unreadable;
use crate::backend::emulator::error::ServiceError;

/// How deep names may be nested: inputs are far flatter.
const DEEPEST: usize = 32;

/// Fields with dots as a tree.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

/// Translates the fields of one request; numbers, times and flags stay text.
pub(super) fn read(fields: &[(String, String)]) -> Result<Value, ServiceError> {
    let mut root = Node::default();
    for (name, value) in fields {
        if name.split('.').count() > DEEPEST {
            return Err(unreadable(format!("the name {name} has too many parts")));
        }
        let mut node = &mut root;
        for part in name.split('.') {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(value.clone());
    }
    root.children.into_iter().map(|(name, child)| Ok((name, shape(child)?))).collect()
}

fn shape(mut node: Node) -> Result<Value, ServiceError> {
    if let Some(list) = node.children.remove("member") {
        let numbered = list.children.into_iter().map(|(number, child)| Ok((number.parse::<u32>().map_err(unreadable)?, child)));
        let mut numbered = numbered.collect::<Result<Vec<_>, ServiceError>>()?;
        numbered.sort_by_key(|(number, _)| *number);
        return numbered.into_iter().map(|(_, child)| shape(child)).collect();
    }
    match node.text {
        Some(text) if node.children.is_empty() && !text.is_empty() => Ok(text.into()),
        // An empty list is written as an empty text.
        Some(_) if node.children.is_empty() => Ok(Value::Null),
        _ => node.children.into_iter().map(|(name, child)| Ok((name, shape(child)?))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_come_in_the_order_of_their_numbers() {
        let text =
            "Action=PutMetricData&MetricData.member.10.Value=2&MetricData.member.9.Value=1&MetricData.member.9.Dimensions.member.1.Name=a";
        let fields: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let data = json!([{ "Value": "1", "Dimensions": [{ "Name": "a" }] }, { "Value": "2" }]);
        assert_eq!(read(&fields).expect("reads"), json!({ "Action": "PutMetricData", "MetricData": data }));
        assert!(read(&[("a.member.x".to_owned(), "1".to_owned())]).is_err());
    }
}
