//! Writing one item: putting, deleting, updating it, if a condition holds.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    expression::{
        Condition, check, condition,
        placeholders::{Given, Placeholders},
        update_clauses,
    },
    item,
    table::Table,
    value::{Item, read_item, write_item},
};
use crate::backend::emulator::{
    constraints::{Constraints, validation},
    error::ServiceError,
    json::Session,
};

const RETURNS: [&str; 5] = ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"];

/// What all writes have in common.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Terms {
    table_name: String,
    condition_expression: Option<String>,
    return_values: Option<String>,
    return_values_on_condition_check_failure: Option<String>,
    #[serde(flatten)]
    given: Given,
    /// Of the time before expressions.
    expected: Option<Value>,
    conditional_operator: Option<Value>,
    attribute_updates: Option<Value>,
}

impl Terms {
    /// Refuses what is not offered, and reads the condition; `others` are the request's other expressions.
    fn read(&self, others: &[(&str, bool)]) -> Result<(Option<Condition>, Placeholders), ServiceError> {
        Constraints::default().one_of(self.return_values.as_deref(), "returnValues", &RETURNS).check()?;
        if self.expected.is_some() || self.conditional_operator.is_some() || self.attribute_updates.is_some() {
            return Err(not_offered());
        }
        let own = ("ConditionExpression", self.condition_expression.is_some());
        let expressions: Vec<_> = others.iter().copied().chain([own]).collect();
        let placeholders = Placeholders::read(&self.given, &expressions)?;
        let condition = self.condition_expression.as_deref().map(|text| {
            let parsed = condition(text, &placeholders).and_then(|condition| check(&condition).map(|()| condition));
            parsed.map_err(|fault| validation(format!("Invalid ConditionExpression: {}", fault.0)))
        });
        Ok((condition.transpose()?, placeholders))
    }

    /// Whether what is there lets the write go on.
    fn allow(&self, condition: Option<&Condition>, old: Option<&Item>) -> Result<(), ServiceError> {
        let nothing = Item::new();
        if condition.is_none_or(|condition| condition.holds(old.unwrap_or(&nothing))) {
            return Ok(());
        }
        let refused = ServiceError::new("ConditionalCheckFailedException", "The conditional request failed");
        match (self.return_values_on_condition_check_failure.as_deref(), old) {
            (Some("ALL_OLD"), Some(old)) => Err(refused.detail("Item", write_item(old))),
            _ => Err(refused),
        }
    }

    /// The answer of a put or delete.
    fn answer(&self, old: Option<&Item>) -> Value {
        match (self.return_values.as_deref(), old) {
            (Some("ALL_OLD"), Some(old)) => json!({ "Attributes": write_item(old) }),
            _ => json!({}),
        }
    }

    fn returns_old_or_nothing(&self) -> Result<(), ServiceError> {
        match self.return_values.as_deref() {
            None | Some("NONE" | "ALL_OLD") => Ok(()),
            Some(_) => Err(validation("ReturnValues can only be ALL_OLD or NONE")),
        }
    }
}

/// The parameters of the time before expressions.
pub(super) fn not_offered() -> ServiceError {
    validation("the embedded DynamoDB takes expressions only, not the legacy parameters that they replace")
}

#[derive(Deserialize)]
pub(super) struct Put {
    #[serde(rename = "Item")]
    item: Map<String, Value>,
    #[serde(flatten)]
    terms: Terms,
}

pub(super) fn put(session: &Session<'_>, input: Put) -> Result<Value, ServiceError> {
    let terms = input.terms;
    terms.returns_old_or_nothing()?;
    let (condition, placeholders) = terms.read(&[])?;
    placeholders.all_used()?;
    let new = read_item(&input.item)?;
    let table = Table::open(session, &terms.table_name, None, "PutItem")?;
    let place = item::check(&table, &new, item::ITEM_SIZE)?;
    let old = item::find(session.connection, &table, &place)?;
    terms.allow(condition.as_ref(), old.as_ref())?;
    item::put(session, &table, &place, old.as_ref(), &new)?;
    Ok(terms.answer(old.as_ref()))
}

#[derive(Deserialize)]
pub(super) struct Delete {
    #[serde(rename = "Key")]
    key: Map<String, Value>,
    #[serde(flatten)]
    terms: Terms,
}

pub(super) fn delete(session: &Session<'_>, input: Delete) -> Result<Value, ServiceError> {
    let terms = input.terms;
    terms.returns_old_or_nothing()?;
    let (condition, placeholders) = terms.read(&[])?;
    placeholders.all_used()?;
    let key = read_item(&input.key)?;
    let table = Table::open(session, &terms.table_name, None, "DeleteItem")?;
    let place = table.key().place_of_key(&key)?;
    let old = item::find(session.connection, &table, &place)?;
    terms.allow(condition.as_ref(), old.as_ref())?;
    item::remove(session, &table, &place, old.as_ref())?;
    Ok(terms.answer(old.as_ref()))
}

/// What is empty, an update refuses as it refuses members of the wrong form.
fn nothing_empty(expression: Option<&str>, given: &Given) -> Result<(), ServiceError> {
    let why = if given.has_no_value() {
        "ExpressionAttributeValues must not be empty"
    } else if expression.is_some_and(|text| text.trim().is_empty()) {
        "Invalid UpdateExpression: The expression can not be empty;"
    } else {
        return Ok(());
    };
    Err(validation(format!("1 validation error detected: {why}")))
}

#[derive(Deserialize)]
pub(super) struct Update {
    #[serde(rename = "Key")]
    key: Map<String, Value>,
    #[serde(rename = "UpdateExpression")]
    expression: Option<String>,
    #[serde(flatten)]
    terms: Terms,
}

pub(super) fn update(session: &Session<'_>, input: Update) -> Result<Value, ServiceError> {
    let terms = input.terms;
    nothing_empty(input.expression.as_deref(), &terms.given)?;
    let (condition, placeholders) = terms.read(&[("UpdateExpression", input.expression.is_some())])?;
    let clauses = input.expression.as_deref().map(|text| {
        let parsed = update_clauses(text, &placeholders);
        parsed.map_err(|fault| validation(format!("Invalid UpdateExpression: {}", fault.0)))
    });
    let clauses = clauses.transpose()?.unwrap_or_default();
    placeholders.all_used()?;
    let key = read_item(&input.key)?;
    let table = Table::open(session, &terms.table_name, None, "UpdateItem")?;
    let place = table.key().place_of_key(&key)?;
    if let Some(name) = clauses.names().find(|name| table.key().has(name)) {
        return Err(validation(format!(
            "One or more parameter values were invalid: Cannot update attribute {name}. This attribute is part of the key"
        )));
    }
    let old = item::find(session.connection, &table, &place)?;
    terms.allow(condition.as_ref(), old.as_ref())?;
    let new = clauses.apply(old.as_ref().unwrap_or(&key)).map_err(|fault| validation(fault.0))?;
    item::check(&table, &new, "Item size to update")?;
    item::put(session, &table, &place, old.as_ref(), &new)?;
    let touched = |item: &Item| clauses.touched(item);
    let attributes = match terms.return_values.as_deref() {
        Some("ALL_OLD") => old,
        Some("UPDATED_OLD") => old.as_ref().map(touched),
        Some("ALL_NEW") => Some(new),
        Some("UPDATED_NEW") => Some(touched(&new)),
        _ => None,
    };
    Ok(attributes.filter(|attributes| !attributes.is_empty()).map_or(json!({}), |item| json!({ "Attributes": write_item(&item) })))
}
