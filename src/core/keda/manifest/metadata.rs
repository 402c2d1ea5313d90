//! What KEDA reads of an object's metadata.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::field::Field;
use crate::core::error::Result;

/// Name, labels, annotations and the numbers the API server adds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Its name: a DNS subdomain.
    pub name: String,
    /// Its namespace; absent means the one in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Counts the changes of the spec; 1 where the source does not say.
    pub generation: i64,
    /// The object's id; empty where the source does not say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// When it was created; `None` where the source does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Timestamp>,
}

impl Metadata {
    pub(super) fn read(field: &Field<'_>) -> Result<Self> {
        let given = |name: &str| field.get(name).filter(|child| !child.is_null());
        let texts = |name: &str| given(name).map(|child| child.texts()).transpose().map(Option::unwrap_or_default);
        let name = field.required("name", "an object needs a name")?;
        if !is_subdomain(name.text()?) {
            return Err(
                name.error("must be lower-case letters, digits, `-` and `.`, starting and ending with a letter or digit, at most 253")
            );
        }
        let namespace = given("namespace").map(|child| child.text().map(str::to_owned)).transpose()?;
        let generation = given("generation").map(|child| child.integer(0)).transpose()?;
        let uid = given("uid").map(|child| child.text().map(str::to_owned)).transpose()?;
        let created = given("creationTimestamp").map(|child| child.text()).transpose()?;
        Ok(Self {
            name: name.text()?.to_owned(),
            namespace,
            labels: texts("labels")?,
            annotations: texts("annotations")?,
            generation: i64::from(generation.unwrap_or(1)),
            uid: uid.unwrap_or_default(),
            creation_timestamp: created.and_then(|text| text.parse().ok()),
        })
    }
}

/// A DNS subdomain as Kubernetes names objects.
fn is_subdomain(name: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let label = |label: &str| {
        let bytes = label.as_bytes();
        matches!((bytes.first(), bytes.last()), (Some(first), Some(last)) if alphanumeric(*first) && alphanumeric(*last))
            && bytes.iter().all(|b| alphanumeric(*b) || *b == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
