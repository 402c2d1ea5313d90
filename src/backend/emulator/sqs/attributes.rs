//! Queue attributes: their names, defaults, limits and the three approximate counters.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{error, policy, queue::Queue, session::Session};
use crate::backend::emulator::error::ServiceError;

/// Attributes that a client may set.
const SETTABLE: &[&str] = &[
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

/// Attributes that the service keeps.
const KEPT: &[&str] = &[
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// What an attribute is when nobody set it.
pub(super) fn default_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "DelaySeconds" | "ReceiveMessageWaitTimeSeconds" => "0",
        "MaximumMessageSize" => "1048576",
        "MessageRetentionPeriod" => "345600",
        "VisibilityTimeout" => "30",
        "SqsManagedSseEnabled" => "true",
        _ => return None,
    })
}

/// Whether two values of an attribute mean the same.
pub(super) fn is_same(name: &str, old: &str, new: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    match name {
        "RedrivePolicy" | "RedriveAllowPolicy" | "Policy" => {
            // `5` and `"5"` are the same count.
            let plain = |text: &str| json(text).map(|value| value.to_string().replace('"', ""));
            old == new || plain(old).is_some_and(|old| Some(old) == plain(new))
        }
        "FifoQueue" if old.is_empty() => true,
        "ContentBasedDeduplication" if old.is_empty() => new == "false",
        _ => old == new,
    }
}

/// `GetQueueAttributes`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    queue_url: Option<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
}

/// The attributes asked for.
pub(super) fn get(session: &Session<'_>, input: Get) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:GetQueueAttributes")?;
    let known = |name: &str| name == "All" || SETTABLE.contains(&name) || KEPT.contains(&name);
    if let Some(unknown) = input.attribute_names.iter().find(|name| !known(name)) {
        return Err(error::invalid_attribute_name(unknown));
    }
    let all = input.attribute_names.iter().any(|name| name == "All");
    let asked = |name: &str| all || input.attribute_names.iter().any(|asked| asked == name);
    let mut found = Map::new();
    for name in SETTABLE.iter().filter(|name| asked(name)) {
        if let Some(value) = shown(&queue, name) {
            found.insert((*name).to_owned(), value.into());
        }
    }
    let counted = KEPT[..3].iter().any(|name| asked(name)).then(|| Counters::count(session, &queue)).transpose()?;
    for name in KEPT.iter().filter(|name| asked(name)) {
        let value = match (*name, &counted) {
            ("ApproximateNumberOfMessages", Some(counters)) => counters.visible.to_string(),
            ("ApproximateNumberOfMessagesDelayed", Some(counters)) => counters.delayed.to_string(),
            ("ApproximateNumberOfMessagesNotVisible", Some(counters)) => counters.in_flight.to_string(),
            ("CreatedTimestamp", _) => (queue.created / 1000).to_string(),
            ("LastModifiedTimestamp", _) => (queue.modified / 1000).to_string(),
            _ => queue.arn.clone(),
        };
        found.insert((*name).to_owned(), value.into());
    }
    Ok(if found.is_empty() { json!({}) } else { json!({ "Attributes": found }) })
}

/// The value that is shown, if the attribute is shown at all.
fn shown(queue: &Queue, name: &str) -> Option<String> {
    let set = queue.attributes.get(name).cloned();
    let fifo = |value: &str| queue.is_fifo().then(|| value.to_owned());
    match name {
        "FifoQueue" => fifo("true"),
        "ContentBasedDeduplication" => set.or_else(|| fifo("false")),
        "DeduplicationScope" => set.or_else(|| fifo("queue")),
        "FifoThroughputLimit" => set.or_else(|| fifo("perQueue")),
        "SqsManagedSseEnabled" if queue.attributes.contains_key("KmsMasterKeyId") => Some("false".to_owned()),
        "KmsDataKeyReusePeriodSeconds" if queue.attributes.contains_key("KmsMasterKeyId") => Some(set.unwrap_or_else(|| "300".to_owned())),
        _ => set.or_else(|| default_of(name).map(str::to_owned)),
    }
}

/// The three counters, at one moment.
pub(super) struct Counters {
    pub(super) visible: i64,
    pub(super) in_flight: i64,
    pub(super) delayed: i64,
}

