//! What an API server accepts: the structural schemas of KEDA's CRDs, and the types of Kubernetes itself.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::{Job, JobSpec},
    core::v1::{ConfigMap, Namespace, Secret, Service, ServiceAccount},
};
use kedactl::core::drift::{Extra, differences};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The schema of each kind of KEDA's.
pub(crate) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// Those under `KEDACTL_KEDA_CRDS`, or beside the repository.
    pub(crate) fn of_keda() -> Option<Self> {
        let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/keda/crds");
        let folder = env::var_os("KEDACTL_KEDA_CRDS").map_or_else(beside, PathBuf::from);
        let files = fs::read_dir(folder).ok()?.map(|entry| entry.expect("readable").path());
        let schemas = files.map(|path| {
            let text = fs::read_to_string(&path).expect("readable");
            let crd: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let kind = crd["spec"]["names"]["kind"].as_str().expect("kind").to_owned();
            (kind, crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone())
        });
        Some(Self(schemas.collect()))
    }

    /// Everything about `object` that an API server would refuse, or drop without a word.
    pub(crate) fn faults(&self, object: &Value) -> Vec<String> {
        match object["kind"].as_str().expect("kind") {
            "Namespace" => dropped::<Namespace>(object),
            "ServiceAccount" => dropped::<ServiceAccount>(object),
            "ConfigMap" => dropped::<ConfigMap>(object),
            "Secret" => strictly::<Secret>(object),
            "Service" => dropped::<Service>(object),
            "Deployment" => dropped::<Deployment>(object),
            "Job" => dropped::<Job>(object),
            kind => {
                let schema = self.0.get(kind).unwrap_or_else(|| panic!("no schema of {kind}"));
                let mut faults = Vec::new();
                check(kind, schema, object, &mut faults);
                faults.extend(object["spec"].get("jobTargetRef").map(dropped::<JobSpec>).unwrap_or_default());
                faults
            }
        }
    }
}

/// What does not survive being read as a `T`, but for what a server writes its own way.
fn dropped<T: Serialize + DeserializeOwned>(object: &Value) -> Vec<String> {
    read_as::<T>(object, Extra::Allowed)
}

/// What does not survive being read as a `T`: a server keeps `stringData` elsewhere.
fn strictly<T: Serialize + DeserializeOwned>(object: &Value) -> Vec<String> {
    read_as::<T>(object, Extra::Differs)
}

fn read_as<T: Serialize + DeserializeOwned>(object: &Value, extra: Extra) -> Vec<String> {
    match serde_json::from_value::<T>(object.clone()) {
        Ok(read) => {
            let read = serde_json::to_value(read).expect("serialisable");
            differences(object, &read, extra).into_iter().map(|difference| format!("{difference:?}")).collect()
        }
        Err(error) => vec![error.to_string()],
    }
}

/// Structural schemas use few of JSON Schema's words; `metadata` is the API server's own.
fn check(path: &str, schema: &Value, value: &Value, faults: &mut Vec<String>) {
    let int_or_string = schema["x-kubernetes-int-or-string"] == true;
    let fits = match schema["type"].as_str() {
        _ if int_or_string => value.is_i64() || value.is_string(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !fits {
        faults.push(format!("{path}: {value} is not {}", schema["type"]));
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
        faults.push(format!("{path}: {value} is none of {words:?}"));
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        if let Some(inner) = schema["properties"].get(name).or_else(|| schema.get("additionalProperties").filter(|more| more.is_object())) {
            check(&path, inner, field, faults);
        } else if schema["x-kubernetes-preserve-unknown-fields"] != true && !path.contains(".metadata.") {
            faults.push(format!("{path}: no such field"));
        }
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            faults.push(format!("{path}.{name}: it is missing"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(&format!("{path}[{index}]"), &schema["items"], item, faults);
    }
}

#[test]
fn a_field_that_does_not_exist_is_a_fault() {
    let Some(schemas) = Schemas::of_keda() else { return crate::support::skipped("no CRDs of KEDA") };
    let mut object = serde_json::json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledJob", "metadata": {"name": "x"},
        "spec": {"jobTargetRef": {"template": {"spec": {"containers": [{"name": "c", "imagePulPolicy": "Always"}]}}}, "triggers": [], "polling": 1}});
    let faults = schemas.faults(&object).join("\n");
    assert!(faults.contains("ScaledJob.spec.polling: no such field") && faults.contains("imagePulPolicy"), "{faults}");
    object["spec"] = serde_json::json!({"jobTargetRef": {"template": {}}});
    assert!(schemas.faults(&object).join("\n").contains("triggers: it is missing"));
}
