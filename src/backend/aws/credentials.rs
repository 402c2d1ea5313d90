//! Credentials of a role: STS is asked, by web identity or from other credentials, and the SDK caches the answer.

use std::{fmt, sync::Arc, time::SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use futures_util::future::BoxFuture;

use super::error::fault;
use crate::core::error::{Error, Result};

/// Mints a fresh service account token.
pub type Mint = Arc<dyn Fn() -> BoxFuture<'static, Result<String>> + Send + Sync>;

/// Becomes a role with `AssumeRoleWithWebIdentity`, as the SDK of a pod with IRSA does.
pub struct WebIdentity {
    sts: aws_sdk_sts::Client,
    role_arn: String,
    session: String,
    mint: Mint,
}

impl WebIdentity {
    /// Becomes the role `role_arn` under the session name `session`, with tokens from `mint`; `config` needs no credentials.
    #[must_use]
    pub fn new(config: &SdkConfig, role_arn: impl Into<String>, session: impl Into<String>, mint: Mint) -> Self {
        Self { sts: aws_sdk_sts::Client::new(config), role_arn: role_arn.into(), session: session.into(), mint }
    }

    async fn assume(&self) -> Result<Credentials> {
        let what = || format!("could not become the role `{}`", self.role_arn);
        let token = (self.mint)().await?;
        let request = self.sts.assume_role_with_web_identity().role_arn(&self.role_arn).role_session_name(&self.session);
        let answer = request.web_identity_token(token).send().await.map_err(|error| fault(what(), &error))?;
        given(answer.credentials, &what(), "web identity")
    }
}

/// Becomes a role with `AssumeRole`, from other credentials.
pub struct AssumedRole {
    sts: aws_sdk_sts::Client,
    role_arn: String,
    session: String,
    external_id: Option<String>,
}

impl AssumedRole {
    /// Becomes the role `role_arn` from the credentials in `config`, with an external id if the role's trust asks for one.
    #[must_use]
    pub fn new(config: &SdkConfig, role_arn: impl Into<String>, session: impl Into<String>, external_id: Option<String>) -> Self {
        Self { sts: aws_sdk_sts::Client::new(config), role_arn: role_arn.into(), session: session.into(), external_id }
    }

    async fn assume(&self) -> Result<Credentials> {
        let what = || format!("could not become the role `{}`", self.role_arn);
        let request = self.sts.assume_role().role_arn(&self.role_arn).role_session_name(&self.session);
        let answer = request.set_external_id(self.external_id.clone()).send().await.map_err(|error| fault(what(), &error))?;
        given(answer.credentials, &what(), "assumed role")
    }
}

/// Web identity, and `AssumeRole` when that is refused: the order in which KEDA tries.
#[derive(Debug)]
pub struct FirstOf(pub WebIdentity, pub AssumedRole);

impl FirstOf {
    async fn assume(&self) -> Result<Credentials> {
        match self.0.assume().await {
            Ok(credentials) => Ok(credentials),
            Err(_) => self.1.assume().await,
        }
    }
}

fn given(credentials: Option<aws_sdk_sts::types::Credentials>, what: &str, provider: &'static str) -> Result<Credentials> {
    let given = credentials.ok_or_else(|| Error::failed(what, "STS answered without credentials"))?;
    let expiry = SystemTime::try_from(given.expiration).map_err(|error| Error::failed(what, error))?;
    Ok(Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), Some(expiry), provider))
}

impl ProvideCredentials for WebIdentity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { self.assume().await.map_err(CredentialsError::provider_error) })
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { self.assume().await.map_err(CredentialsError::provider_error) })
    }
}

impl ProvideCredentials for FirstOf {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { self.assume().await.map_err(CredentialsError::provider_error) })
    }
}

impl fmt::Debug for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentity").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}

impl fmt::Debug for AssumedRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumedRole").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}
