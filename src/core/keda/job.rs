//! The Job that KEDA creates from a ScaledJob.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    jobs::GENERATION_ANNOTATION,
    manifest::{API_VERSION, ScaledJob},
};
use crate::core::ports::JobSpec;

/// Label that ties a job, and its pods, to their ScaledJob.
pub const SCALED_JOB_LABEL: &str = "scaledjob.keda.sh/name";
/// Annotation that lists, separated by commas without blanks, the labels of the ScaledJob that its jobs do not get.
pub const EXCLUDED_LABELS_ANNOTATION: &str = "scaledjob.keda.sh/job-excluded-labels";
/// What builds of KEDA that are no release call themselves.
const VERSION: &str = "main";

/// The start of every job's name; the API server adds five characters.
#[must_use]
pub fn name_prefix(scaled_job: &ScaledJob) -> String {
    format!("{}-", scaled_job.metadata.name)
}

/// Labels of a job: KEDA's own, over which the ScaledJob's win.
#[must_use]
pub fn labels(scaled_job: &ScaledJob) -> BTreeMap<String, String> {
    let metadata = &scaled_job.metadata;
    let own = [
        ("app.kubernetes.io/name", metadata.name.as_str()),
        ("app.kubernetes.io/version", VERSION),
        ("app.kubernetes.io/part-of", &metadata.name),
        ("app.kubernetes.io/managed-by", "keda-operator"),
        (SCALED_JOB_LABEL, &metadata.name),
    ];
    let mut labels: BTreeMap<String, String> = own.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let excluded: Vec<&str> =
        metadata.annotations.get(EXCLUDED_LABELS_ANNOTATION).map(|text| text.split(',').collect()).unwrap_or_default();
    let inherited = metadata.labels.iter().filter(|(key, _)| !excluded.contains(&key.as_str()));
    labels.extend(inherited.map(|(key, value)| (key.clone(), value.clone())));
    labels
}

/// Annotations of a job: the generation, over which the ScaledJob's own win.
#[must_use]
pub fn annotations(scaled_job: &ScaledJob) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::from([(GENERATION_ANNOTATION.to_owned(), scaled_job.metadata.generation.to_string())]);
    annotations.extend(scaled_job.metadata.annotations.clone());
    annotations
}

/// The `batch/v1` `JobSpec`: the ScaledJob's, with names on the pod template and a restart policy where there is none.
#[must_use]
pub fn spec(scaled_job: &ScaledJob) -> Value {
    let mut spec = scaled_job.spec.job_target_ref.clone();
    let template = object(object(&mut spec).entry("template").or_insert_with(|| json!({})));
    let metadata = object(template.entry("metadata").or_insert_with(|| json!({})));
    metadata.insert("generateName".to_owned(), name_prefix(scaled_job).into());
    let labels = object(metadata.entry("labels").or_insert_with(|| json!({})));
    labels.insert(SCALED_JOB_LABEL.to_owned(), scaled_job.metadata.name.as_str().into());
    let pod = object(template.entry("spec").or_insert_with(|| json!({})));
    let policy = pod.entry("restartPolicy").or_insert(Value::Null);
    if policy.as_str().unwrap_or_default().is_empty() {
        *policy = "OnFailure".into();
    }
    spec
}

/// The value as an object; what is none is replaced by an empty one.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was just made one")
}

/// The whole `batch/v1` Job, as it is sent to the API server.
#[must_use]
pub fn manifest(scaled_job: &ScaledJob) -> Value {
    let owner = json!({
        "apiVersion": API_VERSION, "kind": "ScaledJob", "name": scaled_job.metadata.name, "uid": scaled_job.metadata.uid,
        "controller": true, "blockOwnerDeletion": true,
    });
    let mut metadata = json!({
        "generateName": name_prefix(scaled_job), "labels": labels(scaled_job), "annotations": annotations(scaled_job),
        "ownerReferences": [owner],
    });
    if let Some(namespace) = &scaled_job.metadata.namespace {
        metadata["namespace"] = namespace.as_str().into();
    }
    json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec(scaled_job) })
}

/// What [`crate::core::ports::Jobs::create`] takes; `env` is the consumer's environment, resolved.
#[must_use]
pub fn job_spec(scaled_job: &ScaledJob, env: BTreeMap<String, String>) -> JobSpec {
    JobSpec {
        scaled_job: scaled_job.metadata.name.clone(),
        generation: scaled_job.metadata.generation,
        manifest: manifest(scaled_job),
        env,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_labels_are_not_trimmed() {
        let mut job = ScaledJob::default();
        job.metadata.name = "video".to_owned();
        job.metadata.labels = ["a", "b", "app.kubernetes.io/name"].map(|key| (key.to_owned(), "mine".to_owned())).into();
        job.metadata.annotations.insert(EXCLUDED_LABELS_ANNOTATION.to_owned(), "a, b".to_owned());
        let labels = labels(&job);
        assert_eq!((labels.get("a"), labels["b"].as_str(), labels["app.kubernetes.io/name"].as_str()), (None, "mine", "mine"));
    }

    #[test]
    fn the_pod_keeps_its_own_policy_and_labels() {
        let mut job = ScaledJob::default();
        job.metadata.name = "video".to_owned();
        job.spec.job_target_ref =
            json!({"backoffLimit": 0, "template": {"metadata": {"labels": {"x": "y"}}, "spec": {"restartPolicy": "Never"}}});
        let spec = spec(&job);
        assert_eq!(spec.pointer("/template/spec/restartPolicy"), Some(&json!("Never")));
        assert_eq!(spec.pointer("/template/metadata/labels"), Some(&json!({"x": "y", SCALED_JOB_LABEL: "video"})));
        assert_eq!(spec["backoffLimit"], 0);
    }
}
