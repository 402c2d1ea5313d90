//! The environment of the jobs' container, with what it takes from `ConfigMaps` and Secrets.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::core::{
    error::Result,
    keda::{
        environment::{SecretAccess, Store, resolve},
        manifest::ScaledJobSpec,
    },
    ports::Objects,
};

/// The data of each object of one kind, by name.
type Data = BTreeMap<String, BTreeMap<String, String>>;

/// Resolves the container that `spec` names, or its first one.
pub(super) async fn container_environment(spec: &ScaledJobSpec, objects: &dyn Objects) -> Result<BTreeMap<String, String>> {
    let config_maps: Data = objects.list("ConfigMap").await?.iter().filter_map(config_map).collect();
    let secrets: Data = objects.list("Secret").await?.iter().filter_map(secret).collect();
    let lookup = |store: Store, name: &str| match store {
        Store::ConfigMap => config_maps.get(name).cloned(),
        Store::Secret => secrets.get(name).cloned(),
    };
    let pod = spec.job_target_ref.pointer("/template/spec").unwrap_or(&Value::Null);
    resolve(pod, spec.env_source_container_name.as_deref(), SecretAccess::Allowed, &lookup)
}

fn config_map(object: &Value) -> Option<(String, BTreeMap<String, String>)> {
    Some((name(object)?, texts(object, "data")))
}

/// A Secret as the API server keeps it: `stringData` is written over `data`, which is base64.
fn secret(object: &Value) -> Option<(String, BTreeMap<String, String>)> {
    let decode = |(key, text): (String, String)| {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        Some((key, String::from_utf8_lossy(&bytes).into_owned()))
    };
    let mut data: BTreeMap<String, String> = texts(object, "data").into_iter().filter_map(decode).collect();
    data.extend(texts(object, "stringData"));
    Some((name(object)?, data))
}

fn name(object: &Value) -> Option<String> {
    object.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned)
}

fn texts(object: &Value, field: &str) -> BTreeMap<String, String> {
    let entries = object.get(field).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn string_data_is_written_over_decoded_data() {
        let object = json!({ "metadata": { "name": "s" }, "data": { "a": "eA==", "b": "eQ==" }, "stringData": { "b": "z" } });
        let (name, data) = secret(&object).expect("named");
        assert_eq!((name.as_str(), data["a"].as_str(), data["b"].as_str()), ("s", "x", "z"));
    }
}
