//! The identity of KEDA's operator as a resource: the annotation on its service account, and one restart.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::reach::{Reach, annotation};
use crate::core::{
    controller::{Identity, Install, RESTART_ANNOTATION, Refusal},
    error::{Error, Kind, Result},
    managed::{Managed, drifted},
    plan::{Difference, Observed, ResourceId},
    ports::Objects,
    readiness::{Readiness, readiness},
};

/// How long a restarted operator may take to be available.
const PATIENCE: Duration = Duration::from_mins(3);

/// The operator's identity.
pub(super) struct OperatorIdentity {
    reach: Reach,
    identity: Identity,
    stack: String,
}

/// The operator as it is.
struct Operator {
    install: Install,
    account: Option<Value>,
    deployment: Value,
    pods: Vec<Value>,
}

impl OperatorIdentity {
    pub(super) fn new(reach: Reach, identity: Identity, stack: String) -> Self {
        Self { reach, identity, stack }
    }

    async fn operator(&self) -> Result<Option<Operator>> {
        let found = self.reach.find().await?;
        let Some(install) = found.installs.into_iter().find(|install| install.namespace == self.reach.namespace) else { return Ok(None) };
        let Some(deployment) = self.reach.objects.get("Deployment", &install.deployment).await? else { return Ok(None) };
        let account = self.reach.objects.get("ServiceAccount", &install.service_account).await?;
        let pods = self.reach.pods(&deployment).await?;
        Ok(Some(Operator { install, account, deployment, pods }))
    }

    /// Whether anything on `operator` bears this identity.
    fn is_borne_by(&self, operator: &Operator) -> bool {
        self.bears_role(operator.account.as_ref()) || restarted_for(&operator.deployment) == self.identity.restart()
    }

    fn bears_role(&self, account: Option<&Value>) -> bool {
        let value = |key: &str| account.and_then(|account| account["metadata"]["annotations"][key].as_str());
        self.identity.annotation().is_some_and(|(key, wanted)| value(key) == Some(wanted))
    }

    async fn give(&self) -> Result<()> {
        let id = Managed::id(self);
        let absent =
            || Error::new(Kind::NotFound, format!("could not make {id}"), "KEDA's operator is not there").hint("run `kedactl setup` again");
        let operator = self.operator().await?.ok_or_else(absent)?;
        let wanted = self.identity.differences(operator.account.as_ref(), &operator.deployment, &operator.pods);
        let wanted = wanted.map_err(|Refusal { why, hint }| Error::failed(format!("could not make {id}"), why).hint(hint))?;
        for difference in &wanted {
            if let Some((key, role)) = self.identity.annotation().filter(|(key, _)| difference.field.ends_with(key)) {
                let account = operator.account.as_ref().ok_or_else(absent)?;
                self.reach.set(account, annotation(key, &role.into())).await?;
            } else {
                self.reach.set(&operator.deployment, restart(&self.identity.restart().into())).await?;
            }
        }
        self.check_restarted(&operator.install.deployment).await
    }

    async fn check_restarted(&self, name: &str) -> Result<()> {
        let deployment = self.reach.objects.get("Deployment", name).await?.unwrap_or_default();
        let (kind, why) = match readiness("Deployment", &deployment) {
            Readiness::Ready => return Ok(()),
            Readiness::Waiting(why) => (Kind::Unavailable, why),
            Readiness::Failed(why) => (Kind::Failed, why),
        };
        let hint = format!("see `kubectl rollout status deployment/{name} --namespace {}`", self.reach.namespace);
        Err(Error::new(kind, "KEDA's operator is restarting", why).hint(hint))
    }
}

fn restarted_for(deployment: &Value) -> &str {
    deployment["spec"]["template"]["metadata"]["annotations"][RESTART_ANNOTATION].as_str().unwrap_or_default()
}

/// The pod template's annotation, which starts the pods anew when it changes.
fn restart(value: &Value) -> Value {
    serde_json::json!({ "spec": { "template": annotation(RESTART_ANNOTATION, value) } })
}

#[async_trait]
impl Managed for OperatorIdentity {
    fn id(&self) -> ResourceId {
        ResourceId::new("keda identity", self.identity.service_account.clone())
    }

    fn patience(&self) -> Option<Duration> {
        Some(PATIENCE)
    }

    fn replaces(&self) -> Vec<String> {
        let Self { reach: Reach { namespace, .. }, identity, .. } = self;
        let annotate = identity.annotation().map(|(key, role)| {
            format!("kubectl annotate serviceaccount {} {key}={role} --namespace {namespace}", identity.service_account)
        });
        let restart = format!("kubectl rollout restart deployment keda-operator --namespace {namespace}");
        annotate.into_iter().chain([restart]).collect()
    }

    async fn look(&self) -> Result<Observed> {
        let Some(operator) = self.operator().await? else { return Ok(Observed::Absent) };
        let found = match self.identity.differences(operator.account.as_ref(), &operator.deployment, &operator.pods) {
            Ok(found) => found,
            Err(Refusal { why, hint }) => return Ok(Observed::Refused { why, hint }),
        };
        if self.is_borne_by(&operator) {
            return Ok(drifted(found));
        }
        if operator.install.stack.as_ref() == Some(&self.stack) && !found.is_empty() {
            return Ok(Observed::Absent);
        }
        Ok(Observed::Borrowed { why: operator.install.describe(), differences: found })
    }

    async fn create(&self) -> Result<()> {
        self.give().await
    }

    async fn repair(&self, _differences: &[Difference]) -> Result<()> {
        self.give().await
    }

    /// Takes back what bears this identity; an operator that was given its role by the annotation starts anew without it.
    async fn remove(&self) -> Result<()> {
        let Some(operator) = self.operator().await? else { return Ok(()) };
        if let (Some(account), Some((key, _))) = (&operator.account, self.identity.annotation())
            && self.bears_role(Some(account))
        {
            self.reach.take(account, annotation(key, &Value::Null)).await?;
        }
        if restarted_for(&operator.deployment) == self.identity.restart() {
            self.reach.take(&operator.deployment, restart(&Value::Null)).await?;
        }
        Ok(())
    }
}
