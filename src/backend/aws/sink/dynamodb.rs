//! Items of a DynamoDB table: `BatchWriteItem`, with a key that the table's own schema asks for.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    primitives::Blob,
    types::{AttributeValue, KeySchemaElement, PutRequest, ScalarAttributeType, TableDescription, WriteRequest},
};
use sha2::{Digest, Sha256};

use super::{hinted, refused};
use crate::{
    backend::aws::error::fault,
    core::{
        error::{Error, Kind, Result},
        ports::{Outgoing, SendOutcome, Sink},
    },
};

/// The attributes that may hold the body: the first one that is no part of a key and not given.
const BODY: [&str; 4] = ["body", "message", "payload", "content"];
/// Numbers within one run have up to seven digits.
const NUMBERS: u128 = 10_000_000;

type Item = HashMap<String, AttributeValue>;

/// One table.
#[derive(Debug, Clone)]
pub(super) struct DynamoDbSink {
    client: Client,
    table: String,
    run: String,
    /// The attributes of the key, each with its type.
    key: Vec<(String, ScalarAttributeType)>,
    /// What every item has.
    given: Item,
    /// The attribute that holds the body.
    body: &'static str,
}

impl DynamoDbSink {
    /// Looks at the table called `table`, whose items shall have `attributes`; the run called `run` puts.
    ///
    /// # Errors
    /// When the table cannot be looked at; `Input` when `attributes` do not fit its keys.
    pub(super) async fn find(client: Client, table: &str, attributes: &[(String, String)], run: &str) -> Result<Self> {
        let what = || format!("could not look at table `{table}`");
        let described = client.describe_table().table_name(table).send().await;
        let described = described.map_err(|error| hinted(fault(what(), &error), "table"))?.table;
        let described = described.ok_or_else(|| Error::failed(what(), "the answer has no description"))?;
        let key = typed_key(&described).ok_or_else(|| Error::failed(what(), "the answer has no key schema"))?;
        let kind = |name: &str| {
            let definitions = described.attribute_definitions().iter();
            definitions.clone().find(|one| one.attribute_name == name).map_or(ScalarAttributeType::S, |one| one.attribute_type.clone())
        };
        let mut given = Item::new();
        for (name, value) in attributes {
            given.insert(name.clone(), of_text(name, value, &kind(name))?);
        }
        if key.iter().all(|(name, _)| given.contains_key(name)) {
            let names: Vec<&str> = key.iter().map(|(name, _)| name.as_str()).collect();
            let error = Error::input("destination", table, "each item would replace the one before, as the whole key is given");
            return Err(error.hint(format!("leave out {}: values are made for what is not given", names.join(" or "))));
        }
        let is_free =
            |name: &&str| !given.contains_key(*name) && described.attribute_definitions().iter().all(|one| one.attribute_name != **name);
        let Some(body) = BODY.into_iter().find(is_free) else {
            return Err(Error::input("destination", table, format!("no attribute is free for the body: {}", BODY.join(", "))));
        };
        Ok(Self { client, table: table.to_owned(), run: run.to_owned(), key, given, body })
    }

    fn item(&self, message: &Outgoing) -> Item {
        let mut item = self.given.clone();
        for (name, kind) in &self.key {
            item.entry(name.clone()).or_insert_with(|| generated(kind, &self.run, message.number));
        }
        item.insert(self.body.to_owned(), AttributeValue::S(message.body.clone()));
        item
    }

    /// The item's key as text: `customer=ann,number=17`.
    fn id(&self, item: &Item) -> String {
        let part = |(name, _): &(String, ScalarAttributeType)| format!("{name}={}", item.get(name).map(shown).unwrap_or_default());
        self.key.iter().map(part).collect::<Vec<_>>().join(",")
    }
}

