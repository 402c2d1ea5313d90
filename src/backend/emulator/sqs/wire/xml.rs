//! Answers in the JSON wire's shape to the query protocol's XML.

use quick_xml::escape::escape;
use serde_json::Value;

/// The answer of `action` as a document.
pub(super) fn document(action: &str, namespace: &str, request_id: &str, value: &Value) -> String {
    let mut text = format!("<?xml version=\"1.0\"?><{action}Response xmlns=\"{namespace}\">");
    if has_result(action) {
        element(&mut text, &format!("{action}Result"), |text| fields(text, action, value));
    }
    element(&mut text, "ResponseMetadata", |text| element(text, "RequestId", |text| text.push_str(request_id)));
    text + "</" + action + "Response>"
}

/// These answer with nothing but the id of the request.
fn has_result(action: &str) -> bool {
    !matches!(
        action,
        "AddPermission"
            | "ChangeMessageVisibility"
            | "DeleteMessage"
            | "DeleteQueue"
            | "PurgeQueue"
            | "RemovePermission"
            | "SetQueueAttributes"
            | "TagQueue"
            | "UntagQueue"
    )
}

fn fields(text: &mut String, action: &str, value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        field(text, action, name, value);
    }
}

fn field(text: &mut String, action: &str, name: &str, value: &Value) {
    match (name, value) {
        ("Attributes", Value::Object(map)) => map.iter().for_each(|(key, value)| pair(text, "Attribute", ("Name", key), action, value)),
        ("MessageAttributes", Value::Object(map)) => {
            map.iter().for_each(|(key, value)| pair(text, "MessageAttribute", ("Name", key), action, value));
        }
        ("Tags", Value::Object(map)) => map.iter().for_each(|(key, value)| pair(text, "Tag", ("Key", key), action, value)),
        (_, Value::Array(members)) => {
            let member = member_name(name, action);
            for value in members {
                element(text, &member, |text| content(text, action, value));
            }
        }
        _ => element(text, name, |text| content(text, action, value)),
    }
}

/// What the members of a flattened list are called.
fn member_name(list: &str, action: &str) -> String {
    match list {
        "QueueUrls" | "queueUrls" => "QueueUrl".to_owned(),
        "Messages" => "Message".to_owned(),
        "Successful" => format!("{action}ResultEntry"),
        "Failed" => "BatchResultErrorEntry".to_owned(),
        "Results" => "ListMessageMoveTasksResultEntry".to_owned(),
        other => other.to_owned(),
    }
}

fn pair(text: &mut String, name: &str, (key_name, key): (&str, &str), action: &str, value: &Value) {
    element(text, name, |text| {
        element(text, key_name, |text| push(text, key));
        element(text, "Value", |text| content(text, action, value));
    });
}

fn content(text: &mut String, action: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(value) => push(text, value),
        Value::Object(_) => fields(text, action, value),
        other => push(text, &other.to_string()),
    }
}

fn element(text: &mut String, name: &str, inside: impl FnOnce(&mut String)) {
    text.push('<');
    text.push_str(name);
    text.push('>');
    inside(text);
    text.push_str("</");
    text.push_str(name);
    text.push('>');
}

/// A carriage return must be written as a reference: XML readers turn a bare one into a line feed.
fn push(text: &mut String, value: &str) {
    text.push_str(&escape(value).replace('\r', "&#13;"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_received_message_has_the_elements_that_old_clients_read() {
        let message = json!({ "Messages": [{ "Body": "a<b\r", "Attributes": { "SenderId": "1" } }] });
        assert_eq!(
            document("ReceiveMessage", "ns", "id", &message),
            "<?xml version=\"1.0\"?><ReceiveMessageResponse xmlns=\"ns\"><ReceiveMessageResult><Message><Attribute><Name>SenderId</Name>\
             <Value>1</Value></Attribute><Body>a&lt;b&#13;</Body></Message></ReceiveMessageResult>\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ReceiveMessageResponse>"
        );
    }

    #[test]
    fn an_action_without_a_result_has_no_result_element() {
        assert!(!document("DeleteMessage", "ns", "id", &json!({})).contains("Result>"));
    }
}
