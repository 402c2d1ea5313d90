//! `TriggerAuthentication` and `ClusterTriggerAuthentication`: where a trigger's credentials come from. Both have the same spec.

mod elsewhere;

use serde::{Deserialize, Deserializer};

pub use self::elsewhere::{
    AwsKeys, AwsSecret, AwsSecretManager, AzureClient, AzureCloud, AzureKeyVault, AzureSecret, GcpClient, GcpSecret, GcpSecretManager,
    HashiCorpVault, Oauth2, Oauth2Kind, PkiData, SecretKey, SecretValue, Selected, VaultAuthentication, VaultCredential, VaultEngine,
    VaultSecret,
};
use super::{API_VERSION, field::Field, metadata::Metadata, typed};
use crate::core::error::{Error, Result};

/// Both kinds, the namespaced one first.
pub const KINDS: [&str; 2] = ["TriggerAuthentication", "ClusterTriggerAuthentication"];

const TOP: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// One object of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerAuthentication {
    /// Its name and its labels.
    pub metadata: Metadata,
    /// Where credentials come from.
    pub spec: TriggerAuthenticationSpec,
}

/// `spec`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TriggerAuthenticationSpec {
    /// The identity of a pod.
    pub pod_identity: Option<PodIdentity>,
    /// Keys of Secrets.
    #[serde(deserialize_with = "or_default")]
    pub secret_target_ref: Vec<KeyRef>,
    /// Keys of `ConfigMaps`.
    #[serde(deserialize_with = "or_default")]
    pub config_map_target_ref: Vec<KeyRef>,
    /// Variables of the workload's containers.
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<Variable>,
    /// A file of parameters under the folder that KEDA's operator keeps for them; of the cluster's kind only.
    #[serde(deserialize_with = "or_default")]
    pub file_path: String,
    /// Secrets of a `HashiCorp` Vault.
    pub hashi_corp_vault: Option<HashiCorpVault>,
    /// Secrets of an Azure Key Vault.
    pub azure_key_vault: Option<AzureKeyVault>,
    /// Secrets of Google's Secret Manager.
    pub gcp_secret_manager: Option<GcpSecretManager>,
    /// Secrets of AWS's Secrets Manager.
    pub aws_secret_manager: Option<AwsSecretManager>,
    /// Tokens of service accounts.
    #[serde(deserialize_with = "or_default")]
    pub bound_service_account_token: Vec<BoundToken>,
    /// A client of an OAuth 2 server.
    pub oauth2: Option<Oauth2>,
}

/// `spec.podIdentity`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodIdentity {
    /// Whose identity it is.
    pub provider: Provider,
    /// Azure: the identity's id.
    pub identity_id: Option<String>,
    /// Azure: its tenant, instead of the workload's.
    pub identity_tenant_id: Option<String>,
    /// Azure: the authority that is asked, instead of the workload's.
    pub identity_authority_host: Option<String>,
    /// AWS: the role to assume. An empty one is not the same as none.
    pub role_arn: Option<String>,
    /// AWS: sent with `AssumeRole` into `role_arn`.
    #[serde(rename = "externalID")]
    pub external_id: Option<String>,
    /// AWS: whose role it is.
    pub identity_owner: Option<IdentityOwner>,
}

/// Whose identity a pod has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// None.
    #[default]
    None,
    /// AWS: the operator's own, or a role that it assumes.
    Aws,
    /// AWS, deprecated: the role of the workload's service account, assumed the legacy way.
    AwsEks,
    /// Azure.
    AzureWorkload,
    /// Google.
    Gcp,
}

impl Provider {
    /// Its name in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Aws => "aws",
            Self::AwsEks => "aws-eks",
            Self::AzureWorkload => "azure-workload",
            Self::Gcp => "gcp",
        }
    }
}

/// Whose role is assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityOwner {
    /// The operator's, or the one in `roleArn`.
    Keda,
    /// The one that the workload's service account names.
    Workload,
}

/// A parameter that a key of a Secret or of a `ConfigMap` gives.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeyRef {
    /// The parameter's name.
    pub parameter: String,
    /// The object's name.
    pub name: String,
    /// The key in it.
    pub key: String,
}

/// A parameter that a variable of a container gives.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// The parameter's name.
    pub parameter: String,
    /// The variable's name.
    pub name: String,
    /// The container; the first one where none is named.
    pub container_name: Option<String>,
}

/// A parameter that a token of a service account gives.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoundToken {
    /// The parameter's name.
    pub parameter: String,
    /// The service account.
    pub service_account_name: String,
}

impl TriggerAuthentication {
    pub(super) fn read(root: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let rule = format!("a TriggerAuthentication is of {API_VERSION}");
        let version = root.required("apiVersion", &rule)?;
        if version.text()? != API_VERSION {
            return Err(version.error(rule));
        }
        root.note_unknown(&TOP, warnings)?;
        let metadata = Metadata::read(&root.required("metadata", "a TriggerAuthentication needs a name")?)?;
        let field = root.required("spec", "a TriggerAuthentication says where credentials come from")?;
        Ok(Self { metadata, spec: typed::read(&field, warnings)? })
    }
}

impl TriggerAuthenticationSpec {
    /// The rules of KEDA's admission webhook: which fields of a pod's identity go together.
    ///
    /// # Errors
    /// `Input`, naming the field.
    pub fn validate(&self) -> Result<()> {
        let Some(identity) = &self.pod_identity else { return Ok(()) };
        let refuse = |field: &str, value: &str, rule: &str| Err(Error::input(format!("spec.podIdentity.{field}"), value, rule));
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        match identity.provider {
            Provider::AzureWorkload => {
                if identity.identity_id.as_deref() == Some("") {
                    return refuse("identityId", "", "an identity has an id: leave the field out for the workload's own");
                }
                if identity.identity_tenant_id.as_deref() == Some("") {
                    return refuse("identityTenantId", "", "a tenant has an id: leave the field out for the workload's own");
                }
                match &identity.identity_authority_host {
                    Some(host) if !host.is_empty() && !given(&identity.identity_tenant_id) => {
                        refuse("identityAuthorityHost", host, "it needs identityTenantId beside it")
                    }
                    _ => Ok(()),
                }
            }
            Provider::Aws => match (&identity.role_arn, &identity.external_id) {
                (Some(role), _) if !role.is_empty() && identity.identity_owner == Some(IdentityOwner::Workload) => {
                    refuse("roleArn", role, "the role is the service account's where identityOwner is `workload`: leave one of them out")
                }
                (role, Some(external_id)) if !external_id.is_empty() && !given(role) => {
                    refuse("externalID", external_id, "it is sent with AssumeRole into roleArn: name that role")
                }
                _ => Ok(()),
            },
            Provider::None | Provider::AwsEks | Provider::Gcp => Ok(()),
        }
    }
}

/// What is null is what is not there.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> std::result::Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
