//! Whether a Kubernetes object is usable, as its own status says: failed is not ready.

use serde_json::Value;

/// What an object's status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It can be used.
    Ready,
    /// Not yet; what is missing.
    Waiting(String),
    /// It will not become ready by itself; why.
    Failed(String),
}

/// Reads the status of `object`, which is of `kind`. Kinds that are usable as soon as they are stored are ready unless
/// they are being deleted.
#[must_use]
pub fn readiness(kind: &str, object: &Value) -> Readiness {
    if object["metadata"].get("deletionTimestamp").is_some() || object["status"]["phase"] == "Terminating" {
        let finalizers: Vec<&str> = object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let holds = if finalizers.is_empty() { String::new() } else { format!("; it waits for {}", finalizers.join(", ")) };
        return Readiness::Waiting(format!("it is being deleted{holds}"));
    }
    match kind {
        "Deployment" => deployment(object),
        "ScaledJob" | "ScaledObject" => scaled(kind, object),
        _ => Readiness::Ready,
    }
}

fn deployment(object: &Value) -> Readiness {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    if let Some(text) = said(object, "ReplicaFailure", "True") {
        return Readiness::Failed(text);
    }
    if let Some(progress) = condition(object, "Progressing").filter(|progress| progress["reason"] == "ProgressDeadlineExceeded") {
        return Readiness::Failed(spoken(progress));
    }
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return Readiness::Waiting("its controller has not seen the last change".to_owned());
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let (updated, available) = (number("/status/updatedReplicas"), number("/status/availableReplicas"));
    if updated >= wanted && available >= wanted && number("/status/replicas") <= updated {
        return Readiness::Ready;
    }
    Readiness::Waiting(format!("{available} of {wanted} replicas available"))
}

/// KEDA tries again by itself after a failed check, so that no condition of it is final.
fn scaled(kind: &str, object: &Value) -> Readiness {
    match condition(object, "Ready") {
        Some(ready) if ready["status"] == "True" => Readiness::Ready,
        Some(ready) if ready["status"] == "False" => Readiness::Waiting(spoken(ready)),
        _ => Readiness::Waiting(format!("KEDA has not looked at the {kind} yet")),
    }
}

/// What keeps the pods that carry all of `labels` from starting, in the words of their containers' status.
#[must_use]
pub fn trouble(pods: &[Value], labels: &Value) -> Option<String> {
    let carries =
        |pod: &&Value| labels.as_object().is_some_and(|wanted| wanted.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value));
    let name = |pod: &Value| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    pods.iter().filter(carries).find_map(|pod| {
        let containers =
            ["initContainerStatuses", "containerStatuses"].iter().flat_map(|key| pod["status"][key].as_array().into_iter().flatten());
        let stuck = containers
            .map(|container| &container["state"]["waiting"])
            .find(|waiting| waiting["reason"].as_str().is_some_and(|reason| !matches!(reason, "ContainerCreating" | "PodInitializing")));
        let waits = stuck.or_else(|| condition(pod, "PodScheduled").filter(|scheduled| scheduled["status"] == "False"))?;
        Some(format!("pod {}: {}", name(pod), spoken(waits)))
    })
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// What the condition of type `kind` says, when its status is `status`.
fn said(object: &Value, kind: &str, status: &str) -> Option<String> {
    condition(object, kind).filter(|condition| condition["status"] == status).map(spoken)
}

/// `Reason: message`, as far as there is any.
fn spoken(condition: &Value) -> String {
    let parts = ["reason", "message"].map(|key| condition[key].as_str().unwrap_or_default());
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployed(status: &Value) -> Readiness {
        readiness("Deployment", &json!({"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}))
    }

    #[test]
    fn a_deployment_is_ready_when_its_last_generation_is_available() {
        let ready = json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1});
        assert_eq!(deployed(&ready), Readiness::Ready);
        for (field, value) in [("observedGeneration", 1), ("updatedReplicas", 0), ("availableReplicas", 0), ("replicas", 2)] {
            let mut status = ready.clone();
            status[field] = json!(value);
            assert!(matches!(deployed(&status), Readiness::Waiting(_)), "{field}");
        }
        assert!(matches!(deployed(&json!({})), Readiness::Waiting(_)));
    }

    #[test]
    fn a_deployment_that_failed_is_not_ready_and_says_why() {
        let refused = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]);
        assert_eq!(deployed(&json!({"conditions": refused})), Readiness::Failed("FailedCreate: exceeded quota".into()));
        let late = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too late"}]);
        let status = json!({"observedGeneration": 2, "conditions": late});
        assert_eq!(deployed(&status), Readiness::Failed("ProgressDeadlineExceeded: too late".into()));
    }

    #[test]
    fn a_scaled_job_is_ready_when_keda_says_so() {
        let says = |status: Value| readiness("ScaledJob", &json!({"status": status}));
        let condition = |status: &str| json!({"conditions": [{"type": "Ready", "status": status, "reason": "ScaledJobCheckFailed", "message": "no auth"}]});
        assert_eq!(says(condition("True")), Readiness::Ready);
        assert_eq!(says(condition("False")), Readiness::Waiting("ScaledJobCheckFailed: no auth".into()));
        for none in [json!({}), json!({"conditions": []}), condition("Unknown")] {
            assert_eq!(says(none), Readiness::Waiting("KEDA has not looked at the ScaledJob yet".into()));
        }
    }

    #[test]
    fn what_is_being_deleted_is_not_ready() {
        let dying = json!({"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z", "finalizers": ["finalizer.keda.sh"]}});
        assert_eq!(readiness("ConfigMap", &dying), Readiness::Waiting("it is being deleted; it waits for finalizer.keda.sh".into()));
        let namespace = json!({"metadata": {}, "status": {"phase": "Terminating"}});
        assert_eq!(readiness("Namespace", &namespace), Readiness::Waiting("it is being deleted".into()));
        assert_eq!(readiness("ConfigMap", &json!({"metadata": {}})), Readiness::Ready);
    }

    #[test]
    fn a_pod_that_cannot_start_tells_why() {
        let pod = |reason: &str, app: &str| {
            json!({"metadata": {"name": "p", "labels": {"app": app}},
                "status": {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "no such image"}}}]}})
        };
        let labels = json!({"app": "a"});
        assert_eq!(trouble(&[pod("ImagePullBackOff", "a")], &labels).as_deref(), Some("pod p: ImagePullBackOff: no such image"));
        assert_eq!(trouble(&[pod("ContainerCreating", "a"), pod("ImagePullBackOff", "b")], &labels), None);
        let unplaced = json!({"metadata": {"name": "p", "labels": {"app": "a"}}, "status": {"conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}});
        assert_eq!(trouble(&[unplaced], &labels).as_deref(), Some("pod p: Unschedulable: 0/1 nodes"));
    }
}
