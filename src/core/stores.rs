//! `ConfigMaps` and Secrets read once, each by its name: what environments and authentications are resolved from.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    error::{Error, Result},
    keda::environment::Store,
    ports::Objects,
};

/// The data of objects of one namespace. May hold secrets.
#[derive(Default)]
pub struct Stores {
    found: BTreeMap<(Store, String), BTreeMap<String, String>>,
    unread: Vec<Error>,
}

impl Stores {
    /// Reads each of `named`. What does not exist or cannot be read is left out: only who needs it knows whether that is an error.
    pub async fn read(objects: &dyn Objects, named: impl IntoIterator<Item = (Store, String)>) -> Self {
        let mut stores = Self::default();
        for (store, name) in named {
            match objects.get(store.kind(), &name).await {
                Ok(object) => stores.found.extend(object.map(|object| ((store, name), data(store, &object)))),
                Err(error) => stores.unread.push(error),
            }
        }
        stores
    }

    /// The data of the object of this name.
    #[must_use]
    pub fn get(&self, store: Store, name: &str) -> Option<BTreeMap<String, String>> {
        self.found.get(&(store, name.to_owned())).cloned()
    }

    /// What came of resolving from these: where something could not be read, that is the error.
    ///
    /// # Errors
    /// As `resolved` has it, or why an object could not be read.
    pub fn judge<T>(self, resolved: Result<T>) -> Result<T> {
        resolved.map_err(|error| self.unread.into_iter().next().unwrap_or(error))
    }

    /// Why objects could not be read.
    #[must_use]
    pub fn unread(&self) -> &[Error] {
        &self.unread
    }
}

/// A Secret is as the API server keeps it: `stringData` is written over `data`, which is base64.
fn data(store: Store, object: &Value) -> BTreeMap<String, String> {
    if store == Store::ConfigMap {
        return texts(object, "data");
    }
    let decode = |(key, text): (String, String)| {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        Some((key, String::from_utf8_lossy(&bytes).into_owned()))
    };
    let mut data: BTreeMap<String, String> = texts(object, "data").into_iter().filter_map(decode).collect();
    data.extend(texts(object, "stringData"));
    data
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
        let data = data(Store::Secret, &object);
        assert_eq!((data["a"].as_str(), data["b"].as_str()), ("x", "z"));
    }
}
