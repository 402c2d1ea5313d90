//! From a trigger's reference to what its scaler is given: parameters and a pod's identity, as KEDA resolves them.

mod parameters;
pub mod shared;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use super::{
    environment::{self, Lookup, Store},
    manifest::{
        AuthenticationRef,
        trigger_authentication::{IdentityOwner, KINDS, PodIdentity, Provider, TriggerAuthenticationSpec},
    },
};
use crate::core::error::{Error, Kind, Result};

/// The annotation by which a service account names its role (IRSA).
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The parameter in which a pod's identity has its role.
const ROLE_PARAMETER: &str = "awsRoleArn";

/// The role that a service account names.
#[must_use]
pub fn role_of(service_account: &Value) -> Option<String> {
    service_account["metadata"]["annotations"][ROLE_ANNOTATION].as_str().map(str::to_owned)
}

/// One trigger's reference, and where it is looked up.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// What the trigger refers to.
    pub reference: Option<&'a AuthenticationRef>,
    /// The spec of that; `None` when it does not exist.
    pub spec: Option<&'a TriggerAuthenticationSpec>,
    /// The spec of the workload's pods; `None` where it has none.
    pub pod: Option<&'a Value>,
    /// The namespace of the trigger's object.
    pub namespace: &'a str,
    /// KEDA's own namespace.
    pub keda_namespace: &'a str,
}

/// What an answer takes from other objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// From the namespace of the trigger's object.
    pub own: BTreeSet<(Store, String)>,
    /// From the namespace that the reference's kind reads.
    pub referenced: BTreeSet<(Store, String)>,
    /// The service account of the workload's pods.
    pub service_account: Option<String>,
}

/// The objects that [`Question::named`] names.
#[derive(Clone, Copy)]
pub struct Objects<'a> {
    /// In the namespace of the trigger's object.
    pub own: &'a Lookup<'a>,
    /// In the namespace that the reference's kind reads.
    pub referenced: &'a Lookup<'a>,
    /// The service account of the workload's pods, if it exists.
    pub service_account: Option<&'a Value>,
    /// A token of a service account in the namespace that the reference's kind reads; `None` where none can be had.
    pub token: &'a dyn Fn(&str) -> Option<String>,
}

/// What a scaler is given.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    /// The parameters. Secret.
    pub parameters: BTreeMap<String, String>,
    /// The pod's identity.
    pub identity: PodIdentity,
    /// What KEDA's operator passes over and only writes into its log, each naming the object and the way out.
    pub notes: Vec<String>,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.parameters.keys().collect();
        f.debug_struct("Resolved").field("parameters", &names).field("identity", &self.identity).field("notes", &self.notes).finish()
    }
}

impl<'a> Question<'a> {
    /// Whether the reference is to a `ClusterTriggerAuthentication`.
    #[must_use]
    pub fn is_cluster_wide(&self) -> bool {
        self.kind() == KINDS[1]
    }

