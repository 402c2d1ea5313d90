//! The environment of a pod's container, as far as KEDA resolves it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::error::{Error, Kind, Result};

/// Where a container's variables come from, besides the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    /// `data` of a `ConfigMap`.
    ConfigMap,
    /// `data` of a Secret, decoded.
    Secret,
}

impl Store {
    /// The kind of object.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// Whether Secrets are looked at; KEDA restricted to its own namespace skips those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretAccess {
    /// They are.
    Allowed,
    /// References to them are passed over.
    Skipped,
}

/// What a list of `envFrom` refers to.
const SOURCES: [(&str, Store); 2] = [("configMapRef", Store::ConfigMap), ("secretRef", Store::Secret)];
/// What a `valueFrom` refers to.
const KEYS: [(&str, Store); 2] = [("secretKeyRef", Store::Secret), ("configMapKeyRef", Store::ConfigMap)];

/// Finds the data of a `ConfigMap` or a Secret in the pod's namespace; `None` when it does not exist.
pub type Lookup<'a> = dyn Fn(Store, &str) -> Option<BTreeMap<String, String>> + 'a;

/// The environment of the container called `container`, or of the first, in `pod` (a `PodSpec`).
///
/// `fieldRef` and `resourceFieldRef` are passed over; a missing key of an existing object is empty.
///
/// # Errors
/// `NotFound`, when the container, or an object that is not optional, does not exist.
pub fn resolve(pod: &Value, container: Option<&str>, access: SecretAccess, lookup: &Lookup<'_>) -> Result<BTreeMap<String, String>> {
    let container = find_container(pod, container)?;
    let reader = Resolver { access, lookup };
    let mut resolved = BTreeMap::new();
    for source in list(container, "envFrom") {
        reader.take_all(source, &mut resolved)?;
    }
    for variable in list(container, "env") {
        if let Some(value) = reader.value(variable, &resolved)? {
            resolved.insert(text(variable, "name").to_owned(), value);
        }
    }
    Ok(resolved)
}

/// Every object that the environment of this container takes something from; nothing where there is no such container.
#[must_use]
pub fn named(pod: &Value, container: Option<&str>) -> BTreeSet<(Store, String)> {
    let Ok(container) = find_container(pod, container) else { return BTreeSet::new() };
    let all = list(container, "envFrom").iter().map(|source| (source, SOURCES));
    let one = list(container, "env").iter().filter_map(|variable| Some((variable.get("valueFrom")?, KEYS)));
    let references = all.chain(one).flat_map(|(from, kinds)| kinds.into_iter().map(move |(field, store)| (from.get(field), store)));
    references.filter_map(|(reference, store)| Some((store, text(reference?, "name").to_owned()))).collect()
}

fn find_container<'a>(pod: &'a Value, name: Option<&str>) -> Result<&'a Value> {
    let containers = list(pod, "containers");
    match name.filter(|name| !name.is_empty()) {
        Some(name) => containers.iter().find(|container| text(container, "name") == name).ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("no container `{name}`"),
                "spec.envSourceContainerName must name one of the job's containers",
            )
        }),
        None => containers.first().ok_or_else(|| Error::new(Kind::NotFound, "no container", "the job's pod template has none")),
    }
}

struct Resolver<'a> {
    access: SecretAccess,
    lookup: &'a Lookup<'a>,
}

