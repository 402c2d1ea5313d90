//! Tables: making, describing, changing, listing and deleting them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    definition::{AttributeDefinition, Definition, Index, Throughput, table_name},
    index,
    key::Key,
    stream::{self, Specification},
    tag::{self, Tag},
};
use crate::backend::emulator::{
    constraints::{Constraints, validation},
    error::ServiceError,
    json::{Session, seconds},
    tags,
};

/// A table as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) id: i64,
    pub(super) name: String,
    uuid: String,
    pub(super) definition: Definition,
    created: i64,
}

/// The input of the actions that only name a table.
#[derive(Deserialize)]
pub(super) struct Target {
    #[serde(rename = "TableName")]
    pub(super) name: String,
}

impl Session<'_> {
    /// ARN of the table called `name` in the caller's region.
    pub(super) fn table_arn(&self, name: &str) -> String {
        format!("arn:{}:dynamodb:{}:{}:table/{name}", self.place.partition, self.place.region, self.place.account)
    }
}

fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message)
}

impl Table {
    /// The table called `name`, if it exists.
    pub(super) fn find(connection: &Connection, region: &str, name: &str) -> Result<Option<Self>, ServiceError> {
        let sql = "SELECT id, uuid, definition, created FROM dynamodb_table WHERE region = ?1 AND name = ?2";
        let found = connection
            .prepare_cached(sql)?
            .query_row((region, name), |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?)))
            .optional()?;
        let Some((id, uuid, definition, created)) = found else { return Ok(None) };
        let definition = serde_json::from_str(&definition).map_err(|error| {
            ServiceError::new("InternalFailure", format!("the definition of {name} is unreadable: {error}")).status(500)
        })?;
        Ok(Some(Self { id, name: name.to_owned(), uuid, definition, created }))
    }

    /// The table that is to be read or written, if the caller may do `action` on it, or on its index.
    pub(super) fn open(session: &Session<'_>, text: &str, index: Option<&str>, action: &str) -> Result<Self, ServiceError> {
        let name = table_name(text)?;
        let mut arn = session.table_arn(name);
        if let Some(index) = index {
            arn = format!("{arn}/index/{index}");
        }
        session.authorize(&format!("dynamodb:{action}"), &arn)?;
        Self::find(session.connection, &session.place.region, name)?.ok_or_else(|| not_found("Requested resource not found"))
    }

    /// The table that is to be described or changed.
    fn open_itself(session: &Session<'_>, text: &str, action: &str) -> Result<Self, ServiceError> {
        let name = table_name(text)?;
        session.authorize(&format!("dynamodb:{action}"), &session.table_arn(name))?;
        let found = Self::find(session.connection, &session.place.region, name)?;
        found.ok_or_else(|| not_found(format!("Requested resource not found: Table: {name} not found")))
    }

    pub(super) fn key(&self) -> Key {
        self.definition.key()
    }

    /// The index called `name`, and whether it is a local one.
    pub(super) fn index(&self, name: &str) -> Option<(&Index, bool)> {
        let local = self.definition.locals().iter().find(|index| index.name == name).map(|index| (index, true));
        local.or_else(|| self.definition.globals().iter().find(|index| index.name == name).map(|index| (index, false)))
    }

    fn keep(&self, connection: &Connection) -> Result<(), ServiceError> {
        let definition = serde_json::to_string(&self.definition).unwrap_or_default();
        connection.execute("UPDATE dynamodb_table SET definition = ?2 WHERE id = ?1", (self.id, definition))?;
        Ok(())
    }

    fn describe(&self, session: &Session<'_>, status: &str) -> Result<Value, ServiceError> {
        let sql = "SELECT count(*), coalesce(sum(size), 0) FROM dynamodb_item WHERE tbl = ?1";
        let (items, bytes): (i64, i64) =
            session.connection.prepare_cached(sql)?.query_row([self.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let arn = session.table_arn(&self.name);
        let throughput = |given: Option<&Throughput>| {
            let (read, write) = given.map_or((0, 0), |given| (given.read_capacity_units, given.write_capacity_units));
            json!({ "NumberOfDecreasesToday": 0, "ReadCapacityUnits": read, "WriteCapacityUnits": write })
        };
        let mut table = json!({
            "TableName": self.name,
            "TableArn": arn,
            "TableId": self.uuid,
            "TableStatus": status,
            "CreationDateTime": seconds(self.created),
            "AttributeDefinitions": self.definition.attribute_definitions,
            "KeySchema": self.definition.key_schema,
            "ProvisionedThroughput": throughput(self.definition.provisioned_throughput.as_ref()),
            "ItemCount": items,
            "TableSizeBytes": bytes,
            "DeletionProtectionEnabled": self.definition.deletion_protection_enabled,
        });
        if self.definition.is_on_demand() {
            let since = seconds(self.created);
            table["BillingModeSummary"] = json!({ "BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": since });
        }
        for (field, indexes, is_global) in
            [("LocalSecondaryIndexes", self.definition.locals(), false), ("GlobalSecondaryIndexes", self.definition.globals(), true)]
        {
            let mut described = Vec::new();
            for index in indexes {
                let (items, bytes) = index::measure(session.connection, self.id, &index.name)?;
                let mut value = json!({
                    "IndexName": index.name,
                    "IndexArn": format!("{arn}/index/{}", index.name),
                    "KeySchema": index.key_schema,
                    "Projection": index.projection,
                    "ItemCount": items,
                    "IndexSizeBytes": bytes,
                });
                if is_global {
                    value["IndexStatus"] = "ACTIVE".into();
                    value["ProvisionedThroughput"] = throughput(index.provisioned_throughput.as_ref());
                }
                described.push(value);
            }
            if !described.is_empty() {
                table[field] = described.into();
            }
        }
        stream::describe_latest(session, self, &mut table)?;
        Ok(table)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    table_name: String,
    #[serde(flatten)]
    definition: Definition,
    stream_specification: Option<Specification>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(session: &Session<'_>, input: Create) -> Result<Value, ServiceError> {
    let name = table_name(&input.table_name)?;
    let arn = session.table_arn(name);
    session.authorize("dynamodb:CreateTable", &arn)?;
    input.definition.check()?;
    let view = input.stream_specification.as_ref().map(Specification::view).transpose()?.flatten();
    if Table::find(session.connection, &session.place.region, name)?.is_some() {
        return Err(ServiceError::new("ResourceInUseException", format!("Table already exists: {name}")));
    }
    stream::forget_old(session)?;
    let uuid = Uuid::new_v4().to_string();
    let definition = serde_json::to_string(&input.definition).unwrap_or_default();
    session.connection.execute(
        "INSERT INTO dynamodb_table (region, name, uuid, definition, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![session.place.region, name, uuid, definition, session.now],
    )?;
    let id = session.connection.last_insert_rowid();
    let table = Table { id, name: name.to_owned(), uuid, definition: input.definition, created: session.now };
    if let Some(view) = view {
        stream::start(session, &table, view)?;
    }
    tag::put(session, &arn, input.tags)?;
    Ok(json!({ "TableDescription": table.describe(session, "ACTIVE")? }))
}

pub(super) fn describe(session: &Session<'_>, input: Target) -> Result<Value, ServiceError> {
    let table = Table::open_itself(session, &input.name, "DescribeTable")?;
    Ok(json!({ "Table": table.describe(session, "ACTIVE")? }))
}

pub(super) fn delete(session: &Session<'_>, input: Target) -> Result<Value, ServiceError> {
    let table = Table::open_itself(session, &input.name, "DeleteTable")?;
    if table.definition.deletion_protection_enabled {
        let arn = session.table_arn(&table.name);
        let message =
            format!("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first: {arn}");
        return Err(validation(message));
    }
    let description = table.describe(session, "DELETING")?;
    stream::stop(session, &table)?;
    stream::forget_old(session)?;
    tags::clear(session.connection, &session.table_arn(&table.name))?;
    session.connection.execute("DELETE FROM dynamodb_table WHERE id = ?1", [table.id])?;
    Ok(json!({ "TableDescription": description }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    exclusive_start_table_name: Option<String>,
    limit: Option<i64>,
}

pub(super) fn list(session: &Session<'_>, input: List) -> Result<Value, ServiceError> {
    Constraints::default().within(input.limit, "limit", &(1..=100)).check()?;
    session.authorize("dynamodb:ListTables", &session.table_arn("*"))?;
    let most = usize::try_from(input.limit.unwrap_or(100)).unwrap_or(100);
    let mut query =
        session.connection.prepare_cached("SELECT name FROM dynamodb_table WHERE region = ?1 AND name > ?2 ORDER BY name LIMIT ?3")?;
    let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
    let after = input.exclusive_start_table_name.unwrap_or_default();
    let mut names =
        query.query_map((&session.place.region, after, limit), |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let more = names.len() > most;
    names.truncate(most);
    let mut answer = json!({ "TableNames": names });
    if let Some(last) = names.last().filter(|_| more) {
        answer["LastEvaluatedTableName"] = last.as_str().into();
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    table_name: String,
    attribute_definitions: Option<Vec<AttributeDefinition>>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<Throughput>,
    deletion_protection_enabled: Option<bool>,
    stream_specification: Option<Specification>,
    #[serde(default)]
    global_secondary_index_updates: Vec<BTreeMap<String, Value>>,
}

pub(super) fn update(session: &Session<'_>, input: Update) -> Result<Value, ServiceError> {
    let mut table = Table::open_itself(session, &input.table_name, "UpdateTable")?;
    let definition = &mut table.definition;
    if let Some(given) = input.attribute_definitions {
        for attribute in given {
            definition.attribute_definitions.retain(|known| known.name != attribute.name);
            definition.attribute_definitions.push(attribute);
        }
    }
    if input.billing_mode.is_some() {
        definition.billing_mode = input.billing_mode;
    }
    if definition.is_on_demand() {
        definition.provisioned_throughput = None;
    }
    if input.provisioned_throughput.is_some() {
        definition.provisioned_throughput = input.provisioned_throughput;
    }
    if let Some(protect) = input.deletion_protection_enabled {
        definition.deletion_protection_enabled = protect;
    }
    for change in input.global_secondary_index_updates {
        for (kind, change) in change {
            change_index(session, &mut table, &kind, change)?;
        }
    }
    let used: Vec<String> = {
        let keys = table.definition.indexes().map(|index| table.definition.key_of(&index.key_schema));
        keys.chain([table.key()]).flat_map(|key| key.attributes().map(|attribute| attribute.name.clone()).collect::<Vec<_>>()).collect()
    };
    table.definition.attribute_definitions.retain(|attribute| used.contains(&attribute.name));
    table.definition.check()?;
    table.keep(session.connection)?;
    match input.stream_specification.as_ref().map(Specification::view).transpose()? {
        Some(Some(view)) => stream::start(session, &table, view)?,
        Some(None) if !stream::stop(session, &table)? => {
            return Err(validation("Table already has stream disabled: it has no enabled stream"));
        }
        Some(None) | None => {}
    }
    Ok(json!({ "TableDescription": table.describe(session, "ACTIVE")? }))
}

fn change_index(session: &Session<'_>, table: &mut Table, kind: &str, change: Value) -> Result<(), ServiceError> {
    let name = change.get("IndexName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let absent = || not_found("Requested resource not found");
    let indexes = table.definition.global_secondary_indexes.get_or_insert_default();
    match kind {
        "Create" => {
            let index: Index =
                serde_json::from_value(change).map_err(|error| ServiceError::new("SerializationException", error.to_string()))?;
            if indexes.iter().any(|known| known.name == name) {
                return Err(validation(format!("One or more parameter values were invalid: Duplicate index name: {name}")));
            }
            indexes.push(index.clone());
            index::fill(session.connection, table, &index)?;
        }
        "Delete" => {
            if !indexes.iter().any(|known| known.name == name) {
                return Err(absent());
            }
            indexes.retain(|known| known.name != name);
            index::empty(session.connection, table.id, &name)?;
        }
        _ => {
            let known = indexes.iter_mut().find(|known| known.name == name).ok_or_else(absent)?;
            known.provisioned_throughput = change.get("ProvisionedThroughput").and_then(|given| serde_json::from_value(given.clone()).ok());
        }
    }
    if table.definition.globals().is_empty() {
        table.definition.global_secondary_indexes = None;
    }
    Ok(())
}
