//! KEDA's release manifest: its objects in the order in which they are applied, labelled as ours, in the wanted namespace.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CONTROLLER_LABEL, RELEASE_ANNOTATION, found::version, namespace::move_object};
use crate::core::{
    error::{Error, Result},
    stack::{MANAGED_BY, MANAGED_BY_LABEL},
};

/// Kinds in the order of their making: nothing is made before what it needs. Kinds not listed come before Deployments.
const ORDER: &[&str] = &[
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
    "ClusterRole",
    "Role",
    "ClusterRoleBinding",
    "RoleBinding",
    "Secret",
    "ConfigMap",
    "Service",
    "*",
    "Deployment",
    "APIService",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
];

/// A release manifest, ready to be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// KEDA's version, from its operator's label or image; absent when neither tells.
    pub version: Option<String>,
    /// SHA-256 of the manifest as it was published, in hexadecimal.
    pub sha256: String,
    /// Its objects, in order.
    pub objects: Vec<Value>,
}

impl Release {
    /// Reads the manifest `text`, which came from `source`, for `stack` in namespace `target`.
    ///
    /// # Errors
    /// `Input` when it is not YAML, holds no KEDA operator, or lives in more than one namespace of its own.
    pub fn read(text: &str, source: &str, stack: &str, target: &str) -> Result<Self> {
        let unfit = |why: String| Error::input("--keda-manifest", source, why).hint("name a release manifest of KEDA: keda-VERSION.yaml");
        let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| unfit(format!("it is not YAML: {error}")))?;
        let mut objects: Vec<Value> = documents.into_iter().flat_map(flatten).collect();
        if let Some(odd) = objects.iter().find(|object| !is_object(object)) {
            let shown: String = odd.to_string().chars().take(60).collect();
            return Err(unfit(format!("it holds something that is no Kubernetes object: {shown}")));
        }
        let operator = objects.iter().find(|object| object["kind"] == "Deployment" && is_operator(object));
        let Some(version) = operator.map(version) else {
            return Err(unfit("it holds no Deployment labelled app.kubernetes.io/name=keda-operator".to_owned()));
        };
        let own = own_namespace(&objects).map_err(unfit)?;
        for object in &mut objects {
            move_object(object, &own, target);
            label(object, stack);
        }
        objects.sort_by_key(|object| rank(object["kind"].as_str().unwrap_or_default()));
        Ok(Self { version, sha256: hexadecimal(&Sha256::digest(text.as_bytes())), objects })
    }

    /// Refuses a manifest that is not the one that was asked for.
    ///
    /// # Errors
    /// `Input`, naming both digests.
    pub fn check_sha256(&self, wanted: Option<&str>) -> Result<()> {
        match wanted {
            Some(wanted) if wanted != self.sha256 => {
                let why = format!("KEDA's manifest has the SHA-256 {}", self.sha256);
                Err(Error::input("--sha256", wanted, why).hint("see that the manifest is the one you mean; nothing was changed"))
            }
            _ => Ok(()),
        }
    }

    /// The operator's Deployment with the note that all of the release was applied.
    #[must_use]
    pub fn completed(&self) -> Option<Value> {
        let mut operator = self.objects.iter().find(|object| object["kind"] == "Deployment" && is_operator(object))?.clone();
        operator["metadata"]["annotations"][RELEASE_ANNOTATION] = self.sha256.clone().into();
        Some(operator)
    }
}

/// `List` documents hold objects of their own; empty documents hold none.
fn flatten(document: Value) -> Vec<Value> {
    match document {
        Value::Null => Vec::new(),
        Value::Object(mut list) if list.get("kind").is_some_and(|kind| kind == "List") => match list.remove("items") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        other => vec![other],
    }
}

fn is_object(value: &Value) -> bool {
    ["/apiVersion", "/kind", "/metadata/name"].iter().all(|pointer| value.pointer(pointer).is_some_and(Value::is_string))
}

fn is_operator(deployment: &Value) -> bool {
    let labels = &deployment["metadata"]["labels"];
    labels["app.kubernetes.io/name"] == "keda-operator" || labels["app"] == "keda-operator"
}

