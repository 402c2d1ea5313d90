//! The local cluster's objects: one JSON file each, with the metadata an API server would add.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::{
    backend::files,
    core::{
        error::{Error, Kind, Result},
        ports::Objects,
    },
};

/// The kind that is in no namespace.
const CLUSTER_KIND: &str = "ClusterTriggerAuthentication";

/// The objects kept under one folder, as `<kind>/<name>.json`, and those of other namespaces than the stack's as
/// `<kind>/<namespace>/<name>.json`.
#[derive(Debug, Clone)]
pub struct FileObjects {
    dir: PathBuf,
    place: Option<Place>,
}

/// One namespace of several.
#[derive(Debug, Clone)]
struct Place {
    /// The stack's.
    home: String,
    /// The one whose objects these are.
    namespace: String,
}

impl FileObjects {
    /// The objects under `dir`, which is made on the first write; all of them in one namespace, whichever they name.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), place: None }
    }

    /// Those of them that are in `namespace`, where the stack's own is `home`. An object that names another namespace is stored
    /// there, as on a cluster.
    #[must_use]
    pub fn of_namespace(self, home: &str, namespace: &str) -> Self {
        Self { place: Some(Place { home: home.to_owned(), namespace: namespace.to_owned() }), ..self }
    }

    /// Stores `object` in the place of an older one of its kind and name, and returns it as stored: `uid` and
    /// `creationTimestamp` are given once, `generation` counts the changes of `spec`. What a manifest does not say of `status` and of
    /// `spec.replicas` is left to those who write them.
    ///
    /// # Errors
    /// `Input` when it has no legal kind and name; `State` when it cannot be written.
    pub fn put(&self, object: Value) -> Result<Value> {
        let (kind, name) = identity(&object)?;
        let named = object.pointer("/metadata/namespace").and_then(Value::as_str).filter(|namespace| !namespace.is_empty());
        let folder = self.folder(&kind, named)?;
        change(&self.dir, &folder.join(file_name(&kind, &name)?), |old| Ok(admit(object, old.as_ref(), Timestamp::now())))
    }

    /// The object of `kind` called `name`; absent is `None`.
    ///
    /// # Errors
    /// `Input` when it is no legal kind and name; `State` when it cannot be read.
    pub fn read(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        files::read_json(&self.path(kind, name)?)
    }

    /// Where the objects of `kind` are that are in the namespace `named`, or else in the one whose objects these are.
    fn folder(&self, kind: &str, named: Option<&str>) -> Result<PathBuf> {
        if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Error::input("object kind", kind, "it must be letters and digits"));
        }
        let folder = self.dir.join(kind);
        let Some(place) = self.place.as_ref().filter(|_| kind != CLUSTER_KIND) else { return Ok(folder) };
        let namespace = named.unwrap_or(&place.namespace);
        if namespace == place.home {
            return Ok(folder);
        }
        if namespace.is_empty() || !namespace.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            return Err(Error::input("metadata.namespace", namespace, "it must be lower-case letters, digits and hyphens"));
        }
        Ok(folder.join(namespace))
    }

    fn path(&self, kind: &str, name: &str) -> Result<PathBuf> {
        Ok(self.folder(kind, None)?.join(file_name(kind, name)?))
    }
}

/// Stores at `path` what `change` makes of the object there; nobody else changes any below `dir` meanwhile.
fn change(dir: &Path, path: &Path, change: impl FnOnce(Option<Value>) -> Result<Value>) -> Result<Value> {
    files::private_dir(path.parent().unwrap_or(dir))?;
    let lock = files::lock_file(&dir.join(".lock"))?;
    lock.lock().map_err(|error| files::fault("lock", dir, &error))?;
    let stored = change(files::read_json(path)?)?;
    files::replace_json(path, &stored)?;
    Ok(stored)
}

fn file_name(kind: &str, name: &str) -> Result<String> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    if name.is_empty() || name.len() > 253 || name.starts_with('.') || !name.bytes().all(legal) {
        return Err(Error::input(format!("{kind} name"), name, "it must be lower-case letters, digits, hyphens and dots"));
    }
    Ok(format!("{name}.json"))
}

#[async_trait]
impl Objects for FileObjects {
    async fn get(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        self.read(kind, name)
    }

