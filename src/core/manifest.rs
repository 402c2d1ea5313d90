//! A Kubernetes object as a resource, over whichever store of objects.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    drift::{Extra, differences},
    error::{Error, Result},
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId},
    ports::Objects,
    stack::{MANAGED_BY, MANAGED_BY_LABEL, STACK_LABEL, StackName},
    template::{Facts, Template},
};

/// One object, and what it should be.
pub struct Manifest {
    objects: Arc<dyn Objects>,
    stack: StackName,
    wanted: Value,
    kind: &'static str,
    name: String,
    file: &'static str,
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
            Template::ServiceAccount => ("serviceaccount", "service-account.yaml"),
            Template::TriggerAuthentication => ("triggerauthentication", "scaled-job-consumer.yaml"),
            Template::ScaledJob => ("scaledjob", "scaled-job-consumer.yaml"),
            _ => return Err(fault("setup makes no object from it".to_owned())),
        };
        let name = wanted["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        Ok(Self { objects, stack: stack.clone(), wanted, kind, name, file })
    }

    fn object_kind(&self) -> &str {
        self.wanted["kind"].as_str().unwrap_or_default()
    }
}

#[async_trait]
impl Managed for Manifest {
    fn id(&self) -> ResourceId {
        ResourceId::new(self.kind, self.name.clone())
    }

    fn replaces(&self) -> Vec<String> {
        vec![format!("kubectl apply -f {}", self.file)]
    }

    async fn look(&self) -> Result<Observed> {
        let Some(actual) = self.objects.get(self.object_kind(), &self.name).await? else { return Ok(Observed::Absent) };
        let labels = &actual["metadata"]["labels"];
        if labels[MANAGED_BY_LABEL].as_str() != Some(MANAGED_BY) {
            return Ok(Observed::Foreign { why: format!("it has no label {MANAGED_BY_LABEL}={MANAGED_BY}") });
        }
        if let Some(foreign) = not_ours(&self.stack, labels[STACK_LABEL].as_str()) {
            return Ok(foreign);
        }
        Ok(drifted(differences(&self.wanted, &actual, Extra::Allowed)))
    }

    async fn create(&self) -> Result<()> {
        self.objects.apply(&self.wanted).await
    }

    async fn repair(&self, _differences: &[Difference]) -> Result<()> {
        self.objects.apply(&self.wanted).await
    }

    async fn remove(&self) -> Result<()> {
        self.objects.delete(self.object_kind(), &self.name).await
    }
}