impl Resolver<'_> {
    /// One entry of `envFrom`.
    fn take_all(&self, source: &Value, resolved: &mut BTreeMap<String, String>) -> Result<()> {
        for (field, store) in SOURCES {
            let Some(reference) = source.get(field) else { continue };
            for (key, value) in self.object(store, reference)?.unwrap_or_default() {
                resolved.insert(format!("{}{key}", text(source, "prefix")), value);
            }
        }
        Ok(())
    }

    /// One entry of `env`; `None` for what is passed over.
    fn value(&self, variable: &Value, resolved: &BTreeMap<String, String>) -> Result<Option<String>> {
        let plain = text(variable, "value");
        if !plain.is_empty() {
            return Ok(Some(expand(plain, resolved)));
        }
        let Some(from) = variable.get("valueFrom") else { return Ok(Some(String::new())) };
        for (field, store) in KEYS {
            let Some(reference) = from.get(field) else { continue };
            let object = self.object(store, reference)?;
            return Ok(object.map(|mut data| data.remove(text(reference, "key")).unwrap_or_default()));
        }
        Ok(None)
    }

    /// The data that `reference` names; `None` for what is passed over.
    fn object(&self, store: Store, reference: &Value) -> Result<Option<BTreeMap<String, String>>> {
        if store == Store::Secret && self.access == SecretAccess::Skipped {
            return Ok(None);
        }
        let name = text(reference, "name");
        let found = (self.lookup)(store, name);
        let optional = reference.get("optional").and_then(Value::as_bool).unwrap_or(false);
        if found.is_none() && !optional {
            let what = format!("no {} `{name}`", store.kind());
            return Err(Error::new(Kind::NotFound, what, "the job's environment refers to it, and the reference is not optional"));
        }
        Ok(found)
    }
}

/// Replaces `$(NAME)` by what is resolved so far, and `$$` by `$`.
///
/// Unknown names and unclosed references stay as they are, and so does a `$` within the last three bytes.
#[must_use]
pub fn expand(value: &str, resolved: &BTreeMap<String, String>) -> String {
    let mut expanded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        expanded.push_str(before);
        let (text, taken) = if from.len() > 3 { reference(from, resolved) } else { (from, from.len()) };
        expanded.push_str(text);
        rest = &from[taken..];
    }
    expanded + rest
}

/// What the `$` at the start of `from` stands for, and how many bytes that takes.
fn reference<'a>(from: &'a str, resolved: &'a BTreeMap<String, String>) -> (&'a str, usize) {
    if from.starts_with("$$") {
        return ("$", 2);
    }
    let Some(end) = from.starts_with("$(").then(|| from.find(')')).flatten() else { return ("$", 1) };
    match resolved.get(&from[2..end]) {
        Some(value) => (value, end + 1),
        None => (&from[..=end], end + 1),
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn later_entries_win_and_may_refer_to_earlier_ones() {
        let pod = json!({"containers": [{"name": "c",
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "settings"}}],
        "env": [
            {"name": "QUEUE", "value": "$(P_queue)-x"},
            {"name": "P_queue", "value": "other"},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "absent"}}},
        ]}]});
        let lookup = |store: Store, name: &str| match (store, name) {
            (Store::ConfigMap, "settings") => Some(BTreeMap::from([("queue".to_owned(), "jobs".to_owned())])),
            (Store::Secret, "keys") => Some(BTreeMap::new()),
            _ => None,
        };
        let resolved = resolve(&pod, None, SecretAccess::Allowed, &lookup).expect("resolves");
        let expected = [("KEY", ""), ("P_queue", "other"), ("QUEUE", "jobs-x")];
        assert_eq!(resolved, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert!(resolve(&pod, Some("other"), SecretAccess::Allowed, &lookup).is_err());
    }

    #[test]
    fn only_what_the_container_names_is_to_be_read() {
        let from = |name: &str| json!({"valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}});
        let pod = json!({"containers": [
            {"name": "a", "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "all"}}], "env": [from("one"), from("one")]},
            {"name": "b", "env": [from("other"), {"name": "PLAIN", "value": "x"}]},
        ]});
        let of = |container| named(&pod, container).into_iter().map(|(store, name)| format!("{}/{name}", store.kind())).collect::<Vec<_>>();
        assert_eq!(of(None), ["ConfigMap/settings", "Secret/all", "Secret/one"]);
        assert_eq!(of(Some("b")), ["Secret/other"]);
        assert!(of(Some("c")).is_empty());
    }

    proptest! {
        #[test]
        fn any_value_expands_without_panic(value in "[$()Aé]{0,20}") {
            let resolved = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
            let expanded = expand(&value, &resolved);
            prop_assert!(value.contains('$') || expanded == value);
        }
    }
}
