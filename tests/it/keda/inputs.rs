//! A scaler's inputs as the rows have them, and KEDA's words for an identity.

use std::collections::BTreeMap;

use kedactl::core::keda::{
    authorization::AwsAuthorization,
    manifest::trigger_authentication::{IdentityOwner, PodIdentity, Provider},
    metadata::Sources,
};
use serde_json::{Value, json};

use super::vectors::{Case, texts};

/// Where a row keeps the scaler's inputs.
#[derive(Default)]
pub(super) struct Inputs {
    pub(super) trigger: BTreeMap<String, String>,
    pub(super) auth: BTreeMap<String, String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) identity: PodIdentity,
    pub(super) index: usize,
}

impl Inputs {
    pub(super) fn of(case: &Case<'_>, prefix: &str) -> Self {
        let at = |name: &str| case.at(&format!("{prefix}{name}"));
        Self {
            trigger: texts(at("triggerMetadata")),
            auth: texts(at("authParams")),
            env: texts(at("resolvedEnv")),
            identity: pod_identity(at("podIdentity")),
            index: usize::try_from(at("triggerIndex").as_u64().unwrap_or(0)).expect("fits"),
        }
    }

    pub(super) fn sources(&self) -> Sources<'_> {
        Sources { trigger: &self.trigger, auth: &self.auth, env: &self.env }
    }
}

/// A pod's identity as the rows have it, valid or not.
pub(super) fn pod_identity(given: &Value) -> PodIdentity {
    let text = |name: &str| given[name].as_str().map(str::to_owned);
    let providers = [Provider::Aws, Provider::AwsEks, Provider::AzureWorkload, Provider::Gcp];
    let owners = [("keda", IdentityOwner::Keda), ("workload", IdentityOwner::Workload)];
    PodIdentity {
        provider: providers.into_iter().find(|provider| given["provider"] == provider.name()).unwrap_or_default(),
        identity_id: text("identityId"),
        identity_tenant_id: text("identityTenantId"),
        identity_authority_host: text("identityAuthorityHost"),
        role_arn: text("roleArn"),
        external_id: text("externalID").or_else(|| text("externalId")),
        identity_owner: owners.into_iter().find(|(name, _)| given["identityOwner"] == *name).map(|(_, owner)| owner),
    }
}

/// KEDA's flags and texts for an identity.
pub(super) fn flat(identity: &AwsAuthorization) -> Value {
    match identity {
        AwsAuthorization::PodIdentity { role_arn, external_id } => {
            json!([true, false, role_arn.as_deref().unwrap_or(""), external_id.as_deref().unwrap_or(""), "", "", ""])
        }
        AwsAuthorization::Role(role_arn) => json!([false, true, role_arn, "", "", "", ""]),
        AwsAuthorization::Keys { access_key_id, secret_access_key, session_token } => {
            json!([false, true, "", "", access_key_id, secret_access_key, session_token])
        }
        AwsAuthorization::Operator => json!([false, false, "", "", "", "", ""]),
    }
}

/// The same of a row's `auth`.
pub(super) fn flat_from(auth: &Value) -> Value {
    let names =
        ["usingPodIdentity", "podIdentityOwner", "awsRoleArn", "awsExternalID", "awsAccessKeyID", "awsSecretAccessKey", "awsSessionToken"];
    names.iter().map(|name| auth[name].clone()).collect()
}
