//! Tags of streams, by the stream's name and by its ARN.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    invalid,
    stream::{Stream, Target},
};
use crate::backend::emulator::{
    constraints::Constraints,
    error::ServiceError,
    json::Session,
    tags::{self, MOST},
};

/// Sets `tags` on the stream `arn`.
pub(super) fn put(session: &Session<'_>, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    if tags::set(session.connection, arn, tags)? <= MOST {
        return Ok(());
    }
    let message = format!("Failed to add tags to stream {arn} because it would exceed {MOST} tags.");
    Err(ServiceError::new("LimitExceededException", message))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tagging {
    #[serde(flatten)]
    target: Target,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
    limit: Option<i64>,
    exclusive_start_tag_key: Option<String>,
}

impl Tagging {
    fn arn(&self, session: &Session<'_>, action: &str) -> Result<String, ServiceError> {
        Ok(session.stream_arn(&Stream::open(session, &self.target, action)?.name))
    }
}

pub(super) fn add(session: &Session<'_>, input: Tagging) -> Result<Value, ServiceError> {
    Constraints::default().sized(input.tags.len(), "tags", (1, 200)).check()?;
    put(session, &input.arn(session, "AddTagsToStream")?, &input.tags).map(|()| Value::Null)
}

pub(super) fn remove(session: &Session<'_>, input: Tagging) -> Result<Value, ServiceError> {
    Constraints::default().sized(input.tag_keys.len(), "tagKeys", (1, 50)).check()?;
    tags::unset(session.connection, &input.arn(session, "RemoveTagsFromStream")?, &input.tag_keys).map(|()| Value::Null)
}

pub(super) fn list(session: &Session<'_>, input: Tagging) -> Result<Value, ServiceError> {
    Constraints::default().within(input.limit, "limit", &(1..=50)).check()?;
    let mut all = tags::of(session.connection, &input.arn(session, "ListTagsForStream")?)?;
    if let Some(after) = &input.exclusive_start_tag_key {
        all.retain(|(key, _)| key > after);
    }
    let most = input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MOST);
    let more = all.len() > most;
    all.truncate(most);
    Ok(json!({ "Tags": pairs(all), "HasMoreTags": more }))
}

fn pairs(tags: Vec<(String, String)>) -> Vec<Value> {
    tags.into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// The actions that tag any resource of Kinesis; here only streams are.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResourceTagging {
    #[serde(rename = "ResourceARN")]
    arn: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

impl ResourceTagging {
    fn arn(&self, session: &Session<'_>, action: &str) -> Result<String, ServiceError> {
        let arn = self.arn.clone().ok_or_else(|| invalid("ResourceARN must be specified."))?;
        let stream = Stream::open(session, &Target { name: None, arn: Some(arn) }, action)?;
        Ok(session.stream_arn(&stream.name))
    }
}

pub(super) fn add_to_resource(session: &Session<'_>, input: ResourceTagging) -> Result<Value, ServiceError> {
    Constraints::default().sized(input.tags.len(), "tags", (1, 200)).check()?;
    put(session, &input.arn(session, "TagResource")?, &input.tags).map(|()| Value::Null)
}

pub(super) fn list_of_resource(session: &Session<'_>, input: ResourceTagging) -> Result<Value, ServiceError> {
    let tags = tags::of(session.connection, &input.arn(session, "ListTagsForResource")?)?;
    Ok(json!({ "Tags": pairs(tags) }))
}

pub(super) fn remove_from_resource(session: &Session<'_>, input: ResourceTagging) -> Result<Value, ServiceError> {
    Constraints::default().sized(input.tag_keys.len(), "tagKeys", (1, 50)).check()?;
    tags::unset(session.connection, &input.arn(session, "UntagResource")?, &input.tag_keys).map(|()| Value::Null)
}
