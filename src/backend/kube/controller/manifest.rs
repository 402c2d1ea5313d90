//! Installs KEDA's release manifest by server-side apply, and removes it again.

use std::time::Duration;

use serde_json::Value;

use super::reach::Reach;
use crate::core::{
    controller::{CONTROLLER_LABEL, Release},
    error::{Error, Kind, Result},
    ports::Objects,
    readiness::{Readiness, readiness, trouble},
};

/// Kinds of a release in the order of their removal: what calls KEDA first, so that nothing waits for what is gone.
const KINDS: &[&str] = &[
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "Deployment",
    "PodDisruptionBudget",
    "Service",
    "ConfigMap",
    "Secret",
    "RoleBinding",
    "ClusterRoleBinding",
    "Role",
    "ClusterRole",
    "ServiceAccount",
    "CustomResourceDefinition",
    "Namespace",
];
/// How long one object may take to go.
const DELETE_LIMIT: Duration = Duration::from_mins(2);

/// Applies what of `release` must be applied, up to the first thing that has to be waited for.
///
/// # Errors
/// `Unavailable`, naming the condition, while something only needs time; `Busy` when another manager owns a field.
pub(super) async fn install(reach: &Reach, release: &Release, stack: &str) -> Result<()> {
    let (first, rest): (Vec<_>, Vec<_>) =
        release.objects.iter().partition(|object| matches!(object["kind"].as_str(), Some("Namespace" | "CustomResourceDefinition")));
    for object in &first {
        apply_shared(reach, object, stack).await?;
    }
    for definition in first.iter().filter(|object| object["kind"] == "CustomResourceDefinition") {
        check_established(reach, definition).await?;
    }
    for object in &rest {
        reach.objects.apply(object).await?;
    }
    if let Some(operator) = release.completed() {
        reach.objects.apply(&operator).await?;
    }
    check_available(reach, stack).await
}

/// A namespace that is there already is left as it is. A definition that somebody else made is brought up to date without
/// our label, so that it is never removed.
async fn apply_shared(reach: &Reach, object: &Value, stack: &str) -> Result<()> {
    let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
    let Some(actual) = reach.objects.get(&kind, &name).await? else { return reach.objects.apply(object).await };
    if !actual["metadata"]["deletionTimestamp"].is_null() {
        return Err(Error::new(Kind::Unavailable, format!("{kind} `{name}` is being deleted"), "it is made again once it is gone"));
    }
    if actual["metadata"]["labels"][CONTROLLER_LABEL] == stack {
        return reach.objects.apply(object).await;
    }
    if kind == "Namespace" {
        return Ok(());
    }
    let mut theirs = object.clone();
    if let Some(labels) = theirs.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(CONTROLLER_LABEL);
        labels.remove(crate::core::stack::MANAGED_BY_LABEL);
    }
    reach.objects.apply(&theirs).await
}

async fn check_established(reach: &Reach, definition: &Value) -> Result<()> {
    let name = text(&definition["metadata"]["name"]);
    let actual = reach.objects.get("CustomResourceDefinition", &name).await?.unwrap_or_default();
    let conditions = actual["status"]["conditions"].as_array().into_iter().flatten();
    let find = |kind: &str, status: &str| {
        conditions.clone().find(|condition| condition["type"] == kind && condition["status"] == status).map(|found| text(&found["message"]))
    };
    if find("Established", "True").is_some() {
        return Ok(());
    }
    match find("NamesAccepted", "False") {
        Some(why) => Err(Error::failed(format!("the definition {name} is not accepted"), why)),
        None => Err(Error::new(Kind::Unavailable, format!("the definition {name} is not Established yet"), "")),
    }
}

/// Every Deployment that we installed is available.
pub(super) async fn check_available(reach: &Reach, stack: &str) -> Result<()> {
    match unavailable(reach, stack).await?.into_iter().next() {
        None => Ok(()),
        Some((name, readiness)) => {
            let (kind, why) = match readiness {
                Readiness::Failed(why) => (Kind::Failed, why),
                Readiness::Waiting(why) => (Kind::Unavailable, why),
                Readiness::Ready => return Ok(()),
            };
            let hint = format!("see `kubectl describe deployment {name} --namespace {}`", reach.namespace);
            Err(Error::new(kind, format!("{name} is not available"), why).hint(hint))
        }
    }
}

/// Our Deployments that are not ready, with what their pods say.
pub(super) async fn unavailable(reach: &Reach, stack: &str) -> Result<Vec<(String, Readiness)>> {
    let mut found = Vec::new();
    for deployment in reach.objects.list("Deployment").await? {
        if deployment["metadata"]["labels"][CONTROLLER_LABEL] != stack {
            continue;
        }
        let pods = || async { reach.pods(&deployment).await.unwrap_or_default() };
        let labels = &deployment["spec"]["selector"]["matchLabels"];
        let explained = |why: String, pods: &[Value]| trouble(pods, labels).map_or(why.clone(), |trouble| format!("{why}; {trouble}"));
        let state = match readiness("Deployment", &deployment) {
            Readiness::Ready => continue,
            Readiness::Waiting(why) => Readiness::Waiting(explained(why, &pods().await)),
            Readiness::Failed(why) => Readiness::Failed(explained(why, &pods().await)),
        };
        found.push((text(&deployment["metadata"]["name"]), state));
    }
    Ok(found)
}

/// What `stack` installed and is still there: kind, namespace (empty for the cluster's own) and name, in the order of removal.
pub(super) async fn owned(reach: &Reach, stack: &str) -> Result<Vec<(&'static str, String, String)>> {
    let mut found = Vec::new();
    for kind in KINDS {
        for object in reach.everywhere(kind, &format!("{CONTROLLER_LABEL}={stack}")).await? {
            found.push((*kind, text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"])));
        }
    }
    Ok(found)
}

/// Removes what `stack` installed, the definitions and the namespace last.
///
/// # Errors
/// `Busy`, naming what blocks it, when something is still there after its deadline.
pub(super) async fn uninstall(reach: &Reach, stack: &str) -> Result<()> {
    for (kind, namespace, name) in owned(reach, stack).await? {
        let place = if namespace.is_empty() { reach.clone() } else { Reach::new(&reach.cluster, &namespace) };
        match place.objects.delete_and_wait(kind, &name, DELETE_LIMIT).await {
            Err(error) if kind == "Namespace" && error.kind == Kind::Busy => return Err(stuck(reach, &name, error).await),
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Why a namespace does not go, in the words of its conditions.
async fn stuck(reach: &Reach, name: &str, error: Error) -> Error {
    let namespace = reach.objects.get("Namespace", name).await.ok().flatten().unwrap_or_default();
    let conditions = namespace["status"]["conditions"].as_array().into_iter().flatten();
    let told: Vec<String> = conditions.filter(|one| one["status"] == "True").map(|one| text(&one["message"])).collect();
    if told.is_empty() {
        return error;
    }
    let hint = "an APIService without a server behind it blocks every namespace: see `kubectl get apiservice`, then run this again";
    Error { why: told.join("; "), ..error }.hint(hint)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
