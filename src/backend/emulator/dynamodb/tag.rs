//! Tags of tables.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{definition::table_name, table::Table};
use crate::backend::emulator::{
    constraints::validation,
    error::ServiceError,
    json::Session,
    tags::{self, MOST},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    value: String,
}

/// Sets `tags` on the table `arn`.
pub(super) fn put(session: &Session<'_>, arn: &str, given: Vec<Tag>) -> Result<(), ServiceError> {
    let tags = given.into_iter().map(|tag| (tag.key, tag.value)).collect();
    if tags::set(session.connection, arn, &tags)? > MOST {
        return Err(validation(format!("One or more parameter values were invalid: Too many tags: at most {MOST} are allowed")));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tagging {
    resource_arn: String,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

impl Tagging {
    /// The ARN of the table, if it exists and the caller may do `action` on it.
    fn open(&self, session: &Session<'_>, action: &str) -> Result<String, ServiceError> {
        if !self.resource_arn.starts_with("arn:") || !self.resource_arn.contains(":table/") {
            let message = format!("Invalid TableArn: Invalid ResourceArn provided as input {}", self.resource_arn);
            return Err(validation(message));
        }
        session.authorize(&format!("dynamodb:{action}"), &self.resource_arn)?;
        let table = Table::find(session.connection, &session.place.region, table_name(&self.resource_arn)?)?;
        let found = table.map(|table| session.table_arn(&table.name)).filter(|arn| *arn == self.resource_arn);
        found.ok_or_else(|| {
            let message = format!("Requested resource not found: ResourceArn: {} not found", self.resource_arn);
            ServiceError::new("ResourceNotFoundException", message)
        })
    }
}

pub(super) fn add(session: &Session<'_>, input: Tagging) -> Result<Value, ServiceError> {
    let arn = input.open(session, "TagResource")?;
    put(session, &arn, input.tags).map(|()| Value::Null)
}

pub(super) fn remove(session: &Session<'_>, input: Tagging) -> Result<Value, ServiceError> {
    let arn = input.open(session, "UntagResource")?;
    tags::unset(session.connection, &arn, &input.tag_keys).map(|()| Value::Null)
}

pub(super) fn list(session: &Session<'_>, input: Tagging) -> Result<Value, ServiceError> {
    let arn = input.open(session, "ListTagsOfResource")?;
    let tags = tags::of(session.connection, &arn)?.into_iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
    Ok(json!({ "Tags": tags.collect::<Vec<_>>() }))
}
