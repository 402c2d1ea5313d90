//! A DynamoDB table, paid by the request, with its indexes and the stream of its changes.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    error::BuildError,
    types::{
        AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex, GlobalSecondaryIndexUpdate,
        KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription,
        TableStatus, Tag,
    },
};

use super::{
    super::error::{fault, is_absent},
    Shared, pending, soon, tags,
};
use crate::core::{
    error::{Error, Result},
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId},
    stack::{EXPIRES_TAG, STACK_TAG},
    table::{KeyKind, KeySchema, TableShape},
};

/// The field of a table's own keys, which nothing changes.
const KEYS: &str = "KeySchema";
/// The field of its stream.
const STREAM: &str = "StreamSpecification";
/// What the field of an index begins with.
const INDEX: &str = "index ";
/// What DynamoDB says while a change is under way.
const BUSY: &[&str] = &["LimitExceededException", "ResourceInUseException"];

/// One table.
pub(super) struct Table {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    pub(super) shape: TableShape,
}

impl Table {
    fn what(&self, verb: &str) -> String {
        format!("could not {verb} table `{}`", self.name)
    }

    fn arn(&self) -> String {
        self.shared.settings.place.table_arn(&self.name)
    }

    fn tags(&self) -> Result<Vec<Tag>> {
        let tag = |(key, value): (&str, String)| Tag::builder().key(key).value(value).build();
        tags::wanted(&self.shared.settings).into_iter().map(tag).collect::<Result<_, _>>().map_err(|error| self.unwritten(&error))
    }

    fn unwritten(&self, error: &BuildError) -> Error {
        Error::failed(self.what("describe"), error)
    }

    fn definitions(&self) -> Result<Vec<AttributeDefinition>> {
        let definition = |(name, kind)| AttributeDefinition::builder().attribute_name(name).attribute_type(scalar(kind)).build();
        self.shape.attributes().into_iter().map(definition).collect::<Result<_, _>>().map_err(|error| self.unwritten(&error))
    }

    fn elements(&self, keys: &KeySchema) -> Result<Vec<KeySchemaElement>> {
        let kinds = [KeyType::Hash, KeyType::Range];
        let element = |(key, kind): (&crate::core::table::KeyAttribute, KeyType)| {
            KeySchemaElement::builder().attribute_name(&key.name).key_type(kind).build()
        };
        keys.attributes().zip(kinds).map(element).collect::<Result<_, _>>().map_err(|error| self.unwritten(&error))
    }

