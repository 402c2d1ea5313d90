//! Reading: one item by its key, a stretch of keys, or everything.

use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    expression::{
        Condition, Fault, check, condition,
        path::{Path, no_overlap},
        paths,
        placeholders::{Given, Placeholders},
    },
    item,
    key::Key,
    key_condition::{Refusal, Stretch},
    page::{Order, Page, Source, Whole},
    table::Table,
    value::{Item, read_item, write_item},
    write::not_offered,
};
use crate::backend::emulator::{
    constraints::{Constraints, validation},
    error::ServiceError,
    json::Session,
};

const SELECTS: [&str; 4] = ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"];

/// What queries and scans have in common.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Terms {
    table_name: String,
    index_name: Option<String>,
    filter_expression: Option<String>,
    projection_expression: Option<String>,
    #[serde(flatten)]
    given: Given,
    select: Option<String>,
    limit: Option<i64>,
    exclusive_start_key: Option<Map<String, Value>>,
    #[serde(default)]
    consistent_read: bool,
    /// Of the time before expressions.
    attributes_to_get: Option<Value>,
    query_filter: Option<Value>,
    scan_filter: Option<Value>,
    key_conditions: Option<Value>,
    conditional_operator: Option<Value>,
}

/// The terms, read.
struct Read {
    filter: Option<Condition>,
    projection: Option<Vec<Path>>,
    start: Option<Item>,
    limit: Option<usize>,
    placeholders: Placeholders,
}

/// `Invalid FilterExpression: ..`.
fn refuse(expression: &'static str) -> impl Fn(Fault) -> ServiceError {
    move |fault| validation(format!("Invalid {expression}: {}", fault.0))
}

/// The paths of a projection.
pub(super) fn projection(text: Option<&str>, placeholders: &Placeholders) -> Result<Option<Vec<Path>>, ServiceError> {
    let read = |text| paths(text, placeholders).and_then(|paths| no_overlap(&paths.iter().collect::<Vec<_>>()).map(|()| paths));
    text.map(read).transpose().map_err(refuse("ProjectionExpression"))
}

/// What of `item` the projection asks for.
pub(super) fn project(item: &Item, projection: Option<&[Path]>) -> Value {
    let Some(paths) = projection else { return write_item(item) };
    let mut projected = Item::new();
    for path in paths {
        path.copy(item, &mut projected);
    }
    write_item(&projected)
}