impl Counters {
    /// Counts by time: nothing is moved or expired by looking.
    pub(super) fn count(session: &Session<'_>, queue: &Queue) -> Result<Self, ServiceError> {
        let mut count = session.connection.prepare_cached(
            "SELECT count(*) FILTER (WHERE visible_at <= ?2), count(*) FILTER (WHERE visible_at > ?2 AND taken = 1),
                    count(*) FILTER (WHERE visible_at > ?2 AND taken = 0)
             FROM messages INDEXED BY messages_by_time WHERE queue = ?1 AND sent > ?3",
        )?;
        Ok(count.query_row((queue.id, session.now, queue.oldest(session.now)), |row| {
            Ok(Self { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? })
        })?)
    }
}

/// `SetQueueAttributes`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Set {
    queue_url: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// Sets attributes: all of those given, or none.
pub(super) fn set(session: &Session<'_>, input: Set) -> Result<Value, ServiceError> {
    let mut queue = session.open(input.queue_url.as_deref(), "sqs:SetQueueAttributes")?;
    if input.attributes.is_empty() {
        return Err(error::missing("Attribute.Name"));
    }
    if input.attributes.get("FifoQueue").is_some_and(|fifo| fifo != if queue.is_fifo() { "true" } else { "false" }) {
        return Err(error::invalid_attribute_name("FifoQueue"));
    }
    merge(session, &mut queue, input.attributes)?;
    queue.save(session)?;
    Ok(json!({}))
}

/// Takes over attributes that are valid for `queue`; an empty text removes those that may be absent.
pub(super) fn merge(session: &Session<'_>, queue: &mut Queue, attributes: BTreeMap<String, String>) -> Result<(), ServiceError> {
    for (name, value) in attributes {
        // Some clients' names end in a blank.
        let name = name.trim().to_owned();
        let removable = matches!(name.as_str(), "Policy" | "RedrivePolicy" | "RedriveAllowPolicy" | "KmsMasterKeyId");
        if value.is_empty() && removable {
            queue.attributes.remove(&name);
            continue;
        }
        let value = check(session, queue, &name, value)?;
        match name.as_str() {
            "KmsMasterKeyId" => {
                queue.attributes.remove("SqsManagedSseEnabled");
            }
            "SqsManagedSseEnabled" if value == "true" => {
                queue.attributes.remove("KmsMasterKeyId");
            }
            _ => {}
        }
        queue.attributes.insert(name, value);
    }
    let by_group = queue.attributes.get("FifoThroughputLimit").is_some_and(|limit| limit == "perMessageGroupId");
    if by_group && !queue.deduplicates_by_group() {
        let reason = "The value of perMessageGroupId is allowed only when the value for DeduplicationScope is messageGroup.";
        return Err(error::invalid_attribute_value_because("FifoThroughputLimit", "perMessageGroupId", reason));
    }
    Ok(())
}

/// Checks one attribute; gives it as it is kept.
fn check(session: &Session<'_>, queue: &Queue, name: &str, value: String) -> Result<String, ServiceError> {
    let refuse = || error::invalid_attribute_value(name);
    let number = |least: i64, most: i64| {
        let number = value.parse::<i64>().ok().filter(|number| (least..=most).contains(number));
        number.map(|number| number.to_string()).ok_or_else(refuse)
    };
    let one_of = |allowed: &[&str]| if allowed.contains(&value.as_str()) { Ok(value.clone()) } else { Err(refuse()) };
    let fifo_only = |allowed: &[&str]| if queue.is_fifo() { one_of(allowed) } else { Err(error::invalid_attribute_name(name)) };
    match name {
        "DelaySeconds" => number(0, 900),
        "MaximumMessageSize" => number(1024, 1_048_576),
        "MessageRetentionPeriod" => number(60, 1_209_600),
        "ReceiveMessageWaitTimeSeconds" => number(0, 20),
        "VisibilityTimeout" => number(0, 43_200),
        "KmsDataKeyReusePeriodSeconds" => number(60, 86_400),
        "SqsManagedSseEnabled" => one_of(&["true", "false"]),
        "FifoQueue" if queue.is_fifo() => one_of(&["true"]),
        "ContentBasedDeduplication" => fifo_only(&["true", "false"]),
        "DeduplicationScope" => fifo_only(&["messageGroup", "queue"]),
        "FifoThroughputLimit" => fifo_only(&["perQueue", "perMessageGroupId"]),
        "KmsMasterKeyId" => Ok(value),
        "Policy" => match serde_json::from_str::<Map<String, Value>>(&value) {
            Ok(_) => Ok(value),
            Err(_) => Err(refuse()),
        },
        "RedriveAllowPolicy" => policy::check_redrive_allow(&value).map(|()| value),
        "RedrivePolicy" => policy::check_redrive(session, queue, &value),
        _ => Err(error::invalid_attribute_name(name)),
    }
}
