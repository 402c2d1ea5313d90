//! The KEDA that is on a cluster, read from its objects.

use serde_json::Value;

use super::{CONTROLLER_LABEL, KEDA_GROUP, RELEASE_ANNOTATION};

/// The objects that tell of KEDA, as the API server gives them.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// The server's version, such as `v1.33.1`.
    pub server: String,
    /// Deployments of every namespace.
    pub deployments: Vec<Value>,
    /// Custom resource definitions.
    pub definitions: Vec<Value>,
    /// The API service of external metrics.
    pub external_metrics: Option<Value>,
    /// Helm's Secrets of every namespace (label `owner=helm`), their labels at least.
    pub helm: Vec<Value>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The server's version.
    pub server: String,
    /// Every KEDA operator.
    pub installs: Vec<Install>,
    /// KEDA's definitions: name, and the versions served.
    pub definitions: Vec<(String, Vec<String>)>,
    /// `namespace/service` behind the external metrics, when there is any.
    pub external_metrics: Option<String>,
    /// Helm releases that never came to an end, by namespace and name, with their status.
    pub pending: Vec<(String, String, String)>,
}

/// One KEDA operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// Its namespace.
    pub namespace: String,
    /// Its Deployment.
    pub deployment: String,
    /// Its service account.
    pub service_account: String,
    /// Its version, from its label or its image's tag.
    pub version: Option<String>,
    /// How it was installed.
    pub origin: Origin,
    /// Which namespaces it looks at.
    pub watch: Watch,
    /// The stack whose setup installed it, if one did.
    pub stack: Option<String>,
    /// The manifest's SHA-256, once all of it was applied by us.
    pub release: Option<String>,
}

#[cfg(test)]
impl Install {
    /// KEDA 2.16.1 in its usual namespace, from a manifest, looking at `watch`.
    pub(in crate::core) fn usual(watch: Watch) -> Self {
        Self {
            namespace: "keda".into(),
            deployment: "keda-operator".into(),
            service_account: "keda-operator".into(),
            version: Some("2.16.1".into()),
            origin: Origin::Manifest,
            watch,
            stack: None,
            release: None,
        }
    }
}

/// How a KEDA was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// By helm, as this release, with the status of its last revision.
    Helm {
        /// The release's name.
        release: String,
        /// `deployed`, `failed`, `pending-install`, ..; absent when its Secret cannot be seen.
        status: Option<String>,
    },
    /// From a manifest, or by something that leaves no trace.
    Manifest,
}

/// Which namespaces an operator looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// All.
    All,
    /// These only.
    Only(Vec<String>),
}

impl Watch {
    /// Whether `namespace` is looked at.
    #[must_use]
    pub fn covers(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| name == namespace),
        }
    }
}

impl Install {
    /// For people: `KEDA 2.16.1 in namespace keda, helm release keda`.
    #[must_use]
    pub fn describe(&self) -> String {
        let version = self.version.as_deref().unwrap_or("of unknown version");
        let origin = match &self.origin {
            Origin::Helm { release, .. } => format!("helm release {release}"),
            Origin::Manifest => "from a manifest".to_owned(),
        };
        format!("KEDA {version} in namespace {}, {origin}", self.namespace)
    }
}

impl Found {
    /// Reads `scene`.
    #[must_use]
    pub fn read(scene: &Scene) -> Self {
        let operators = scene.deployments.iter().filter(|deployment| is_operator(deployment));
        let definitions = scene.definitions.iter().filter(|definition| definition["spec"]["group"] == KEDA_GROUP);
        Self {
            server: scene.server.clone(),
            installs: operators.map(|operator| install(operator, &scene.helm)).collect(),
            definitions: definitions.map(|definition| (text(&definition["metadata"]["name"]), served(definition))).collect(),
            external_metrics: scene.external_metrics.as_ref().and_then(|service| {
                let behind = service["spec"].get("service")?;
                Some(format!("{}/{}", behind["namespace"].as_str()?, behind["name"].as_str()?))
            }),
            pending: releases(&scene.helm).into_iter().filter(|(.., status)| status.starts_with("pending")).collect(),
        }
    }
}

fn is_operator(deployment: &Value) -> bool {
    let labels = &deployment["metadata"]["labels"];
    labels["app.kubernetes.io/name"] == "keda-operator" || labels["app"] == "keda-operator"
}

fn install(operator: &Value, helm: &[Value]) -> Install {
    let metadata = &operator["metadata"];
    let pod = &operator["spec"]["template"]["spec"];
    let namespace = text(&metadata["namespace"]);
    let release = metadata["annotations"]["meta.helm.sh/release-name"].as_str();
    let origin = match release {
        Some(release) => {
            let status = releases(helm).into_iter().find(|(place, name, _)| *place == namespace && name == release);
            Origin::Helm { release: release.to_owned(), status: status.map(|(.., status)| status) }
        }
        None => Origin::Manifest,
    };
    let account = ["serviceAccountName", "serviceAccount"].iter().find_map(|key| pod[*key].as_str()).unwrap_or("default");
    Install {
        deployment: text(&metadata["name"]),
        service_account: account.to_owned(),
        version: version(operator),
        origin,
        watch: watch(operator, &namespace),
        stack: metadata["labels"][CONTROLLER_LABEL].as_str().map(str::to_owned),
        release: metadata["annotations"][RELEASE_ANNOTATION].as_str().map(str::to_owned),
        namespace,
    }
}