#[async_trait]
impl Sink for DynamoDbSink {
    async fn send(&self, batch: &[Outgoing]) -> Result<Vec<SendOutcome>> {
        let items: Vec<Item> = batch.iter().map(|message| self.item(message)).collect();
        let requests = items.iter().map(|item| write(item.clone())).collect::<Result<Vec<_>>>()?;
        let request = self.client.batch_write_item().request_items(&self.table, requests);
        let what = || format!("could not write items into table `{}`", self.table);
        let answer = request.send().await.map_err(|error| hinted(fault(what(), &error), "table"))?;
        let puts = answer.unprocessed_items.unwrap_or_default().into_values().flatten().filter_map(|request| request.put_request);
        let left: Vec<String> = puts.map(|put| self.id(&put.item)).collect();
        let ids: Vec<String> = items.iter().map(|item| self.id(item)).collect();
        if let Some(unknown) = left.iter().find(|id| !ids.contains(id)) {
            // The same items may be written again: it changes nothing.
            return Err(Error::new(Kind::Unavailable, what(), format!("DynamoDB left `{unknown}`, which was not in the batch")));
        }
        let outcome = |id: String| {
            if left.contains(&id) { refused(LEFT.to_owned(), Some("DynamoDB left it for later".to_owned())) } else { SendOutcome::Sent(id) }
        };
        Ok(ids.into_iter().map(outcome).collect())
    }
}

/// What DynamoDB means by an item that it did not process.
const LEFT: &str = "ProvisionedThroughputExceededException";

fn write(item: Item) -> Result<WriteRequest> {
    let put = PutRequest::builder().set_item(Some(item)).build().map_err(|error| Error::failed("could not write an item", error))?;
    Ok(WriteRequest::builder().put_request(put).build())
}

/// The attributes of the table's key with their types; `None` when the description does not tell.
fn typed_key(table: &TableDescription) -> Option<Vec<(String, ScalarAttributeType)>> {
    let typed = |element: &KeySchemaElement| {
        let definition = table.attribute_definitions().iter().find(|one| one.attribute_name == element.attribute_name)?;
        Some((definition.attribute_name.clone(), definition.attribute_type.clone()))
    };
    table.key_schema().iter().map(typed).collect::<Option<Vec<_>>>().filter(|key| !key.is_empty())
}

/// A value of that type that no other message of any run has.
fn generated(kind: &ScalarAttributeType, run: &str, number: u64) -> AttributeValue {
    let text = format!("{run}-{number}");
    match kind {
        ScalarAttributeType::N => {
            let digest = Sha256::digest(run.as_bytes());
            let run = u64::from_be_bytes(std::array::from_fn(|index| digest[index]));
            AttributeValue::N((u128::from(run) * NUMBERS + u128::from(number)).to_string())
        }
        ScalarAttributeType::B => AttributeValue::B(Blob::new(text)),
        _ => AttributeValue::S(text),
    }
}

fn of_text(name: &str, text: &str, kind: &ScalarAttributeType) -> Result<AttributeValue> {
    Ok(match kind {
        ScalarAttributeType::N if text.parse::<f64>().is_ok_and(f64::is_finite) => AttributeValue::N(text.to_owned()),
        ScalarAttributeType::N => {
            let error = Error::input(format!("attribute {name}"), text, "it is a number in this table's keys");
            return Err(error.hint(format!("for example `?{name}=12`")));
        }
        ScalarAttributeType::B => AttributeValue::B(Blob::new(text)),
        _ => AttributeValue::S(text.to_owned()),
    })
}

fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        AttributeValue::B(bytes) => String::from_utf8_lossy(bytes.as_ref()).into_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_within_a_run_and_between_runs_in_every_type() {
        for kind in [ScalarAttributeType::S, ScalarAttributeType::N, ScalarAttributeType::B] {
            let all: Vec<String> =
                ["one", "two"].iter().flat_map(|run| [1, 2, 999_999].map(|number| shown(&generated(&kind, run, number)))).collect();
            let unique: std::collections::BTreeSet<&String> = all.iter().collect();
            assert_eq!(unique.len(), 6, "{all:?}");
            assert!(kind != ScalarAttributeType::N || all.iter().all(|number| number.len() <= 38), "{all:?}");
        }
    }

    #[test]
    fn a_keys_number_is_a_number() {
        let error = of_text("n", "ten", &ScalarAttributeType::N).expect_err("no number");
        assert_eq!((error.exit_code(), error.to_string().contains("attribute n")), (2, true));
        assert_eq!(of_text("n", "10", &ScalarAttributeType::N).expect("a number"), AttributeValue::N("10".to_owned()));
    }
}
