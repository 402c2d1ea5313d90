//! The sources of credentials that are neither objects of the cluster nor AWS: known, so that their fields are checked.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use super::{PodIdentity, or_default};

/// `spec.hashiCorpVault`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HashiCorpVault {
    /// Its URL.
    pub address: String,
    /// How KEDA proves itself.
    pub authentication: VaultAuthentication,
    /// What it proves itself with.
    pub credential: Option<VaultCredential>,
    /// The mount of the authentication.
    pub mount: Option<String>,
    /// The namespace in the Vault.
    pub namespace: Option<String>,
    /// The role in the Vault.
    pub role: Option<String>,
    /// What is read.
    pub secrets: Vec<VaultSecret>,
}

/// How KEDA proves itself to a Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VaultAuthentication {
    /// By a token of the Vault.
    Token,
    /// By a token of a service account.
    Kubernetes,
}

/// `spec.hashiCorpVault.credential`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultCredential {
    /// The path of a service account's token.
    pub service_account: Option<String>,
    /// A service account whose token is asked for.
    pub service_account_name: Option<String>,
    /// The token itself. Secret.
    pub token: Option<String>,
}

impl fmt::Debug for VaultCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultCredential").field("service_account_name", &self.service_account_name).finish_non_exhaustive()
    }
}

/// One of `spec.hashiCorpVault.secrets`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultSecret {
    /// The parameter's name.
    pub parameter: String,
    /// The path in the Vault.
    pub path: String,
    /// The key at that path.
    pub key: String,
    /// The engine behind the path.
    #[serde(rename = "type")]
    pub engine: Option<VaultEngine>,
    /// What a certificate is asked for with.
    pub pki_data: Option<PkiData>,
}

/// The engine behind a path of a Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum VaultEngine {
    /// What the path is taken for.
    #[serde(rename = "")]
    Generic,
    /// Values with versions.
    #[serde(rename = "secretV2")]
    SecretV2,
    /// Values.
    #[serde(rename = "secret")]
    Secret,
    /// Certificates.
    #[serde(rename = "pki")]
    Pki,
}

/// One of `spec.hashiCorpVault.secrets`: `pkiData`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PkiData {
    /// The certificate's name.
    pub common_name: Option<String>,
    /// Other names.
    pub alt_names: Option<String>,
    /// Addresses.
    pub ip_sans: Option<String>,
    /// URIs.
    pub uri_sans: Option<String>,
    /// Names of other kinds.
    pub other_sans: Option<String>,
    /// How long it is good.
    pub ttl: Option<String>,
    /// How it is encoded.
    pub format: Option<String>,
}

/// A value that is in a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretValue {
    /// Where.
    pub value_from: Selected,
}

/// Which key of which Secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selected {
    /// The key.
    pub secret_key_ref: SecretKey,
}

/// A key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SecretKey {
    /// The Secret's name.
    pub name: String,
    /// The key in it.
    pub key: String,
}

/// `spec.azureKeyVault`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureKeyVault {
    /// Its URI.
    pub vault_uri: String,
    /// Which cloud it is in.
    pub cloud: Option<AzureCloud>,
    /// What KEDA proves itself with.
    pub credentials: Option<AzureClient>,
    /// The identity that KEDA has.
    pub pod_identity: Option<PodIdentity>,
    /// What is read.
    pub secrets: Vec<AzureSecret>,
}

/// `spec.azureKeyVault.cloud`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureCloud {
    /// Its name.
    #[serde(rename = "type")]
    pub kind: String,
    /// A private cloud's address of key vaults.
    #[serde(rename = "keyVaultResourceURL")]
    pub key_vault_resource_url: Option<String>,
    /// A private cloud's directory.
    pub active_directory_endpoint: Option<String>,
}

/// `spec.azureKeyVault.credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureClient {
    /// The client.
    pub client_id: String,
    /// Its tenant.
    pub tenant_id: String,
    /// Its secret.
    pub client_secret: SecretValue,
}

/// One of `spec.azureKeyVault.secrets`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AzureSecret {
    /// The parameter's name.
    pub parameter: String,
    /// The secret's name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
}

/// `spec.gcpSecretManager`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GcpSecretManager {
    /// What KEDA proves itself with.
    pub credentials: Option<GcpClient>,
    /// The identity that KEDA has.
    pub pod_identity: Option<PodIdentity>,
    /// What is read.
    pub secrets: Vec<GcpSecret>,
}

/// `spec.gcpSecretManager.credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GcpClient {
    /// The client's secret.
    pub client_secret: SecretValue,
}

/// One of `spec.gcpSecretManager.secrets`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GcpSecret {
    /// The parameter's name.
    pub parameter: String,
    /// The secret's id.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
}

/// `spec.awsSecretManager`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AwsSecretManager {
    /// Its region.
    pub region: Option<String>,
    /// What KEDA proves itself with.
    pub credentials: Option<AwsKeys>,
    /// The identity that KEDA has.
    pub pod_identity: Option<PodIdentity>,
    /// What is read.
    pub secrets: Vec<AwsSecret>,
}

/// `spec.awsSecretManager.credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AwsKeys {
    /// The key's id.
    pub access_key: SecretValue,
    /// The key itself.
    pub access_secret_key: SecretValue,
    /// Its session's token.
    pub access_token: Option<SecretValue>,
}

/// One of `spec.awsSecretManager.secrets`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AwsSecret {
    /// The parameter's name.
    pub parameter: String,
    /// The secret's name.
    pub name: String,
    /// The key in a secret that is JSON.
    pub secret_key: Option<String>,
    /// Its version.
    pub version_id: Option<String>,
    /// The stage of its version.
    pub version_stage: Option<String>,
}

/// `spec.oauth2`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Oauth2 {
    /// How a token is asked for; `clientCredentials`.
    #[serde(rename = "type")]
    pub kind: Option<Oauth2Kind>,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Option<SecretValue>,
    /// Where tokens come from.
    pub token_url: String,
    /// What is asked for.
    #[serde(default, deserialize_with = "or_default")]
    pub scopes: Vec<String>,
    /// What else is sent.
    #[serde(default, deserialize_with = "or_default")]
    pub token_url_params: BTreeMap<String, String>,
}

/// How a token of an OAuth 2 server is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Oauth2Kind {
    /// By the client's own id and secret.
    ClientCredentials,
}