    async fn list(&self, kind: &str) -> Result<Vec<Value>> {
        let dir = self.folder(kind, None)?;
        let mut names = match fs::read_dir(&dir) {
            Ok(entries) => entries.filter_map(|entry| entry.ok().and_then(|entry| object_name(&entry.path()))).collect::<Vec<_>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(files::fault("read", &dir, &error)),
        };
        names.sort_unstable();
        let objects = names.iter().map(|name| self.read(kind, name));
        Ok(objects.collect::<Result<Vec<Option<Value>>>>()?.into_iter().flatten().collect())
    }

    async fn apply(&self, manifest: &Value) -> Result<()> {
        self.put(manifest.clone()).map(|_| ())
    }

    async fn delete(&self, kind: &str, name: &str) -> Result<()> {
        let path = self.path(kind, name)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::fault("delete", &path, &error)),
            _ => Ok(()),
        }
    }

    async fn patch_status(&self, kind: &str, name: &str, patch: &Value) -> Result<()> {
        let merged = change(&self.dir, &self.path(kind, name)?, |old| {
            let mut object = old
                .ok_or_else(|| Error::new(Kind::NotFound, format!("could not write the status of {kind} `{name}`"), "it does not exist"))?;
            merge(&mut object["status"], patch);
            Ok(object)
        });
        merged.map(drop)
    }
}

/// A merge as RFC 7396 has it: what is null goes, tables are merged, all else is replaced.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|table| table.remove(key));
        } else {
            merge(&mut target[key], value);
        }
    }
}

fn object_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    (!name.starts_with('.')).then(|| name.to_owned())
}

fn identity(object: &Value) -> Result<(String, String)> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    match (text("/kind"), text("/metadata/name")) {
        (Some(kind), Some(name)) => Ok((kind, name)),
        (None, _) => Err(Error::input("object", "kind", "it is missing or not a string")),
        (_, None) => Err(Error::input("object", "metadata.name", "it is missing or not a string")),
    }
}