    fn stream() -> std::result::Result<StreamSpecification, BuildError> {
        StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewAndOldImages).build()
    }

    async fn retag(&self, differences: &[Difference]) -> Result<()> {
        let dynamodb = &self.shared.dynamodb;
        match tags::change(differences) {
            tags::Change::Set => {
                let request = dynamodb.tag_resource().resource_arn(self.arn()).set_tags(Some(self.tags()?));
                request.send().await.map(drop).map_err(|error| fault(self.what("tag"), &error))
            }
            tags::Change::Unset => {
                let request = dynamodb.untag_resource().resource_arn(self.arn()).tag_keys(EXPIRES_TAG);
                request.send().await.map(drop).map_err(|error| fault(self.what("untag"), &error))
            }
            tags::Change::Keep => Ok(()),
        }
    }

    /// The table; one that is being deleted is not there.
    async fn describe(&self) -> Result<Option<TableDescription>> {
        match self.shared.dynamodb.describe_table().table_name(&self.name).send().await {
            Ok(answer) => Ok(answer.table.filter(|table| table.table_status != Some(TableStatus::Deleting))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(fault(self.what("look at"), &error)),
        }
    }

    /// The table's tags; `None` where it has gone meanwhile.
    async fn actual_tags(&self) -> Result<Option<Vec<Tag>>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let request = self.shared.dynamodb.list_tags_of_resource().resource_arn(self.arn()).set_next_token(after);
            match request.send().await {
                Ok(answer) => {
                    found.extend(answer.tags.unwrap_or_default());
                    after = answer.next_token;
                }
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(fault(self.what("look at"), &error)),
            }
            if after.is_none() {
                return Ok(Some(found));
            }
        }
    }

    /// Where `actual` lacks what is wanted. Indexes and a stream that nobody asked for are left alone.
    fn differences(&self, actual: &TableDescription) -> Vec<Difference> {
        let difference = |field: String, actual: String, wanted: String| Difference { field, actual, wanted };
        let mut found = Vec::new();
        let keys = written(actual.key_schema(), actual.attribute_definitions());
        if keys != self.shape.keys.to_string() {
            found.push(difference(KEYS.to_owned(), keys, self.shape.keys.to_string()));
        }
        if self.shape.has_stream && !actual.stream_specification().is_some_and(|stream| stream.stream_enabled) {
            found.push(difference(STREAM.to_owned(), "none".to_owned(), StreamViewType::NewAndOldImages.to_string()));
        }
        for (name, wanted) in &self.shape.indexes {
            let index = actual.global_secondary_indexes().iter().find(|index| index.index_name() == Some(name));
            let keys = index.map_or_else(|| "none".to_owned(), |index| written(index.key_schema(), actual.attribute_definitions()));
            if keys != wanted.to_string() {
                found.push(difference(format!("{INDEX}{name}"), keys, wanted.to_string()));
            }
        }
        let status = actual.table_status.as_ref().filter(|status| **status != TableStatus::Active);
        found.extend(status.map(|status| pending::difference(status.as_str())));
        found
    }

    async fn add_index(&self, name: &str) -> Result<()> {
        let Some(keys) = self.shape.indexes.get(name) else { return Ok(()) };
        let whole = Projection::builder().projection_type(ProjectionType::All).build();
        let index = CreateGlobalSecondaryIndexAction::builder().index_name(name).projection(whole);
        let index = index.set_key_schema(Some(self.elements(keys)?)).build().map_err(|error| self.unwritten(&error))?;
        let change = GlobalSecondaryIndexUpdate::builder().create(index).build();
        let request = self.shared.dynamodb.update_table().table_name(&self.name).set_attribute_definitions(Some(self.definitions()?));
        let done = request.global_secondary_index_updates(change).send().await;
        done.map(drop).map_err(|error| soon(fault(self.what("add an index to"), &error), BUSY))
    }

    async fn add_stream(&self) -> Result<()> {
        let stream = Self::stream().map_err(|error| self.unwritten(&error))?;
        let done = self.shared.dynamodb.update_table().table_name(&self.name).stream_specification(stream).send().await;
        done.map(drop).map_err(|error| soon(fault(self.what("enable the stream of"), &error), BUSY))
    }
}

fn scalar(kind: KeyKind) -> ScalarAttributeType {
    match kind {
        KeyKind::S => ScalarAttributeType::S,
        KeyKind::N => ScalarAttributeType::N,
        KeyKind::B => ScalarAttributeType::B,
    }
}

/// Keys as [`KeySchema`] shows them.
fn written(elements: &[KeySchemaElement], definitions: &[AttributeDefinition]) -> String {
    let kind = |name: &str| {
        let definition = definitions.iter().find(|definition| definition.attribute_name() == name);
        definition.map_or("?", |definition| definition.attribute_type().as_str())
    };
    let key = |wanted: KeyType| elements.iter().filter(move |element| *element.key_type() == wanted);
    let all = key(KeyType::Hash).chain(key(KeyType::Range));
    let shown: Vec<String> = all.map(|element| format!("{} ({})", element.attribute_name(), kind(element.attribute_name()))).collect();
    shown.join(", ")
}

#[async_trait]
impl Managed for Table {
    fn id(&self) -> ResourceId {
        ResourceId::new("dynamodb table", self.name.clone())
    }

