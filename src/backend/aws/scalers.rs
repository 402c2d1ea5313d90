//! Builds what reads a trigger, under the identity that KEDA would use for it.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    config::{Wire, configure},
    credentials::{AssumedRole, FirstOf, Mint, WebIdentity},
    metric::metric,
};
use crate::core::{
    error::{Error, Kind, Result},
    keda::{
        authorization::{AwsAuthorization, PodIdentity},
        manifest::Trigger,
        metadata::Sources,
        trigger::{TriggerMetadata, place::Place},
    },
    ports::{Asked, Metric, Objects, Scalers},
};

/// The annotation by which a service account names its role.
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The session name that KEDA gives itself.
const SESSION: &str = "KEDA";

/// The scalers of a process that stands in for KEDA's operator.
pub struct AwsScalers {
    /// Where AWS is.
    pub wire: Wire,
    /// Where the `TriggerAuthentications` are.
    pub objects: Arc<dyn Objects>,
    /// Where the Secrets of `ClusterTriggerAuthentications` are: KEDA's own namespace.
    pub keda_objects: Arc<dyn Objects>,
    /// The operator's own credentials.
    pub operator: SharedCredentialsProvider,
    /// Mints the operator's tokens, where there is a cluster that issues them.
    pub mint: Option<Mint>,
}

#[async_trait]
impl Scalers for AwsScalers {
    async fn build(&self, asked: Asked<'_>) -> Result<Option<Arc<dyn Metric>>> {
        let Asked { index, trigger, env, .. } = asked;
        let reference = self.authentication(trigger).await?;
        let (identity, auth) = match &reference {
            Some(found) => (self.pod_identity(found, asked.service_account()).await?, self.secrets(found).await?),
            None => (PodIdentity::default(), BTreeMap::new()),
        };
        let sources = Sources { trigger: &trigger.metadata, auth: &auth, env };
        let metadata = TriggerMetadata::parse(&trigger.kind, trigger.metric_type, sources).map_err(|error| at(index, error))?;
        // What needs no AWS needs no identity either: KEDA's scaler never decides for one.
        let source = metadata.source();
        let authorization = if source.is_some() { AwsAuthorization::decide(&identity, sources)? } else { AwsAuthorization::Operator };
        let Place { region, endpoint } = source.map(|source| source.place).unwrap_or_default();
        let credentials = self.credentials(authorization, &region);
        let wire = if endpoint.is_empty() { self.wire.clone() } else { Wire::network(Some(endpoint)) };
        metric(index, metadata, &configure(&wire, &region, Some(credentials))).await
    }
}

impl AwsScalers {
    /// What the trigger refers to. A missing one is none, as KEDA has it.
    async fn authentication(&self, trigger: &Trigger) -> Result<Option<Authentication>> {
        let Some(reference) = &trigger.authentication_ref else { return Ok(None) };
        let kind = reference.kind.as_deref().unwrap_or("TriggerAuthentication");
        let object = self.objects.get(kind, &reference.name).await?;
        let objects = if kind == "ClusterTriggerAuthentication" { &self.keda_objects } else { &self.objects };
        Ok(object.map(|mut object| Authentication { name: reference.name.clone(), spec: object["spec"].take(), objects: objects.clone() }))
    }

    /// The parameters that Secrets give. A missing Secret or key gives an empty one, as KEDA has it.
    async fn secrets(&self, reference: &Authentication) -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for target in reference.spec["secretTargetRef"].as_array().into_iter().flatten() {
            let text = |field: &str| target[field].as_str().unwrap_or_default();
            let secret = reference.objects.get("Secret", text("name")).await?.unwrap_or_default();
            let bytes = secret["data"][text("key")].as_str().and_then(|data| STANDARD.decode(data).ok()).unwrap_or_default();
            found.insert(text("parameter").to_owned(), String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(found)
    }

    /// The pod identity that a TriggerAuthentication gives.
    async fn pod_identity(&self, reference: &Authentication, service_account: &str) -> Result<PodIdentity> {
        let given = &reference.spec["podIdentity"];
        let text = |field: &str| given[field].as_str().map(str::to_owned);
        let owner_is_workload = given["identityOwner"].as_str() == Some("workload");
        let role_arn = match text("roleArn") {
            Some(_) if owner_is_workload => {
                return Err(refused(&reference.name, "roleArn cannot be given beside identityOwner: workload"));
            }
            None if owner_is_workload => Some(self.workload_role(&reference.name, service_account).await?),
            role_arn => role_arn,
        };
        Ok(PodIdentity { provider: text("provider").unwrap_or_default(), role_arn, external_id: text("externalID") })
    }

    async fn workload_role(&self, reference: &str, service_account: &str) -> Result<String> {
        let account = self.objects.get("ServiceAccount", service_account).await?.unwrap_or_default();
        role_of(&account).ok_or_else(|| refused(reference, &format!("service account `{service_account}` names no role")))
    }

    fn credentials(&self, authorization: AwsAuthorization, region: &str) -> SharedCredentialsProvider {
        let (role, external_id) = match authorization {
            AwsAuthorization::Operator | AwsAuthorization::PodIdentity { role_arn: None, .. } => return self.operator.clone(),
            AwsAuthorization::Keys { access_key_id, secret_access_key, session_token } => {
                let token = Some(session_token).filter(|token| !token.is_empty());
                return SharedCredentialsProvider::new(Credentials::new(access_key_id, secret_access_key, token, None, "trigger"));
            }
            AwsAuthorization::Role(role) => return SharedCredentialsProvider::new(self.assumed(role, None, region)),
            AwsAuthorization::PodIdentity { role_arn: Some(role), external_id } => (role, external_id),
        };
        let assumed = self.assumed(role.clone(), external_id, region);
        match &self.mint {
            Some(mint) => {
                let web_identity = WebIdentity::new(&configure(&self.wire, region, None), role, SESSION, mint.clone());
                SharedCredentialsProvider::new(FirstOf(web_identity, assumed))
            }
            None => SharedCredentialsProvider::new(assumed),
        }
    }

    fn assumed(&self, role: String, external_id: Option<String>, region: &str) -> AssumedRole {
        AssumedRole::new(&configure(&self.wire, region, Some(self.operator.clone())), role, SESSION, external_id)
    }
}

/// The error, with the trigger that it is of.
fn at(index: usize, error: Error) -> Error {
    Error { what: error.what.replacen("invalid ", &format!("invalid triggers[{index}]."), 1), ..error }
}

/// A TriggerAuthentication of either kind, and where its Secrets are.
struct Authentication {
    name: String,
    spec: Value,
    objects: Arc<dyn Objects>,
}

/// The role that a service account names.
#[must_use]
pub fn role_of(service_account: &Value) -> Option<String> {
    service_account["metadata"]["annotations"][ROLE_ANNOTATION].as_str().map(str::to_owned)
}

fn refused(name: &str, why: &str) -> Error {
    Error::new(Kind::Denied, format!("could not use the TriggerAuthentication `{name}`"), why)
}