    /// The kind that is referred to.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.reference.and_then(|reference| reference.kind.as_deref()).filter(|kind| !kind.is_empty()).unwrap_or(KINDS[0])
    }

    fn name(&self) -> &'a str {
        self.reference.map_or("", |reference| reference.name.as_str())
    }

    /// What is referred to, if KEDA takes it for anything.
    fn spec(&self) -> Option<&'a TriggerAuthenticationSpec> {
        self.spec.filter(|_| KINDS.contains(&self.kind()) && !self.name().is_empty())
    }

    /// Where the objects are that the reference's kind names.
    fn referenced_namespace(&self) -> &'a str {
        if self.is_cluster_wide() { self.keda_namespace } else { self.namespace }
    }

    /// `kind name`, as messages have it.
    fn shown(&self) -> String {
        format!("{} `{}`", self.kind(), self.name())
    }

    /// The objects that an answer needs, each at most once.
    #[must_use]
    pub fn named(&self) -> Named {
        let Some(spec) = self.spec() else { return Named::default() };
        let keys = [(Store::ConfigMap, &spec.config_map_target_ref), (Store::Secret, &spec.secret_target_ref)];
        let references = keys.into_iter().flat_map(|(store, list)| list.iter().map(move |key| (store, key.name.clone())));
        let own = self
            .pod
            .into_iter()
            .flat_map(|pod| spec.env.iter().flat_map(move |variable| environment::named(pod, variable.container_name.as_deref())));
        let needs_account = self.pod.is_some()
            && spec.pod_identity.as_ref().is_some_and(|identity| match identity.provider {
                Provider::Aws => identity.role_arn.is_none() && identity.identity_owner == Some(IdentityOwner::Workload),
                Provider::AwsEks => true,
                Provider::None | Provider::AzureWorkload | Provider::Gcp => false,
            });
        Named {
            own: own.collect(),
            referenced: references.filter(|(_, name)| !name.is_empty()).collect(),
            service_account: needs_account.then(|| self.service_account().to_owned()),
        }
    }

    /// The service account of the workload's pods; `default` where they name none.
    fn service_account(&self) -> &'a str {
        let named = self.pod.and_then(|pod| pod["serviceAccountName"].as_str());
        named.filter(|name| !name.is_empty()).unwrap_or("default")
    }

    /// Parameters and identity. What does not exist is empty and noted, as KEDA has it.
    ///
    /// # Errors
    /// `Denied` where KEDA's scaler is not built: a role beside the workload's identity, a service account that does not exist
    /// or names no role, and a file or a vault that cannot be read from here.
    pub fn resolve(&self, objects: Objects<'_>) -> Result<Resolved> {
        let mut resolved = parameters::resolve(self, objects)?;
        if self.pod.is_none() {
            return Ok(resolved);
        }
        let role = match resolved.identity.provider {
            Provider::Aws => self.aws_role(&resolved.identity, objects)?,
            Provider::AwsEks => Some(role_of(self.account(objects)?).unwrap_or_default()),
            Provider::AzureWorkload if resolved.identity.identity_id.as_deref() == Some("") => {
                return Err(self.refused("spec.podIdentity.identityId", "it is empty").hint("leave it out for the workload's own"));
            }
            Provider::None | Provider::AzureWorkload | Provider::Gcp => None,
        };
        resolved.parameters.extend(role.map(|role| (ROLE_PARAMETER.to_owned(), role)));
        Ok(resolved)
    }

    fn aws_role(&self, identity: &PodIdentity, objects: Objects<'_>) -> Result<Option<String>> {
        let is_workloads = identity.identity_owner == Some(IdentityOwner::Workload);
        match &identity.role_arn {
            Some(_) if is_workloads => Err(self
                .refused("spec.podIdentity.roleArn", "it cannot be given where identityOwner is `workload`")
                .hint("leave one of them out: the role is then the one in roleArn, or the one that the service account names")),
            None if is_workloads => {
                let role = role_of(self.account(objects)?);
                let account = self.service_account();
                role.map(Some).ok_or_else(|| {
                    let why = format!("the service account `{account}` has no annotation {ROLE_ANNOTATION}");
                    let hint =
                        format!("kubectl annotate serviceaccount {account} --namespace {} {ROLE_ANNOTATION}=ROLE_ARN", self.namespace);
                    self.refused("spec.podIdentity", &why).hint(hint)
                })
            }
            role => Ok(role.clone()),
        }
    }

    fn account<'o>(&self, objects: Objects<'o>) -> Result<&'o Value> {
        objects.service_account.ok_or_else(|| {
            let why = format!("there is no service account `{}` in namespace `{}`", self.service_account(), self.namespace);
            self.refused("spec.podIdentity", &why).hint("name one in the pod template's serviceAccountName, or make this one")
        })
    }

    /// The error of a `field` that cannot be used.
    fn refused(&self, field: &str, why: &str) -> Error {
        Error::new(Kind::Denied, format!("could not use {field} of {}", self.shown()), why)
    }
}

#[cfg(test)]
mod tests;
