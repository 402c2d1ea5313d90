//! Manifests to run: every document of files, folders and standard input, checked, with what nobody would read named.

pub mod overlay;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        batch::v1::JobSpec,
        core::v1::{ConfigMap, Secret, ServiceAccount},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::{Value, json};

use crate::core::{
    error::{Error, Result},
    keda::manifest::{Document, Object, parse_documents},
};
use overlay::{Catalog, Key};

/// The kinds that a run reads.
const KINDS: [&str; 9] = [
    "ScaledJob",
    "ScaledObject",
    "TriggerAuthentication",
    "ClusterTriggerAuthentication",
    "Secret",
    "ConfigMap",
    "Deployment",
    "ServiceAccount",
    "HorizontalPodAutoscaler",
];
/// The endings that a folder is searched for, as kubectl does.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What the files hold.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The objects, by kind, namespace and name.
    pub catalog: Catalog,
    /// What the API server would drop, what is not read, and what is given twice.
    pub warnings: Vec<String>,
}

/// Reads every document at `paths`: files, folders (not those in them) and `-`, standard input. An object without a namespace is in
/// `namespace`.
///
/// # Errors
/// `Input` when something cannot be read, is not valid, or a folder holds no manifest.
pub fn load(paths: &[PathBuf], namespace: &str) -> Result<Manifests> {
    let mut loaded = Manifests::default();
    let mut places = BTreeMap::new();
    for path in paths {
        for (source, text) in texts(path)? {
            for document in parse_documents(&text, &source)? {
                loaded.take(document, namespace, &mut places)?;
            }
        }
    }
    Ok(loaded)
}

impl Manifests {
    fn take(&mut self, mut document: Document, namespace: &str, places: &mut BTreeMap<Key, String>) -> Result<()> {
        let (kind, mut value) = match &document.object {
            Object::ScaledJob(scaled_job) => ("ScaledJob".to_owned(), scaled_job.to_value()),
            Object::ScaledObject(scaled_object) => ("ScaledObject".to_owned(), scaled_object.to_value()),
            Object::Other { kind, value, .. } => (kind.clone(), value.clone()),
        };
        let place = document.place();
        let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        // A ScaledObject may scale anything that has replicas.
        if !KINDS.contains(&kind.as_str()) && value["spec"]["replicas"].is_null() && value["spec"]["template"].is_null() {
            let kinds = KINDS.join(", ");
            self.warnings.push(format!("{kind} `{name}` ({place}) is left out: a run reads {kinds}, and what has replicas"));
            return Ok(());
        }
        if name.is_empty() {
            return Err(Error::input("metadata.name", place, format!("a {kind} needs a name")));
        }
        note(&mut document, &kind)?;
        self.warnings.append(&mut document.warnings);
        let metadata = &mut value["metadata"];
        let own = metadata["namespace"].as_str().filter(|own| !own.is_empty()).unwrap_or(namespace).to_owned();
        let key = Key::new(&kind, &own, &name);
        if key.is_namespaced() {
            metadata["namespace"] = json!(own);
        }
        if let Some(first) = places.insert(key.clone(), place.clone()) {
            self.warnings.push(format!("{key} is given twice, in {first} and {place}: the latter counts, as with kubectl apply"));
        }
        self.catalog.put(key, value);
        Ok(())
    }
}

/// Notes what the API server would drop.
fn note(document: &mut Document, kind: &str) -> Result<()> {
    document.note_unknown::<ObjectMeta>(&["metadata"])?;
    match kind {
        "ScaledJob" => document.note_unknown::<JobSpec>(&["spec", "jobTargetRef"]),
        "Secret" => document.note_unknown::<Secret>(&[]),
        "ConfigMap" => document.note_unknown::<ConfigMap>(&[]),
        "Deployment" => document.note_unknown::<Deployment>(&[]),
        "ServiceAccount" => document.note_unknown::<ServiceAccount>(&[]),
        _ => Ok(()),
    }
}

/// The texts at `path`, each with the name of its source.
fn texts(path: &Path) -> Result<Vec<(String, String)>> {
    let fault = |path: &Path, error: std::io::Error| Error::input("--filename", path.display(), format!("it cannot be read: {error}"));
    if path == Path::new("-") {
        let text = std::io::read_to_string(std::io::stdin()).map_err(|error| fault(path, error))?;
        return Ok(vec![("standard input".to_owned(), text)]);
    }
    let files = if path.is_dir() { folder(path)? } else { vec![path.to_owned()] };
    let read =
        |file: PathBuf| fs::read_to_string(&file).map(|text| (file.display().to_string(), text)).map_err(|error| fault(&file, error));
    files.into_iter().map(read).collect()
}

/// The manifests of a folder, by name.
fn folder(path: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path).map_err(|error| Error::input("--filename", path.display(), format!("it cannot be read: {error}")))?;
    let is_manifest = |file: &PathBuf| file.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending));
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_manifest).collect();
    files.sort();
    if files.is_empty() {
        return Err(Error::input("--filename", path.display(), "the folder holds no .yaml, .yml or .json"));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Result<Manifests> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("m.yaml");
        fs::write(&path, text).expect("written");
        load(&[path], "default")
    }

    #[test]
    fn objects_of_one_name_in_two_namespaces_stay_apart() {
        let text = "kind: Secret\napiVersion: v1\nmetadata: {name: s}\nstringData: {a: b}\n---\n\
                    kind: Secret\napiVersion: v1\nmetadata: {name: s, namespace: other}\nstringData: {a: c}\n";
        let loaded = loaded(text).expect("valid");
        let value = |namespace| loaded.catalog.get("Secret", namespace, "s").expect("there")["stringData"]["a"].clone();
        assert_eq!((value("default"), value("other"), loaded.warnings.len()), (json!("b"), json!("c"), 0));
    }

    #[test]
    fn what_is_not_read_and_what_is_given_twice_is_said() {
        let text = "kind: Service\napiVersion: v1\nmetadata: {name: web}\n---\nkind: List\napiVersion: v1\nitems:\n\
                    - {kind: ConfigMap, apiVersion: v1, metadata: {name: c}, dat: {}}\n- {kind: ConfigMap, apiVersion: v1, metadata: {name: c}}\n";
        let warnings = loaded(text).expect("valid").warnings;
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(warnings[0].starts_with("Service `web` (") && warnings[0].contains("line 1) is left out"), "{warnings:?}");
        assert!(warnings[1].contains("did you mean `data`?"), "{warnings:?}");
        assert!(warnings[2].starts_with("ConfigMap default/c is given twice"), "{warnings:?}");
    }

    #[test]
    fn a_secret_that_is_no_secret_is_refused_without_its_value() {
        let error = loaded("kind: Secret\napiVersion: v1\nmetadata: {name: s}\nstringData: {pin: 47114711}\n").expect_err("refused");
        assert!(error.to_string().contains("stringData.pin") && !error.to_string().contains("4711"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