/// The version of a KEDA Deployment: its label, or else its image's tag.
pub(super) fn version(deployment: &Value) -> Option<String> {
    if let Some(label) = deployment["metadata"]["labels"]["app.kubernetes.io/version"].as_str() {
        return Some(label.trim_start_matches('v').to_owned());
    }
    let image = deployment.pointer("/spec/template/spec/containers/0/image")?.as_str()?;
    let (_, tag) = image.split('@').next()?.rsplit_once(':')?;
    (!tag.contains('/')).then(|| tag.trim_start_matches('v').to_owned())
}

fn watch(operator: &Value, own: &str) -> Watch {
    let containers = operator.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let variables = containers.into_iter().flatten().flat_map(|container| container["env"].as_array().into_iter().flatten());
    let Some(variable) = variables.into_iter().find(|variable| variable["name"] == "WATCH_NAMESPACE") else { return Watch::All };
    if variable.pointer("/valueFrom/fieldRef/fieldPath").is_some_and(|path| path == "metadata.namespace") {
        return Watch::Only(vec![own.to_owned()]);
    }
    let names: Vec<String> = variable["value"]
        .as_str()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if names.is_empty() { Watch::All } else { Watch::Only(names) }
}

fn served(definition: &Value) -> Vec<String> {
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    versions.filter(|version| version["served"] == true).map(|version| text(&version["name"])).collect()
}

/// Namespace, name and status of every release's last revision.
fn releases(secrets: &[Value]) -> Vec<(String, String, String)> {
    let mut found: Vec<(String, String, u64, String)> = Vec::new();
    for secret in secrets {
        let labels = &secret["metadata"]["labels"];
        let (namespace, name, status) = (text(&secret["metadata"]["namespace"]), text(&labels["name"]), text(&labels["status"]));
        let revision = labels["version"].as_str().and_then(|revision| revision.parse().ok()).unwrap_or(0);
        match found.iter_mut().find(|(place, known, ..)| *place == namespace && *known == name) {
            Some(last) if last.2 < revision => (last.2, last.3) = (revision, status),
            Some(_) => {}
            None => found.push((namespace, name, revision, status)),
        }
    }
    found.into_iter().map(|(namespace, name, _, status)| (namespace, name, status)).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operator(extra: &Value) -> Value {
        let mut operator = json!({
            "metadata": {"name": "keda-operator", "namespace": "keda", "labels": {"app.kubernetes.io/name": "keda-operator"}},
            "spec": {"template": {"spec": {"serviceAccountName": "keda-operator",
                "containers": [{"image": "ghcr.io/kedacore/keda:2.16.1", "env": [{"name": "WATCH_NAMESPACE", "value": ""}]}]}}}});
        merge(&mut operator, extra);
        operator
    }

    fn merge(into: &mut Value, from: &Value) {
        match (into, from) {
            (Value::Object(into), Value::Object(from)) => {
                for (key, value) in from {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
            (into, from) => *into = from.clone(),
        }
    }

    fn read(extra: &Value, helm: Vec<Value>) -> Install {
        let scene = Scene { deployments: vec![operator(extra), json!({"metadata": {"name": "other"}})], helm, ..Scene::default() };
        let mut found = Found::read(&scene);
        assert_eq!(found.installs.len(), 1);
        found.installs.remove(0)
    }

    #[test]
    fn a_keda_from_a_manifest_is_read() {
        let install = read(&json!({}), vec![]);
        assert_eq!(install.describe(), "KEDA 2.16.1 in namespace keda, from a manifest");
        assert_eq!((install.watch.clone(), install.service_account.as_str(), install.stack.clone()), (Watch::All, "keda-operator", None));
        let labelled = read(&json!({"metadata": {"labels": {"app.kubernetes.io/version": "v2.8.1", CONTROLLER_LABEL: "demo"}}}), vec![]);
        assert_eq!((labelled.version.as_deref(), labelled.stack.as_deref()), (Some("2.8.1"), Some("demo")));
    }

    #[test]
    fn a_helm_release_has_the_status_of_its_last_revision() {
        let secret = |version: &str, status: &str| json!({"metadata": {"namespace": "keda", "labels": {"owner": "helm", "name": "keda", "version": version, "status": status}}});
        let annotated = json!({"metadata": {"annotations": {"meta.helm.sh/release-name": "keda"}}});
        let install = read(&annotated, vec![secret("2", "pending-upgrade"), secret("10", "failed"), secret("1", "superseded")]);
        assert_eq!(install.origin, Origin::Helm { release: "keda".into(), status: Some("failed".into()) });
        let pending = Found::read(&Scene { helm: vec![secret("1", "pending-install")], ..Scene::default() }).pending;
        assert_eq!(pending, [("keda".to_owned(), "keda".to_owned(), "pending-install".to_owned())]);
    }

    #[test]
    fn a_restricted_operator_names_its_namespaces() {
        let with = |variable: Value| read(&json!({"spec": {"template": {"spec": {"containers": [{"env": [variable]}]}}}}), vec![]).watch;
        assert_eq!(with(json!({"name": "WATCH_NAMESPACE", "value": "a, b"})), Watch::Only(vec!["a".into(), "b".into()]));
        let own = json!({"name": "WATCH_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}});
        assert_eq!(with(own), Watch::Only(vec!["keda".into()]));
        assert!(Watch::All.covers("x") && !Watch::Only(vec!["a".into()]).covers("x"));
    }

    #[test]
    fn a_digest_is_no_version() {
        let image = |image: &str| version(&json!({"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}));
        assert_eq!(image("registry:5000/keda"), None);
        assert_eq!(image("registry:5000/keda:2.8.1@sha256:abc").as_deref(), Some("2.8.1"));
    }
}