impl Terms {
    fn read(&self, others: &[(&str, bool)]) -> Result<Read, ServiceError> {
        Constraints::default().within(self.limit, "limit", &(1..=i64::MAX)).one_of(self.select.as_deref(), "select", &SELECTS).check()?;
        let legacy = [&self.attributes_to_get, &self.query_filter, &self.scan_filter, &self.key_conditions, &self.conditional_operator];
        if legacy.iter().any(|given| given.is_some()) {
            return Err(not_offered());
        }
        let own = [("FilterExpression", self.filter_expression.is_some()), ("ProjectionExpression", self.projection_expression.is_some())];
        let expressions: Vec<_> = own.iter().chain(others).copied().collect();
        let placeholders = Placeholders::read(&self.given, &expressions)?;
        let filter = self.filter_expression.as_deref().map(|text| {
            let parsed = condition(text, &placeholders).and_then(|condition| check(&condition).map(|()| condition));
            parsed.map_err(refuse("FilterExpression"))
        });
        let filter = filter.transpose()?;
        let projection = projection(self.projection_expression.as_deref(), &placeholders)?;
        self.check_select()?;
        let start = self.exclusive_start_key.as_ref().map(read_item).transpose()?;
        let limit = self.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Read { filter, projection, start, limit, placeholders })
    }

    fn check_select(&self) -> Result<(), ServiceError> {
        let refuse = |why: &str| Err(validation(format!("1 validation error detected: {why}")));
        let shown = match self.select.as_deref() {
            Some("COUNT") => "only the Count",
            Some(select) => select,
            None => return Ok(()),
        };
        match (shown, self.projection_expression.is_some()) {
            ("SPECIFIC_ATTRIBUTES", true) => Ok(()),
            ("SPECIFIC_ATTRIBUTES", false) => {
                refuse("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
            }
            (_, true) => refuse(&format!("Cannot specify the ProjectionExpression when choosing to get {shown}")),
            ("ALL_PROJECTED_ATTRIBUTES", false) if self.index_name.is_none() => {
                refuse("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
            }
            _ => Ok(()),
        }
    }

    /// The items that are asked for, before anything narrows them.
    fn source<'a>(&self, table: &'a Table, read: &mut Read) -> Result<Source<'a>, ServiceError> {
        let index = match self.index_name.as_deref() {
            None => None,
            Some(name) => {
                let found = table.index(name);
                let (index, is_local) = found.ok_or_else(|| validation(format!("The table does not have the specified index: {name}")))?;
                if self.consistent_read && !is_local {
                    return Err(validation("Consistent reads are not supported on global secondary indexes"));
                }
                let all = self.select.as_deref() == Some("ALL_ATTRIBUTES");
                if all && !is_local && !index.shows_all() {
                    return Err(validation(format!(
                        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary \
                         index {name} because its projection type is not ALL"
                    )));
                }
                let whole = if is_local && (all || read.projection.is_some()) { Whole::Fetched } else { Whole::Projected };
                Some((index, whole))
            }
        };
        let (start, limit) = (read.start.take(), read.limit);
        Ok(Source { table, index, stretch: None, order: Order::Ascending, start, limit })
    }

    /// The answer: what of the page passes the filter.
    fn answer(&self, read: &Read, page: &Page) -> Value {
        let passes = |item: &&Item| read.filter.as_ref().is_none_or(|filter| filter.holds(item));
        let kept: Vec<&Item> = page.items.iter().filter(passes).collect();
        let mut answer = json!({ "Count": kept.len(), "ScannedCount": page.items.len() });
        if self.select.as_deref() != Some("COUNT") {
            answer["Items"] = kept.into_iter().map(|item| project(item, read.projection.as_deref())).collect();
        }
        if let Some(last) = &page.last {
            answer["LastEvaluatedKey"] = write_item(last);
        }
        answer
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Query {
    key_condition_expression: Option<String>,
    scan_index_forward: Option<bool>,
    #[serde(flatten)]
    terms: Terms,
}

pub(super) fn query(session: &Session<'_>, input: Query) -> Result<Value, ServiceError> {
    let terms = input.terms;
    let text = input.key_condition_expression.as_deref();
    let mut read = terms.read(&[("KeyConditionExpression", text.is_some())])?;
    let text =
        text.ok_or_else(|| validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."))?;
    let parsed = condition(text, &read.placeholders).and_then(|condition| check(&condition).map(|()| condition));
    let key_condition = parsed.map_err(refuse("KeyConditionExpression"))?;
    read.placeholders.all_used()?;
    let table = Table::open(session, &terms.table_name, terms.index_name.as_deref(), "Query")?;
    let mut source = terms.source(&table, &mut read)?;
    let key = source.key();
    source.stretch = Some(Stretch::read(&key_condition, &key).map_err(|refusal| match refusal {
        Refusal::Expression(fault) => refuse("KeyConditionExpression")(fault),
        Refusal::Schema(why) => validation(why),
    })?);
    if let Some(name) = read.filter.as_ref().and_then(|filter| key_attribute_in(filter, &key)) {
        return Err(validation(format!("Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}")));
    }
    if input.scan_index_forward == Some(false) {
        source.order = Order::Descending;
    }
    let page = source.read(session.connection, |_| true)?;
    Ok(terms.answer(&read, &page))
}

/// A key attribute that the filter of a query names.
fn key_attribute_in<'a>(filter: &'a Condition, key: &Key) -> Option<&'a str> {
    filter.paths().into_iter().map(|path| path.first.as_str()).find(|name| key.has(name))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Scan {
    segment: Option<i64>,
    total_segments: Option<i64>,
    #[serde(flatten)]
    terms: Terms,
}

pub(super) fn scan(session: &Session<'_>, input: Scan) -> Result<Value, ServiceError> {
    let terms = input.terms;
    Constraints::default()
        .within(input.segment, "segment", &(0..=999_999))
        .within(input.total_segments, "totalSegments", &(1..=1_000_000))
        .check()?;
    let segment = match (input.segment, input.total_segments) {
        (None, None) => None,
        (Some(_), None) => {
            return Err(validation(
                "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
            ));
        }
        (None, Some(_)) => {
            return Err(validation(
                "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
            ));
        }
        (Some(segment), Some(total)) if segment >= total => {
            return Err(validation(format!(
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not less than TotalSegments: {total}"
            )));
        }
        (Some(segment), Some(total)) => Some((segment, total)),
    };
    let mut read = terms.read(&[])?;
    read.placeholders.all_used()?;
    let table = Table::open(session, &terms.table_name, terms.index_name.as_deref(), "Scan")?;
    let source = terms.source(&table, &mut read)?;
    let key = source.key();
    let page = source.read(session.connection, |item| segment.is_none_or(|segment| is_in(segment, &key, item)))?;
    Ok(terms.answer(&read, &page))
}

/// Whether the item's partition belongs to segment `segment` of `total`.
fn is_in((segment, total): (i64, i64), key: &Key, item: &Item) -> bool {
    let hash = key.place(item).map(|place| Md5::digest(place.hash)).unwrap_or_default();
    let number = i64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]));
    number % total == segment
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    table_name: String,
    key: Map<String, Value>,
    projection_expression: Option<String>,
    #[serde(flatten)]
    given: Given,
    #[serde(rename = "AttributesToGet")]
    legacy: Option<Value>,
}

pub(super) fn get(session: &Session<'_>, input: Get) -> Result<Value, ServiceError> {
    if input.legacy.is_some() {
        return Err(not_offered());
    }
    let text = input.projection_expression.as_deref();
    let placeholders = Placeholders::read(&input.given, &[("ProjectionExpression", text.is_some())])?;
    let projection = projection(text, &placeholders)?;
    placeholders.all_used()?;
    let key = read_item(&input.key)?;
    let table = Table::open(session, &input.table_name, None, "GetItem")?;
    let place = table.key().place_of_key(&key)?;
    let found = item::find(session.connection, &table, &place)?;
    Ok(found.map_or(json!({}), |item| json!({ "Item": project(&item, projection.as_deref()) })))
}