/// The object as an API server stores it, given what it stored before.
fn admit(mut object: Value, old: Option<&Value>, now: Timestamp) -> Value {
    for pointer in ["/status", "/spec/replicas"] {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
        if let (Some(kept), Some(Value::Object(table))) = (old.and_then(|old| old.pointer(pointer)), object.pointer_mut(parent)) {
            table.entry(key).or_insert_with(|| kept.clone());
        }
    }
    let old_metadata = |key: &str| old.and_then(|old| old.pointer(&format!("/metadata/{key}"))).cloned();
    let spec_changed = old.is_some_and(|old| old.get("spec") != object.get("spec"));
    let generation = match old_metadata("generation").and_then(|generation| generation.as_i64()) {
        Some(generation) => generation + i64::from(spec_changed),
        None => 1,
    };
    let created = now.round(Unit::Second).unwrap_or(now).to_string();
    let metadata = &mut object["metadata"];
    metadata["uid"] = old_metadata("uid").unwrap_or_else(|| json!(uuid::Uuid::new_v4().to_string()));
    metadata["creationTimestamp"] = old_metadata("creationTimestamp").unwrap_or_else(|| json!(created));
    metadata["generation"] = json!(generation);
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled_job(max: i32) -> Value {
        json!({"kind": "ScaledJob", "metadata": {"name": "video-processor", "labels": {"a": "b"}}, "spec": {"maxReplicaCount": max}})
    }

    #[tokio::test]
    async fn generation_counts_changes_of_the_spec_only() {
        let dir = tempfile::tempdir().expect("tempdir");
        let objects = FileObjects::new(dir.path().join("objects"));
        assert_eq!(objects.get("ScaledJob", "video-processor").await.expect("absent"), None);
        assert_eq!(objects.list("ScaledJob").await.expect("empty"), Vec::<Value>::new());
        let first = objects.put(scaled_job(1)).expect("stored");
        let mut labelled = scaled_job(1);
        labelled["metadata"]["labels"]["a"] = json!("c");
        let second = objects.put(labelled).expect("stored");
        let third = objects.put(scaled_job(2)).expect("stored");
        let generations = [&first, &second, &third].map(|object| object["metadata"]["generation"].as_i64());
        assert_eq!(generations, [Some(1), Some(1), Some(2)]);
        assert_eq!(first["metadata"]["uid"], third["metadata"]["uid"]);
        assert_eq!(first["metadata"]["creationTimestamp"], third["metadata"]["creationTimestamp"]);
        assert_eq!(objects.get("ScaledJob", "video-processor").await.expect("read"), Some(third.clone()));
        assert_eq!(objects.list("ScaledJob").await.expect("read"), [third]);
    }

    #[tokio::test]
    async fn a_status_is_merged_and_outlasts_a_new_manifest_and_so_does_a_number_of_replicas() {
        let dir = tempfile::tempdir().expect("tempdir");
        let objects = FileObjects::new(dir.path());
        let deployment = |spec: Value| json!({"kind": "Deployment", "metadata": {"name": "d"}, "spec": spec});
        assert_eq!(objects.patch_status("Deployment", "d", &json!({})).await.expect_err("absent").kind, Kind::NotFound);
        objects.put(deployment(json!({"replicas": 3, "paused": false}))).expect("stored");
        objects.patch_status("Deployment", "d", &json!({"a": {"b": 1, "c": 2}, "list": [1]})).await.expect("written");
        objects.patch_status("Deployment", "d", &json!({"a": {"b": null, "d": 3}, "list": [2]})).await.expect("written");
        let stored = objects.put(deployment(json!({"paused": false}))).expect("stored");
        assert_eq!(stored["status"], json!({"a": {"c": 2, "d": 3}, "list": [2]}));
        assert_eq!((&stored["spec"]["replicas"], &stored["metadata"]["generation"]), (&json!(3), &json!(1)));
    }

    #[tokio::test]
    async fn objects_of_one_name_in_two_namespaces_stay_apart() {
        let dir = tempfile::tempdir().expect("tempdir");
        let of = |namespace: &str| FileObjects::new(dir.path().join("objects")).of_namespace("work", namespace);
        let (work, keda) = (of("work"), of("keda"));
        let secret = |namespace: Option<&str>, kind: &str| json!({"kind": kind, "metadata": {"name": "s", "namespace": namespace}});
        for (by, named, here, there) in [
            (&work, None, &work, &keda),
            (&work, Some("keda"), &keda, &work),
            (&keda, None, &keda, &work),
            (&keda, Some("work"), &work, &keda),
        ] {
            by.apply(&secret(named, "Secret")).await.expect("applied");
            assert_eq!(there.list("Secret").await.expect("listed"), Vec::<Value>::new());
            assert_eq!(here.list("Secret").await.expect("listed").len(), 1);
            here.delete("Secret", "s").await.expect("deleted");
            assert_eq!(here.get("Secret", "s").await.expect("read"), None);
        }
        keda.apply(&secret(None, CLUSTER_KIND)).await.expect("applied");
        assert!(work.get(CLUSTER_KIND, "s").await.expect("read").is_some(), "it is in no namespace");
        let error = work.apply(&secret(Some("../x"), "Secret")).await.expect_err("no namespace");
        assert!(error.to_string().contains("metadata.namespace"), "{error}");
    }

    #[tokio::test]
    async fn deleting_twice_is_as_good_as_once() {
        let dir = tempfile::tempdir().expect("tempdir");
        let objects = FileObjects::new(dir.path());
        objects.put(scaled_job(1)).expect("stored");
        for _ in 0..2 {
            objects.delete("ScaledJob", "video-processor").await.expect("deleted");
            assert_eq!(objects.list("ScaledJob").await.expect("read"), Vec::<Value>::new());
        }
    }

    #[tokio::test]
    async fn a_name_cannot_lead_out_of_the_folder() {
        let dir = tempfile::tempdir().expect("tempdir");
        let objects = FileObjects::new(dir.path().join("objects"));
        for name in ["../x", "a/b", "", ".x", "A"] {
            assert_eq!(objects.get("ConfigMap", name).await.expect_err(name).exit_code(), 2);
        }
        let error = objects.put(json!({"kind": "Secret", "metadata": {}})).expect_err("nameless");
        assert!(error.to_string().contains("metadata.name"), "{error}");
    }
}
