//! Batches: up to 25 writes, or up to 100 reads, each on its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    expression::placeholders::{Given, Placeholders},
    item,
    query::{project, projection},
    table::Table,
    value::{Item, read_item, size_of},
};
use crate::backend::emulator::{
    constraints::{Constraints, validation},
    error::ServiceError,
    json::Session,
};

/// Most writes, and reads.
const WRITES: usize = 25;
const READS: usize = 100;
/// Most bytes that one answer reads; keys that are left over are answered as unprocessed.
const LARGEST: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    item: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    key: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    put_request: Option<Put>,
    delete_request: Option<Delete>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Write {
    request_items: BTreeMap<String, Vec<Request>>,
}

/// One write, its item or key read.
enum Change {
    Put(Item),
    Delete(Item),
}

fn limited(count: usize, most: usize) -> Result<(), ServiceError> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    Err(validation(format!(
        "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: \
         [Member must have length less than or equal to {most}, Member must have length greater than or equal to 1]"
    )))
}

fn at_most(count: usize, most: usize, call: &str) -> Result<(), ServiceError> {
    if count <= most { Ok(()) } else { Err(validation(format!("Too many items requested for the {call} call"))) }
}

pub(super) fn write(session: &Session<'_>, input: Write) -> Result<Value, ServiceError> {
    Constraints::default().sized(input.request_items.len(), "requestItems", (1, WRITES)).check()?;
    input.request_items.values().try_for_each(|requests| limited(requests.len(), WRITES))?;
    at_most(input.request_items.values().map(Vec::len).sum(), WRITES, "BatchWriteItem")?;
    for (name, requests) in &input.request_items {
        let changes = requests.iter().map(|request| match (&request.put_request, &request.delete_request) {
            (Some(put), None) => Ok(Change::Put(read_item(&put.item)?)),
            (None, Some(delete)) => Ok(Change::Delete(read_item(&delete.key)?)),
            _ => Err(validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
            )),
        });
        let changes = changes.collect::<Result<Vec<_>, _>>()?;
        let table = Table::open(session, name, None, "BatchWriteItem")?;
        let mut seen = BTreeSet::new();
        for change in &changes {
            let place = match change {
                Change::Put(item) => item::check(&table, item, item::ITEM_SIZE)?,
                Change::Delete(key) => table.key().place_of_key(key)?,
            };
            if !seen.insert(place.clone()) {
                return Err(validation("Provided list of item keys contains duplicates"));
            }
            let old = item::find(session.connection, &table, &place)?;
            match change {
                Change::Put(item) => item::put(session, &table, &place, old.as_ref(), item)?,
                Change::Delete(_) => item::remove(session, &table, &place, old.as_ref())?,
            }
        }
    }
    Ok(json!({ "UnprocessedItems": {} }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    keys: Vec<Map<String, Value>>,
    projection_expression: Option<String>,
    #[serde(flatten)]
    given: Given,
}

impl Wanted {
    /// The same for these keys alone, as it can be asked for again.
    fn with_keys(&self, keys: &[&Map<String, Value>]) -> Value {
        let mut wanted = json!({ "Keys": keys });
        if let Some(text) = &self.projection_expression {
            wanted["ProjectionExpression"] = text.as_str().into();
        }
        if let Some(names) = self.given.names() {
            wanted["ExpressionAttributeNames"] = json!(names);
        }
        wanted
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    request_items: BTreeMap<String, Wanted>,
}

pub(super) fn get(session: &Session<'_>, input: Get) -> Result<Value, ServiceError> {
    Constraints::default().sized(input.request_items.len(), "requestItems", (1, READS)).check()?;
    for (name, wanted) in &input.request_items {
        Constraints::default().sized(wanted.keys.len(), &format!("requestItems.{name}.member.keys"), (1, READS)).check()?;
    }
    at_most(input.request_items.values().map(|wanted| wanted.keys.len()).sum(), READS, "BatchGetItem")?;
    let (mut responses, mut left, mut bytes) = (Map::new(), Map::new(), 0);
    for (name, keys) in &input.request_items {
        let text = keys.projection_expression.as_deref();
        let placeholders = Placeholders::read(&keys.given, &[("ProjectionExpression", text.is_some())])?;
        let projection = projection(text, &placeholders)?;
        placeholders.all_used()?;
        let table = Table::open(session, name, None, "BatchGetItem")?;
        let mut seen = BTreeSet::new();
        let (mut found, mut over) = (Vec::new(), Vec::new());
        for key in &keys.keys {
            let place = table.key().place_of_key(&read_item(key)?)?;
            if !seen.insert(place.clone()) {
                return Err(validation("Provided list of item keys contains duplicates"));
            }
            let item = item::find(session.connection, &table, &place)?;
            bytes += item.as_ref().map_or(0, size_of);
            if bytes > LARGEST {
                over.push(key);
            } else {
                found.extend(item.map(|item| project(&item, projection.as_deref())));
            }
        }
        responses.insert(name.clone(), found.into());
        if !over.is_empty() {
            left.insert(name.clone(), keys.with_keys(&over));
        }
    }
    Ok(json!({ "Responses": responses, "UnprocessedKeys": left }))
}