    fn replaces(&self) -> Vec<String> {
        let (name, shape) = (&self.name, &self.shape);
        let schema = |keys: &KeySchema| -> Vec<String> {
            let pairs = keys.attributes().zip(["HASH", "RANGE"]);
            pairs.map(|(key, kind)| format!("AttributeName={},KeyType={kind}", key.name)).collect()
        };
        let definitions: Vec<String> =
            shape.attributes().iter().map(|(name, kind)| format!("AttributeName={name},AttributeType={kind}")).collect();
        let tags: Vec<String> = tags::wanted(&self.shared.settings).iter().map(|(key, value)| format!("Key={key},Value={value}")).collect();
        let mut command = format!(
            "aws dynamodb create-table --table-name {name} --billing-mode PAY_PER_REQUEST --attribute-definitions {} --key-schema {} --tags {}",
            definitions.join(" "),
            schema(&shape.keys).join(" "),
            tags.join(" "),
        );
        if shape.has_stream {
            command += " --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES";
        }
        if !shape.indexes.is_empty() {
            let index = |(name, keys): (&String, &KeySchema)| {
                let keys: Vec<String> = schema(keys).iter().map(|key| format!("{{{key}}}")).collect();
                format!("'IndexName={name},KeySchema=[{}],Projection={{ProjectionType=ALL}}'", keys.join(","))
            };
            let indexes: Vec<String> = shape.indexes.iter().map(index).collect();
            command += " --global-secondary-indexes ";
            command += &indexes.join(" ");
        }
        vec![command, format!("aws dynamodb wait table-exists --table-name {name}")]
    }

    async fn look(&self) -> Result<Observed> {
        let Some(table) = self.describe().await? else { return Ok(Observed::Absent) };
        let Some(found) = self.actual_tags().await? else { return Ok(Observed::Absent) };
        let tag = |key: &str| found.iter().find(|tag| tag.key() == key).map(Tag::value);
        if let Some(foreign) = not_ours(&self.shared.settings.stack, tag(STACK_TAG)) {
            return Ok(foreign);
        }
        let mut differences = self.differences(&table);
        differences.extend(tags::differences(&self.shared.settings, tag));
        Ok(drifted(differences))
    }

    async fn create(&self) -> Result<()> {
        let mut request = self.shared.dynamodb.create_table().table_name(&self.name).billing_mode(BillingMode::PayPerRequest);
        request = request.set_attribute_definitions(Some(self.definitions()?)).set_key_schema(Some(self.elements(&self.shape.keys)?));
        for (name, keys) in &self.shape.indexes {
            let whole = Projection::builder().projection_type(ProjectionType::All).build();
            let index = GlobalSecondaryIndex::builder().index_name(name).projection(whole).set_key_schema(Some(self.elements(keys)?));
            request = request.global_secondary_indexes(index.build().map_err(|error| self.unwritten(&error))?);
        }
        if self.shape.has_stream {
            request = request.stream_specification(Self::stream().map_err(|error| self.unwritten(&error))?);
        }
        let done = request.set_tags(Some(self.tags()?)).send().await;
        // One of this name may be on its way out.
        done.map_err(|error| soon(fault(self.what("create"), &error), BUSY))?;
        pending::check(&self.look().await?, self.what("use"))
    }

    async fn repair(&self, differences: &[Difference]) -> Result<()> {
        if let Some(keys) = differences.iter().find(|difference| difference.field == KEYS) {
            let why = format!("its keys are {}, not {}, and DynamoDB changes no keys", keys.actual, keys.wanted);
            return Err(Error::failed(self.what("use"), why).hint("delete the table, or give this one another name"));
        }
        self.retag(differences).await?;
        if differences.iter().any(|difference| difference.field == STREAM) {
            self.add_stream().await?;
        }
        for difference in differences {
            let Some(index) = difference.field.strip_prefix(INDEX) else { continue };
            if difference.actual != "none" {
                let why = format!("the keys of its index `{index}` are {}, not {}", difference.actual, difference.wanted);
                return Err(Error::failed(self.what("use"), why).hint("delete the index, or name another one"));
            }
            self.add_index(index).await?;
        }
        pending::check(&self.look().await?, self.what("use"))
    }

    async fn remove(&self) -> Result<()> {
        let done = self.shared.dynamodb.delete_table().table_name(&self.name).send().await;
        done.map(drop).map_err(|error| soon(fault(self.what("delete"), &error), BUSY))
    }
}
