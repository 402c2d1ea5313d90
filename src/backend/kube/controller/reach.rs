//! What the controller's resources ask of a cluster beyond one namespace's objects.

use kube::{
    Client, Resource,
    api::{ListParams, Patch, PatchParams},
    core::{DynamicObject, Request},
};
use serde_json::{Value, json};

use crate::{
    backend::kube::{
        client::Cluster,
        error::{fault, is_absent},
        kinds::{self, Scope},
        objects::KubeObjects,
    },
    core::{
        controller::{EXTERNAL_METRICS, Evidence, Found, Scene},
        error::{Error, Kind, Result},
        ports::Objects,
    },
};

/// In whose name the operator's identity is set. It is not the manager of whole objects: what that one no longer names
/// would be removed from them.
const IDENTITY_MANAGER: &str = "kedactl-identity";
/// KEDA's own definitions.
const DEFINITIONS: &[&str] = &[
    "scaledjobs.keda.sh",
    "scaledobjects.keda.sh",
    "triggerauthentications.keda.sh",
    "clustertriggerauthentications.keda.sh",
    "cloudeventsources.eventing.keda.sh",
    "clustercloudeventsources.eventing.keda.sh",
];

/// One cluster, and KEDA's place in it.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) cluster: Cluster,
    /// Objects of KEDA's namespace, and of the whole cluster.
    pub(super) objects: KubeObjects,
    pub(super) namespace: String,
}

impl Reach {
    pub(super) fn new(cluster: &Cluster, namespace: &str) -> Self {
        Self { cluster: cluster.clone(), objects: KubeObjects::new(cluster, namespace), namespace: namespace.to_owned() }
    }

    fn client(&self) -> Client {
        self.cluster.client()
    }

    /// The metadata of every object of `kind` in any namespace that matches the label `selector`.
    pub(super) async fn everywhere(&self, kind: &str, selector: &str) -> Result<Vec<Value>> {
        self.ask(kind, Request::list_metadata, selector).await
    }

    /// Every object of `kind` in any namespace that matches the label `selector`, whole.
    async fn whole(&self, kind: &str, selector: &str) -> Result<Vec<Value>> {
        self.ask(kind, Request::list, selector).await
    }

    async fn ask(&self, kind: &str, make: Make, selector: &str) -> Result<Vec<Value>> {
        let what = format!("could not list objects of kind {kind} in all namespaces");
        let entry = kinds::known(kind, None).ok_or_else(|| Error::failed(what.clone(), "the kind is not known here"))?;
        let request = Request::new(DynamicObject::url_path(&entry.resource, None));
        let request = make(&request, &ListParams::default().labels(selector)).map_err(|error| Error::failed(what.clone(), error))?;
        match self.client().request::<Value>(request).await {
            Ok(mut list) => match list["items"].take() {
                Value::Array(items) => Ok(items),
                _ => Ok(Vec::new()),
            },
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            Err(error) => Err(fault(what, &error)),
        }
    }

    /// The KEDA that is there.
    pub(super) async fn find(&self) -> Result<Found> {
        Ok(Found::read(&self.scene().await?))
    }

    async fn scene(&self) -> Result<Scene> {
        let mut deployments = self.whole("Deployment", "app.kubernetes.io/name=keda-operator").await?;
        for other in self.whole("Deployment", "app=keda-operator").await? {
            if !deployments.iter().any(|known| known["metadata"]["uid"] == other["metadata"]["uid"]) {
                deployments.push(other);
            }
        }
        // Who may not see Secrets still installs: helm itself will say what it finds.
        let helm = match self.everywhere("Secret", "owner=helm").await {
            Err(error) if error.kind == Kind::Denied => Vec::new(),
            seen => seen?,
        };
        let external_metrics = self.objects.get("APIService", EXTERNAL_METRICS).await?;
        let server = self.cluster.version().await?;
        Ok(Scene { server, deployments, definitions: self.definitions().await?, external_metrics, helm })
    }

    async fn definitions(&self) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        for name in DEFINITIONS {
            found.extend(self.objects.get("CustomResourceDefinition", name).await?);
        }
        Ok(found)
    }

    /// What the checks look at; the stack's ScaledJob or ScaledObject is `scaling`.
    pub(super) async fn evidence(&self, found: &Found, scaling: Option<Value>) -> Result<Evidence> {
        let scene = self.scene().await?;
        let mut evidence = Evidence {
            namespace: self.namespace.clone(),
            definitions: scene.definitions,
            external_metrics: scene.external_metrics,
            scaling,
            ..Evidence::default()
        };
        if let Some(install) = found.installs.first() {
            let there = Self::new(&self.cluster, &install.namespace);
            evidence.namespace.clone_from(&install.namespace);
            evidence.deployments = there.objects.list("Deployment").await?;
            evidence.account = there.objects.get("ServiceAccount", &install.service_account).await?;
            if let Some(operator) = there.objects.get("Deployment", &install.deployment).await? {
                evidence.pods = there.pods(&operator).await?;
            }
        }
        Ok(evidence)
    }

    /// The pods of `deployment` that are not on their way out.
    pub(super) async fn pods(&self, deployment: &Value) -> Result<Vec<Value>> {
        let labels = deployment.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
        let matches = |pod: &Value| {
            labels.is_some_and(|labels| labels.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value))
                && pod["metadata"]["deletionTimestamp"].is_null()
                && !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
        };
        Ok(self.objects.list("Pod").await?.into_iter().filter(matches).collect())
    }

    /// Sets `fields` of the existing `object`, and nothing else of it. Never makes the object: its uid goes along.
    pub(super) async fn set(&self, object: &Value, mut fields: Value) -> Result<()> {
        for key in ["apiVersion", "kind"] {
            fields[key] = object[key].clone();
        }
        for key in ["name", "namespace", "uid"] {
            fields["metadata"][key] = object["metadata"][key].clone();
        }
        self.patch(object, &PatchParams::apply(IDENTITY_MANAGER), &Patch::Apply(&fields)).await
    }

    /// Takes `fields` (those that are null) away from the existing `object`, unless it changed meanwhile.
    pub(super) async fn take(&self, object: &Value, mut fields: Value) -> Result<()> {
        fields["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
        let params = PatchParams { field_manager: Some(IDENTITY_MANAGER.to_owned()), ..PatchParams::default() };
        self.patch(object, &params, &Patch::Merge(&fields)).await
    }

    async fn patch(&self, object: &Value, params: &PatchParams, patch: &Patch<&Value>) -> Result<()> {
        let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
        let kind = object["kind"].as_str().unwrap_or_default();
        let what = format!("could not change {kind} `{}`", text("name"));
        let entry = kinds::known(kind, None).ok_or_else(|| Error::failed(what.clone(), "the kind is not known here"))?;
        let namespace = (entry.scope == Scope::Namespaced).then(|| text("namespace"));
        let request = Request::new(DynamicObject::url_path(&entry.resource, namespace)).patch(text("name"), params, patch);
        let request = request.map_err(|error| Error::failed(what.clone(), error))?;
        self.client().request::<Value>(request).await.map(|_| ()).map_err(|error| fault(what, &error))
    }
}

/// How a list is asked for: whole, or metadata only.
type Make = fn(&Request, &ListParams) -> Result<http::Request<Vec<u8>>, kube::core::request::Error>;

/// `{"metadata": {"annotations": {key: value}}}`.
pub(super) fn annotation(key: &str, value: &Value) -> Value {
    json!({ "metadata": { "annotations": { key: value } } })
}
