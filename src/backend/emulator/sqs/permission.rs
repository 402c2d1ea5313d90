//! `AddPermission` and `RemovePermission`: statements in the queue's own policy.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{error, queue::Queue, session::Session};
use crate::backend::emulator::error::ServiceError;

/// The actions that a permission may name.
const ACTIONS: &[&str] = &[
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];

/// The actions that no permission can give away.
const OWNERS: &[&str] = &[
    "AddPermission",
    "CancelMessageMoveTask",
    "CreateQueue",
    "DeleteQueue",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "RemovePermission",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

/// Both actions.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Permission {
    queue_url: Option<String>,
    label: Option<String>,
    #[serde(default, rename = "AWSAccountIds")]
    accounts: Vec<String>,
    #[serde(default)]
    actions: Vec<String>,
}

/// Adds a statement that lets accounts do actions.
pub(super) fn add(session: &Session<'_>, input: Permission) -> Result<Value, ServiceError> {
    let mut queue = session.open(input.queue_url.as_deref(), "sqs:AddPermission")?;
    let label = check_label(input.label)?;
    if input.actions.is_empty() {
        return Err(error::missing("Actions"));
    }
    if input.accounts.is_empty() {
        return Err(error::invalid_value("[]", "PrincipalId", "Unable to verify."));
    }
    if input.actions.len() > 7 {
        return Err(error::over_limit(format!("{} Actions were found, maximum allowed is 7.", input.actions.len())));
    }
    if let Some(action) = input.actions.iter().find(|action| !ACTIONS.contains(&action.as_str())) {
        let reason = if OWNERS.contains(&action.as_str()) {
            "Only the queue owner is allowed to invoke this action."
        } else {
            "Please refer to the appropriate WSDL for a list of valid actions. "
        };
        return Err(error::invalid_value(format_args!("SQS:{action}"), "ActionName", reason));
    }
    let mut policy = policy_of(&queue);
    let statements = policy["Statement"].as_array_mut().ok_or_else(|| error::invalid_attribute_value("Policy"))?;
    if statements.iter().any(|statement| statement["Sid"] == label.as_str()) {
        return Err(error::invalid_value(&label, "Label", "Already exists."));
    }
    let principals: Vec<String> = input.accounts.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let actions: Vec<String> = input.actions.iter().map(|action| format!("SQS:{action}")).collect();
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_all(&principals) },
        "Action": one_or_all(&actions),
        "Resource": queue.arn,
    }));
    queue.attributes.insert("Policy".to_owned(), policy.to_string());
    queue.save(session)?;
    Ok(json!({}))
}

/// Removes the statement with this label.
pub(super) fn remove(session: &Session<'_>, input: Permission) -> Result<Value, ServiceError> {
    let mut queue = session.open(input.queue_url.as_deref(), "sqs:RemovePermission")?;
    let label = check_label(input.label)?;
    let mut policy = policy_of(&queue);
    let statements = policy["Statement"].as_array_mut().ok_or_else(|| error::invalid_attribute_value("Policy"))?;
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != label.as_str());
    if statements.len() == before {
        return Err(error::invalid_value(&label, "Label", "can't find label on existing policy."));
    }
    if statements.is_empty() {
        queue.attributes.remove("Policy");
    } else {
        queue.attributes.insert("Policy".to_owned(), policy.to_string());
    }
    queue.save(session)?;
    Ok(json!({}))
}

fn check_label(label: Option<String>) -> Result<String, ServiceError> {
    let label = label.ok_or_else(|| error::missing("Label"))?;
    let legal = (1..=80).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if legal {
        Ok(label)
    } else {
        Err(error::invalid_value(label, "Label", "Can only include alphanumeric characters, hyphens, or underscores."))
    }
}

/// The queue's policy, or an empty one.
fn policy_of(queue: &Queue) -> Value {
    let empty = || json!({ "Version": "2012-10-17", "Id": format!("{}/SQSDefaultPolicy", queue.arn), "Statement": [] });
    let mut policy = queue.attributes.get("Policy").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(empty);
    if policy["Statement"].is_object() {
        policy["Statement"] = json!([policy["Statement"]]);
    }
    policy
}

fn one_or_all(values: &[String]) -> Value {
    match values {
        [one] => json!(one),
        all => json!(all),
    }
}
