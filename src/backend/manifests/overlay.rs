//! Objects of files over those of a stack: what the files say hides what is below.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::core::{
    error::{Error, Result},
    ports::Objects,
};

/// The kind that is in no namespace.
const CLUSTER_KIND: &str = "ClusterTriggerAuthentication";

/// What names an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty where its kind is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// The object of `kind` called `name`, in `namespace` if its kind is in any.
    #[must_use]
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        let namespace = if kind == CLUSTER_KIND { "" } else { namespace };
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// Whether its kind is in a namespace.
    #[must_use]
    pub fn is_namespaced(&self) -> bool {
        self.kind != CLUSTER_KIND
    }

    /// `namespace/name`.
    #[must_use]
    pub fn path(&self) -> String {
        if self.is_namespaced() { format!("{}/{}", self.namespace, self.name) } else { self.name.clone() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.path())
    }
}

/// Objects by kind, namespace and name, with the metadata that an API server would add.
#[derive(Debug, Clone, Default)]
pub struct Catalog(BTreeMap<Key, Value>);

impl Catalog {
    /// Stores `value` in the place of an older one.
    pub fn put(&mut self, key: Key, mut value: Value) {
        value["metadata"]["generation"] = json!(1);
        value["metadata"]["uid"] = json!(uuid::Uuid::new_v4().to_string());
        self.0.insert(key, value);
    }

    /// The object of `kind` called `name` in `namespace`.
    #[must_use]
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.0.get(&Key::new(kind, namespace, name))
    }

    /// The objects of `kind`, by namespace and name.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&Key, &Value)> {
        let first = Key { kind: kind.to_owned(), namespace: String::new(), name: String::new() };
        self.0.range(first..).take_while(move |(key, _)| key.kind == kind)
    }
}

/// The objects of one namespace: those of files, and below them a stack's own.
pub struct Overlay {
    catalog: Arc<Catalog>,
    namespace: String,
    below: Option<Arc<dyn Objects>>,
}

impl Overlay {
    /// What `catalog` has in `namespace` over what is `below`.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>, namespace: &str, below: Option<Arc<dyn Objects>>) -> Self {
        Self { catalog, namespace: namespace.to_owned(), below }
    }
}

#[async_trait]
impl Objects for Overlay {
    async fn get(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        match (self.catalog.get(kind, &self.namespace, name), &self.below) {
            (Some(value), _) => Ok(Some(value.clone())),
            (None, Some(below)) => below.get(kind, name).await,
            (None, None) => Ok(None),
        }
    }

    async fn list(&self, kind: &str) -> Result<Vec<Value>> {
        let mut all = BTreeMap::new();
        if let Some(below) = &self.below {
            let named = |object: Value| Some((object.pointer("/metadata/name")?.as_str()?.to_owned(), object));
            all.extend(below.list(kind).await?.into_iter().filter_map(named));
        }
        let own = self.catalog.of_kind(kind).filter(|(key, _)| !key.is_namespaced() || key.namespace == self.namespace);
        all.extend(own.map(|(key, value)| (key.name.clone(), value.clone())));
        Ok(all.into_values().collect())
    }

    async fn apply(&self, _manifest: &Value) -> Result<()> {
        Err(unchangeable())
    }

    async fn delete(&self, _kind: &str, _name: &str) -> Result<()> {
        Err(unchangeable())
    }
}

fn unchangeable() -> Error {
    Error::failed("could not change an object", "what files say is changed in the files")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, name: &str) -> Value {
        json!({ "metadata": { "name": name }, "text": text })
    }

    #[tokio::test]
    async fn files_hide_what_is_below_in_their_own_namespace_only() {
        let mut below = Catalog::default();
        below.put(Key::new("Secret", "a", "s"), named("below", "s"));
        below.put(Key::new("Secret", "a", "t"), named("below", "t"));
        let below: Arc<dyn Objects> = Arc::new(Overlay::new(Arc::new(below), "a", None));
        let mut catalog = Catalog::default();
        catalog.put(Key::new("Secret", "a", "s"), named("file", "s"));
        catalog.put(Key::new("Secret", "b", "s"), named("other", "s"));
        catalog.put(Key::new(CLUSTER_KIND, "", "c"), named("cluster", "c"));
        let catalog = Arc::new(catalog);
        let objects = Overlay::new(catalog.clone(), "a", Some(below));
        let text = |value: &Value| value["text"].as_str().unwrap_or_default().to_owned();
        let all: Vec<String> = objects.list("Secret").await.expect("listed").iter().map(text).collect();
        assert_eq!(all, ["file", "below"]);
        assert_eq!(text(&objects.get("Secret", "s").await.expect("read").expect("there")), "file");
        let elsewhere = Overlay::new(catalog, "b", None);
        assert_eq!(text(&elsewhere.get("Secret", "s").await.expect("read").expect("there")), "other");
        assert_eq!(elsewhere.get("Secret", "t").await.expect("read"), None);
        assert!(elsewhere.get(CLUSTER_KIND, "c").await.expect("read").is_some());
    }
}