/// The namespace that the manifest was written for.
fn own_namespace(objects: &[Value]) -> Result<String, String> {
    let lives =
        objects.iter().filter(|object| object["kind"] != "RoleBinding").filter_map(|object| object["metadata"]["namespace"].as_str());
    let mut names: Vec<&str> = lives.filter(|name| *name != "kube-system").collect();
    names.extend(objects.iter().filter(|object| object["kind"] == "Namespace").filter_map(|object| object["metadata"]["name"].as_str()));
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err("its objects name no namespace".to_owned()),
        several => Err(format!("its objects live in several namespaces: {}", several.join(", "))),
    }
}

fn label(object: &mut Value, stack: &str) {
    let metadata = &mut object["metadata"];
    if !metadata["labels"].is_object() {
        metadata["labels"] = json!({});
    }
    metadata["labels"][MANAGED_BY_LABEL] = MANAGED_BY.into();
    metadata["labels"][CONTROLLER_LABEL] = stack.into();
    // What only a server sets has no place in what is applied.
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Where `kind` stands in the order of making.
pub(super) fn rank(kind: &str) -> usize {
    let position = |wanted: &str| ORDER.iter().position(|kind| *kind == wanted);
    position(kind).or_else(|| position("*")).unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: keda-operator, namespace: keda, labels: {app: keda-operator, app.kubernetes.io/version: 2.8.1}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: keda-auth-reader, namespace: kube-system}
---
apiVersion: v1
kind: List
items:
- {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: scaledjobs.keda.sh}, status: {}}
- {apiVersion: v1, kind: Namespace, metadata: {name: keda}}
---
";

    #[test]
    fn objects_are_ordered_so_that_nothing_comes_before_what_it_needs() {
        let release = Release::read(TEXT, "keda.yaml", "demo", "keda").expect("a release");
        let kinds: Vec<&str> = release.objects.iter().map(|object| object["kind"].as_str().expect("kind")).collect();
        assert_eq!(kinds, ["Namespace", "CustomResourceDefinition", "RoleBinding", "Deployment", "APIService"]);
        assert!(rank("PodDisruptionBudget") > rank("Service") && rank("PodDisruptionBudget") < rank("Deployment"));
    }

    #[test]
    fn every_object_says_who_installed_it() {
        let release = Release::read(TEXT, "keda.yaml", "demo", "keda").expect("a release");
        for object in &release.objects {
            let labels = &object["metadata"]["labels"];
            assert_eq!((&labels[MANAGED_BY_LABEL], &labels[CONTROLLER_LABEL]), (&json!("kedactl"), &json!("demo")));
            assert_eq!(object.get("status"), None);
        }
        assert_eq!(release.version.as_deref(), Some("2.8.1"));
        let completed = release.completed().expect("an operator");
        assert_eq!(completed["metadata"]["annotations"][RELEASE_ANNOTATION], release.sha256.as_str());
    }

    #[test]
    fn a_release_moves_to_another_namespace() {
        let release = Release::read(TEXT, "keda.yaml", "demo", "scaling").expect("a release");
        assert_eq!(release.objects[0]["metadata"]["name"], "scaling");
        assert_eq!(release.objects[2]["metadata"]["namespace"], "kube-system");
        assert_eq!(release.objects[3]["metadata"]["namespace"], "scaling");
    }

    #[test]
    fn what_is_no_release_is_refused() {
        let several = TEXT.replace("kind: Namespace, metadata: {name: keda}", "kind: Namespace, metadata: {name: other}");
        let cases = [
            ("a: [", "it is not YAML"),
            ("- 1", "no Kubernetes object"),
            ("kind: Namespace\napiVersion: v1\nmetadata: {name: keda}", "no Deployment"),
            (several.as_str(), "several namespaces"),
        ];
        for (text, why) in cases {
            let error = Release::read(text, "keda.yaml", "demo", "keda").expect_err(why);
            assert!(error.exit_code() == 2 && error.why.contains(why), "{error}");
        }
    }

    #[test]
    fn another_manifest_than_the_pinned_one_is_refused() {
        let release = Release::read(TEXT, "keda.yaml", "demo", "keda").expect("a release");
        assert_eq!(release.check_sha256(None), Ok(()));
        assert_eq!(release.check_sha256(Some(&release.sha256)), Ok(()));
        let error = release.check_sha256(Some(&"0".repeat(64))).expect_err("another");
        assert!(error.exit_code() == 2 && error.why.contains(&release.sha256), "{error}");
    }
}
