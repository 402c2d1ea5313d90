//! Tags of queues.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{error, queue::Queue, session::Session};
use crate::backend::emulator::error::ServiceError;

/// Most tags of one queue.
const MOST: i64 = 50;

/// All of the tag actions.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tagging {
    queue_url: Option<String>,
    #[serde(default, alias = "tags")]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

/// Adds tags; those with the same key are replaced.
pub(super) fn add(session: &Session<'_>, input: Tagging) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:TagQueue")?;
    put(session, &queue, &input.tags)?;
    Ok(json!({}))
}

/// Adds tags to `queue` after checking them.
pub(super) fn put(session: &Session<'_>, queue: &Queue, tags: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    if tags.is_empty() {
        return Err(error::missing("Tags"));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(error::invalid("Tag keys must be between 1 and 128 characters in length."));
        }
        if value.chars().count() > 256 {
            return Err(error::invalid("Tag values must be between 0 and 256 characters in length."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(error::invalid(format!("Tag key {key} is invalid: the prefix aws: is reserved.")));
        }
        session
            .connection
            .prepare_cached("INSERT OR REPLACE INTO queue_tags (queue, key, value) VALUES (?1, ?2, ?3)")?
            .execute((queue.id, key, value))?;
    }
    let count: i64 =
        session.connection.prepare_cached("SELECT count(*) FROM queue_tags WHERE queue = ?1")?.query_row([queue.id], |row| row.get(0))?;
    if count > MOST { Err(error::invalid(format!("Too many tags added for queue {}.", queue.name))) } else { Ok(()) }
}

/// Removes tags; those that are not there are no error.
pub(super) fn remove(session: &Session<'_>, input: Tagging) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:UntagQueue")?;
    if input.tag_keys.is_empty() {
        return Err(error::invalid("Tag keys must be between 1 and 128 characters in length."));
    }
    for key in &input.tag_keys {
        session.connection.prepare_cached("DELETE FROM queue_tags WHERE queue = ?1 AND key = ?2")?.execute((queue.id, key))?;
    }
    Ok(json!({}))
}

/// All tags.
pub(super) fn list(session: &Session<'_>, input: Tagging) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:ListQueueTags")?;
    let mut rows = session.connection.prepare_cached("SELECT key, value FROM queue_tags WHERE queue = ?1 ORDER BY key")?;
    let tags = rows.query_map([queue.id], |row| Ok((row.get(0)?, Value::String(row.get(1)?))))?.collect::<Result<Map<_, _>, _>>()?;
    Ok(if tags.is_empty() { json!({}) } else { json!({ "Tags": tags }) })
}
