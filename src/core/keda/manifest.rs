//! KEDA's objects as manifests give them, checked as the API server, the webhook and the controller check them.

mod advanced;
mod field;
mod metadata;
mod node;
mod scaled_job;
mod scaled_object;
mod trigger;
pub mod trigger_authentication;
mod typed;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::{
    advanced::Advanced,
    metadata::Metadata,
    node::nearest,
    scaled_job::{Propagation, Rollout, RolloutStrategy, ScaledJob, ScaledJobSpec, ScalingStrategy},
    scaled_object::{ScaleTargetRef, ScaledObject, ScaledObjectSpec},
    trigger::{AuthenticationRef, CACHE_REFUSING_TYPES, TRIGGER_TYPES, Trigger, validate_triggers},
    trigger_authentication::TriggerAuthentication,
};
use self::{field::Field, node::Node};
use crate::core::error::{Error, Result};

/// The API version of every KEDA object here.
pub const API_VERSION: &str = "keda.sh/v1alpha1";

/// One object of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The object.
    pub object: Object,
    /// Line of the source on which it begins, counted from 1; 0 when unknown.
    pub line: usize,
    /// What the API server would drop without a word, each with the nearest known name.
    pub warnings: Vec<String>,
    node: Node,
    source: String,
}

impl Document {
    /// Notes what the API server would drop of the part at `path`, read as a `T`, besides what was noted before; a part that is not
    /// there has nothing to drop.
    ///
    /// # Errors
    /// `Input`, naming field and line but never the value, when it is no `T`.
    pub fn note_unknown<T: DeserializeOwned>(&mut self, path: &[&str]) -> Result<()> {
        let root = Field::root(&self.node, &self.source);
        let Some(field) = path.iter().try_fold(root, |field, name| field.get(name)) else { return Ok(()) };
        let mut found = Vec::new();
        typed::read::<T>(&field, &mut found)?;
        found.retain(|warning| !self.warnings.contains(warning));
        self.warnings.extend(found);
        Ok(())
    }

    /// Where it begins: the source's name and the line.
    #[must_use]
    pub fn place(&self) -> String {
        if self.line == 0 { self.source.clone() } else { format!("{}, line {}", self.source, self.line) }
    }
}

/// What a document holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// A ScaledJob, valid.
    ScaledJob(Box<ScaledJob>),
    /// A ScaledObject, valid.
    ScaledObject(Box<ScaledObject>),
    /// Anything else, as it is.
    Other {
        /// `ConfigMap`, `Secret`, or a `TriggerAuthentication`, which is valid.
        kind: String,
        /// Its name; empty where it has only a `generateName`.
        name: String,
        /// The whole object.
        value: Value,
    },
}

/// Reads every document of `text`, YAML or JSON. `source` names it in errors: a path, or `standard input`.
///
/// # Errors
/// `Input`, for text that is not YAML, for a document without kind, and for an object that KEDA would refuse; it names the
/// line, the field, the value and the rule.
pub fn parse_documents(text: &str, source: &str) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    for node in node::parse(text, source)? {
        read(&node, source, &mut documents)?;
    }
    Ok(documents)
}

/// Reads a ScaledJob as the API server gives it.
///
/// # Errors
/// `Input`, when it is not a valid ScaledJob.
pub fn scaled_job(value: &Value) -> Result<ScaledJob> {
    let node = Node::from(value);
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("unnamed");
    let source = format!("ScaledJob/{name}");
    ScaledJob::read(&Field::root(&node, &source), &mut Vec::new())
}

/// Reads a ScaledObject as the API server gives it.
///
/// # Errors
/// `Input`, when it is not a valid ScaledObject.
pub fn scaled_object(value: &Value) -> Result<ScaledObject> {
    let node = Node::from(value);
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("unnamed");
    let source = format!("ScaledObject/{name}");
    ScaledObject::read(&Field::root(&node, &source), &mut Vec::new())
}

/// Reads a TriggerAuthentication or a `ClusterTriggerAuthentication` as the API server gives it; its webhook may have been
/// passed over.
///
/// # Errors
/// `Input`, when it is not a valid one.
pub fn trigger_authentication(value: &Value) -> Result<TriggerAuthentication> {
    let node = Node::from(value);
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or("unnamed");
    let source = format!("{}/{}", text("/kind"), text("/metadata/name"));
    TriggerAuthentication::read(&Field::root(&node, &source), &mut Vec::new())
}

/// A `List` is its items.
fn read(node: &Node, source: &str, documents: &mut Vec<Document>) -> Result<()> {
    let root = Field::root(node, source);
    if !root.is_map() {
        return Err(Error::input(root.place(), root.shown(), "an object with apiVersion, kind and metadata is required"));
    }
    let kind = root.required("kind", "every object names its kind")?.text()?;
    if kind == "List" {
        let items = root.required("items", "a List has items")?.items()?;
        return items.iter().try_for_each(|item| read(item.node(), source, documents));
    }
    let mut warnings = Vec::new();
    let object = if kind == "ScaledJob" {
        Object::ScaledJob(Box::new(ScaledJob::read(&root, &mut warnings)?))
    } else if kind == "ScaledObject" {
        Object::ScaledObject(Box::new(ScaledObject::read(&root, &mut warnings)?))
    } else {
        if trigger_authentication::KINDS.contains(&kind) {
            let read = TriggerAuthentication::read(&root, &mut warnings)?;
            read.spec.validate().map_err(|error| Error { what: format!("{} in {}", error.what, root.place()), ..error })?;
        }
        let name = root.get("metadata").and_then(|metadata| metadata.get("name")).map(|name| name.text().map(str::to_owned));
        Object::Other { kind: kind.to_owned(), name: name.transpose()?.unwrap_or_default(), value: Value::from(node) }
    };
    documents.push(Document { object, line: node.line, warnings, node: node.clone(), source: source.to_owned() });
    Ok(())
}

#[cfg(test)]
mod tests;
