//! A Kubernetes object as a resource, over whichever store of objects.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;

use super::{
    drift::{Extra, differences},
    error::{Error, Kind, Result},
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId, Scope},
    ports::Objects,
    readiness::{Readiness, readiness, trouble},
    settings::Controller,
    stack::{MANAGED_BY, MANAGED_BY_LABEL, STACK_LABEL, StackName},
    template::{Facts, Template},
};

/// The difference between an object as it was asked for and one that can be used.
const STATUS: &str = "status";

/// One object, and what it should be.
pub struct Manifest {
    objects: Arc<dyn Objects>,
    stack: StackName,
    wanted: Value,
    kind: &'static str,
    name: String,
    file: &'static str,
    waits: bool,
    /// Whether a scaler says how many replicas it has, once it is there.
    is_scaled: bool,
}

impl Manifest {
    /// The object that `template` makes of `facts`.
    ///
    /// # Errors
    /// When the template cannot be filled in or is not an object of a kind that setup makes.
    pub fn new(objects: Arc<dyn Objects>, stack: &StackName, template: Template, facts: &Facts) -> Result<Self> {
        let fault = |why: String| Error::failed(format!("could not read the template {template:?}"), why);
        let wanted: Value = serde_saphyr::from_str(&template.render(facts)?).map_err(|error| fault(error.to_string()))?;
        let (kind, file) = match template {
            Template::Namespace => ("namespace", "namespace.yaml"),
            Template::ServiceAccount => ("serviceaccount", "service-account.yaml"),
            Template::TriggerAuthentication if wanted["kind"] == "ClusterTriggerAuthentication" => {
                ("clustertriggerauthentication", facts.consumer_file())
            }
            Template::TriggerAuthentication => ("triggerauthentication", facts.consumer_file()),
            Template::ConsumerScript => ("configmap", facts.consumer_file()),
            Template::ScaledJob => ("scaledjob", facts.consumer_file()),
            Template::Deployment => ("deployment", facts.consumer_file()),
            Template::ScaledObject => ("scaledobject", facts.consumer_file()),
            Template::ResultAnalyzer => ("deployment", "result-analyzer.yaml"),
            Template::ResultAnalyzerService => ("service", "result-analyzer.yaml"),
            _ => return Err(fault("setup makes no object from it".to_owned())),
        };
        let name = wanted["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let is_scaled = template == Template::Deployment;
        let waits = match template {
            // Without KEDA nobody gives them their conditions.
            Template::ScaledJob | Template::ScaledObject => facts.controller != Controller::InProcess,
            // It has as many replicas as its scaler says, and that may change at any moment.
            Template::Deployment => false,
            _ => true,
        };
        Ok(Self { objects, stack: stack.clone(), wanted, kind, name, file, waits, is_scaled })
    }

    fn object_kind(&self) -> &str {
        self.wanted["kind"].as_str().unwrap_or_default()
    }

    /// What is wanted, with as many replicas as `actual` has where a scaler says how many. They are not left out: who applies a
    /// manifest without a field that it set before has it reset.
    fn with_replicas_of(&self, actual: &Value) -> Value {
        let mut wanted = self.wanted.clone();
        if let Some(replicas) = actual["spec"]["replicas"].as_i64().filter(|_| self.is_scaled) {
            wanted["spec"]["replicas"] = replicas.into();
        }
        wanted
    }

    fn readiness(&self, actual: &Value) -> Readiness {
        if self.waits { readiness(self.object_kind(), actual) } else { readiness("", actual) }
    }

    /// Succeeds when the object can be used; `Unavailable` while it only needs time.
    async fn check_ready(&self) -> Result<()> {
        let Some(actual) = self.objects.get(self.object_kind(), &self.name).await? else {
            return Err(self.unready(Kind::Unavailable, "it is gone again".to_owned()));
        };
        match self.readiness(&actual) {
            Readiness::Ready => Ok(()),
            Readiness::Failed(why) => Err(self.unready(Kind::Failed, self.explained(why).await)),
            Readiness::Waiting(why) => Err(self.unready(Kind::Unavailable, self.explained(why).await)),
        }
    }

    fn unready(&self, kind: Kind, why: String) -> Error {
        let error = Error::new(kind, format!("{} is not ready", Managed::id(self)), why);
        match self.wanted["metadata"]["namespace"].as_str() {
            Some(namespace) => error.hint(format!("see `kubectl describe {} {} --namespace {namespace}`", self.kind, self.name)),
            None => error.hint(format!("see `kubectl describe {} {}`", self.kind, self.name)),
        }
    }

    /// `why`, with what its pods say when they cannot start. That only explains: a fault in asking for it counts for nothing.
    async fn explained(&self, why: String) -> String {
        let labels = &self.wanted["spec"]["selector"]["matchLabels"];
        if labels.is_null() {
            return why;
        }
        let pods = self.objects.list("Pod").await.unwrap_or_default();
        match trouble(&pods, labels) {
            Some(trouble) => format!("{why}; {trouble}"),
            None => why,
        }
    }
}

#[async_trait]
impl Managed for Manifest {
    fn id(&self) -> ResourceId {
        ResourceId::new(self.kind, self.name.clone())
    }

