//! What a table is made of: its key, its indexes, its billing; and what `CreateTable` refuses of that.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::key::{Key, KeyAttribute};
use crate::backend::emulator::{
    constraints::{Constraints, Name, validation},
    error::ServiceError,
};

/// Names of tables and indexes.
const NAME: Name = Name { length: (0, 1024), allowed: |c| c.is_ascii_alphanumeric() || "_.-".contains(c), pattern: "[a-zA-Z0-9_.-]+" };
/// Most indexes of each kind.
const LOCAL: usize = 5;
const GLOBAL: usize = 20;

/// A table's definition, as it is asked for and stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Definition {
    #[serde(default)]
    pub(super) attribute_definitions: Vec<AttributeDefinition>,
    #[serde(default)]
    pub(super) key_schema: Vec<KeyElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) local_secondary_indexes: Option<Vec<Index>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) global_secondary_indexes: Option<Vec<Index>>,
    pub(super) billing_mode: Option<String>,
    pub(super) provisioned_throughput: Option<Throughput>,
    #[serde(default)]
    pub(super) deletion_protection_enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributeDefinition {
    #[serde(rename = "AttributeName")]
    pub(super) name: String,
    #[serde(rename = "AttributeType")]
    pub(super) kind: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyElement {
    attribute_name: String,
    key_type: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Throughput {
    pub(super) read_capacity_units: i64,
    pub(super) write_capacity_units: i64,
}

/// A secondary index.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Index {
    #[serde(rename = "IndexName")]
    pub(super) name: String,
    pub(super) key_schema: Vec<KeyElement>,
    #[serde(default)]
    pub(super) projection: Projection,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provisioned_throughput: Option<Throughput>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Projection {
    #[serde(rename = "ProjectionType")]
    pub(super) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) non_key_attributes: Option<Vec<String>>,
}

fn invalid(why: impl std::fmt::Display) -> ServiceError {
    validation(format!("One or more parameter values were invalid: {why}"))
}

impl Definition {
    /// The table's own key.
    pub(super) fn key(&self) -> Key {
        self.key_of(&self.key_schema)
    }

    /// The key by which `schema` names attributes of this table.
    pub(super) fn key_of(&self, schema: &[KeyElement]) -> Key {
        let attribute = |element: &KeyElement| {
            let name = element.attribute_name.clone();
            let definition = self.attribute_definitions.iter().find(|definition| definition.name == name);
            KeyAttribute { kind: definition.map_or_else(String::new, |definition| definition.kind.clone()), name }
        };
        let mut elements = schema.iter().map(attribute);
        Key { hash: elements.next().unwrap_or_default(), range: elements.next() }
    }

    pub(super) fn locals(&self) -> &[Index] {
        self.local_secondary_indexes.as_deref().unwrap_or_default()
    }

    pub(super) fn globals(&self) -> &[Index] {
        self.global_secondary_indexes.as_deref().unwrap_or_default()
    }

    pub(super) fn indexes(&self) -> impl Iterator<Item = &Index> {
        self.locals().iter().chain(self.globals())
    }

    pub(super) fn is_on_demand(&self) -> bool {
        self.billing_mode.as_deref() == Some("PAY_PER_REQUEST")
    }

    /// Refuses what `CreateTable` refuses.
    pub(super) fn check(&self) -> Result<(), ServiceError> {
        let mut constraints = Constraints::default().sized(self.key_schema.len(), "keySchema", (1, 2)).one_of(
            self.billing_mode.as_deref(),
            "billingMode",
            &["PROVISIONED", "PAY_PER_REQUEST"],
        );
        for (number, definition) in self.attribute_definitions.iter().enumerate() {
            let field = format!("attributeDefinitions.{}.member.attributeType", number + 1);
            constraints = constraints.one_of(Some(&definition.kind), &field, &["B", "N", "S"]);
        }
        constraints = one_of_the_kinds(constraints, &self.key_schema, "");
        for (list, indexes) in [("local", self.locals()), ("global", self.globals())] {
            for (number, index) in indexes.iter().enumerate() {
                let place = format!("{list}SecondaryIndexes.{}.member.", number + 1);
                constraints = one_of_the_kinds(constraints, &index.key_schema, &place);
            }
        }
        constraints.check()?;
        self.check_billing()?;
        check_schema(&self.key_schema)?;
        self.check_indexes()?;
        self.check_attributes()
    }

    fn check_billing(&self) -> Result<(), ServiceError> {
        match (self.is_on_demand(), &self.provisioned_throughput) {
            (true, Some(given)) if given.read_capacity_units != 0 || given.write_capacity_units != 0 => {
                Err(invalid("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"))
            }
            (false, None) => {
                Err(invalid("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"))
            }
            (false, Some(given)) => Constraints::default()
                .within(Some(given.read_capacity_units), "provisionedThroughput.readCapacityUnits", &(1..=i64::MAX))
                .within(Some(given.write_capacity_units), "provisionedThroughput.writeCapacityUnits", &(1..=i64::MAX))
                .check(),
            (true, _) => Ok(()),
        }
    }

    fn check_indexes(&self) -> Result<(), ServiceError> {
        for (list, kind, most) in [(&self.local_secondary_indexes, "Local", LOCAL), (&self.global_secondary_indexes, "Global", GLOBAL)] {
            let Some(list) = list else { continue };
            if list.is_empty() {
                return Err(invalid(format!("List of {kind}SecondaryIndexes is empty")));
            }
            if list.len() > most {
                return Err(invalid(format!("{kind}SecondaryIndex count exceeds the per-table limit of {most}")));
            }
        }
        let mut names = BTreeSet::new();
        for index in self.indexes() {
            if !names.insert(&index.name) {
                return Err(invalid(format!("Duplicate index name: {}", index.name)));
            }
            Constraints::default().name(&index.name, "indexName", Name { length: (3, 255), ..NAME }).check()?;
            check_schema(&index.key_schema)?;
            if index.key_schema.len() > 2 {
                let why = "the embedded DynamoDB offers indexes of one HASH and one RANGE attribute, not of several";
                return Err(validation(format!("{why}: {}", index.name)));
            }
            index.projection.check()?;
        }
        let hash = self.key().hash.name;
        for index in self.locals() {
            if self.key_schema.len() < 2 {
                return Err(invalid("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"));
            }
            let other = self.key_of(&index.key_schema);
            if other.range.is_none() {
                return Err(invalid(format!("Index KeySchema does not have a range key for index: {}", index.name)));
            }
            if other.hash.name != hash {
                return Err(invalid(format!(
                    "Index KeySchema does not have the same leading hash key as table KeySchema for index: {}. \
                     index hash key: {}, table hash key: {hash}",
                    index.name, other.hash.name
                )));
            }
        }
        Ok(())
    }

    /// Every key attribute is defined once, and nothing else is.
    fn check_attributes(&self) -> Result<(), ServiceError> {
        let schemas = std::iter::once(&self.key_schema).chain(self.indexes().map(|index| &index.key_schema));
        let used: BTreeSet<&str> = schemas.flatten().map(|element| element.attribute_name.as_str()).collect();
        let defined: BTreeSet<&str> = self.attribute_definitions.iter().map(|definition| definition.name.as_str()).collect();
        let list = |names: &mut dyn Iterator<Item = &&str>| names.copied().collect::<Vec<_>>().join(", ");
        if let Some(_missing) = used.difference(&defined).next() {
            let missing = list(&mut used.difference(&defined));
            return Err(invalid(format!(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [{missing}], AttributeDefinitions: [{}]",
                list(&mut defined.iter())
            )));
        }
        if used.len() == self.attribute_definitions.len() {
            return Ok(());
        }
        if self.indexes().next().is_none() {
            let why = "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions";
            return Err(invalid(why));
        }
        Err(invalid(format!(
            "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
            list(&mut defined.iter()),
            list(&mut used.iter())
        )))
    }
}

impl Projection {
    fn check(&self) -> Result<(), ServiceError> {
        let names = self.non_key_attributes.as_deref();
        match (self.kind.as_deref(), names) {
            (Some("INCLUDE"), None | Some([])) => Err(invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")),
            (Some(kind @ ("ALL" | "KEYS_ONLY")), Some(_)) => {
                Err(invalid(format!("ProjectionType is {kind}, but NonKeyAttributes is specified")))
            }
            (Some("ALL" | "KEYS_ONLY" | "INCLUDE"), _) => Ok(()),
            (kind, _) => Err(invalid(format!("Unknown ProjectionType: {}", kind.unwrap_or("null")))),
        }
    }
}

fn one_of_the_kinds(constraints: Constraints, schema: &[KeyElement], place: &str) -> Constraints {
    schema.iter().enumerate().fold(constraints, |constraints, (number, element)| {
        let field = format!("{place}keySchema.{}.member.keyType", number + 1);
        constraints.one_of(Some(&element.key_type), &field, &["HASH", "RANGE"])
    })
}

fn check_schema(schema: &[KeyElement]) -> Result<(), ServiceError> {
    let refuse = |why: &str| Err(validation(why));
    match schema {
        [first, ..] if first.key_type != "HASH" => refuse("Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
        [_, second, ..] if second.key_type != "RANGE" => refuse("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"),
        [first, second, ..] if first.attribute_name == second.attribute_name => {
            refuse("Both the Hash Key and the Range Key element in the KeySchema have the same name")
        }
        [] => refuse("Invalid KeySchema: Some index key attribute have no definition"),
        _ => Ok(()),
    }
}

/// The table's name in `text`, which may be its ARN; refused when it is neither.
pub(super) fn table_name(text: &str) -> Result<&str, ServiceError> {
    let name = match text.split_once(":table/") {
        Some((place, name)) if place.starts_with("arn:") => name.split('/').next().unwrap_or_default(),
        _ => text,
    };
    Constraints::default().name(name, "tableName", NAME).check()?;
    if (3..=255).contains(&name.len()) {
        return Ok(name);
    }
    Err(validation("TableName must be at least 3 characters long and at most 255 characters long"))
}
