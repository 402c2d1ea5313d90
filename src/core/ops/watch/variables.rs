//! The environment of a pod's container, with what it takes from `ConfigMaps` and Secrets.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::{
    error::Result,
    keda::environment::{SecretAccess, named, resolve},
    ports::Objects,
    stores::Stores,
};

/// Resolves the environment of the `container` of `pod`, a pod's spec; of its first one where none is named. Reads only what
/// the container names.
pub async fn container_environment(pod: &Value, container: Option<&str>, objects: &dyn Objects) -> Result<BTreeMap<String, String>> {
    let stores = Stores::read(objects, named(pod, container)).await;
    let resolved = resolve(pod, container, SecretAccess::Allowed, &|store, name| stores.get(store, name));
    stores.judge(resolved)
}