    fn scope(&self) -> Scope {
        if self.kind == "namespace" { Scope::Shared } else { Scope::Stack }
    }

    fn patience(&self) -> Option<Duration> {
        match self.kind {
            // Longer than the Deployment's own deadline, so that it can say what went wrong.
            "deployment" => Some(Duration::from_secs(150)),
            "scaledjob" | "scaledobject" => Some(Duration::from_mins(2)),
            _ => None,
        }
    }

    fn replaces(&self) -> Vec<String> {
        vec![format!("kubectl apply -f {}", self.file)]
    }

    async fn look(&self) -> Result<Observed> {
        let Some(actual) = self.objects.get(self.object_kind(), &self.name).await? else { return Ok(Observed::Absent) };
        let unready = match self.readiness(&actual) {
            Readiness::Ready => None,
            Readiness::Waiting(why) | Readiness::Failed(why) => {
                Some(Difference { field: STATUS.to_owned(), actual: why, wanted: "ready".to_owned() })
            }
        };
        let labels = &actual["metadata"]["labels"];
        let foreign = if labels[MANAGED_BY_LABEL].as_str() == Some(MANAGED_BY) {
            not_ours(&self.stack, labels[STACK_LABEL].as_str())
        } else {
            Some(Observed::Foreign { why: format!("it has no label {MANAGED_BY_LABEL}={MANAGED_BY}") })
        };
        match (foreign, unready) {
            // A namespace on its way out serves nobody, whoever made it: it is waited for, and then made anew.
            (Some(_), Some(unready)) if self.kind == "namespace" => Ok(drifted(vec![unready])),
            (Some(foreign), _) => Ok(foreign),
            (None, unready) => {
                let wanted = self.with_replicas_of(&actual);
                Ok(drifted(differences(&wanted, &actual, Extra::Allowed).into_iter().chain(unready).collect()))
            }
        }
    }

    async fn create(&self) -> Result<()> {
        self.objects.apply(&self.wanted).await?;
        self.check_ready().await
    }

    async fn repair(&self, differences: &[Difference]) -> Result<()> {
        if differences.iter().any(|difference| difference.field != STATUS) {
            let actual =
                if self.is_scaled { self.objects.get(self.object_kind(), &self.name).await?.unwrap_or_default() } else { Value::Null };
            self.objects.apply(&self.with_replicas_of(&actual)).await?;
        }
        self.check_ready().await
    }

    async fn remove(&self) -> Result<()> {
        self.objects.delete(self.object_kind(), &self.name).await
    }
}

#[cfg(test)]
mod tests;
