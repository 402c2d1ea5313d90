//! A scaler's inputs as the rows have them, and KEDA's words for an identity.

use std::collections::BTreeMap;

use kedactl::core::keda::{
    authorization::{AwsAuthorization, PodIdentity},
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
        let text = |name: &str| at("podIdentity").get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            trigger: texts(at("triggerMetadata")),
            auth: texts(at("authParams")),
            env: texts(at("resolvedEnv")),
            identity: PodIdentity {
                provider: text("provider").unwrap_or_default(),
                role_arn: text("roleArn"),
                external_id: text("externalID").or_else(|| text("externalId")),
            },
            index: usize::try_from(at("triggerIndex").as_u64().unwrap_or(0)).expect("fits"),
        }
    }

    pub(super) fn sources(&self) -> Sources<'_> {
        Sources { trigger: &self.trigger, auth: &self.auth, env: &self.env }
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
