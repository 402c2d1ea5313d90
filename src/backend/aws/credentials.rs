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

/// How long a role is assumed for, as AWS's SDK for Go does where nothing is said.
const SESSION_SECONDS: i32 = 15 * 60;

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

    pub(super) async fn assume(&self) -> Result<Credentials> {
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
    refusal: Option<Error>,
}

impl AssumedRole {
    /// Becomes the role `role_arn` from the credentials in `config`.
    #[must_use]
    pub fn new(config: &SdkConfig, role_arn: impl Into<String>, session: impl Into<String>) -> Self {
        let (role_arn, session) = (role_arn.into(), session.into());
        Self { sts: aws_sdk_sts::Client::new(config), role_arn, session, external_id: None, refusal: None }
    }

    /// The same with an external id, if the role's trust asks for one.
    #[must_use]
    pub fn with_external_id(self, external_id: Option<String>) -> Self {
        Self { external_id, ..self }
    }

    /// The same after another way was refused, of which a failure tells too.
    #[must_use]
    pub fn after(self, refusal: Option<Error>) -> Self {
        Self { refusal, ..self }
    }

    async fn assume(&self) -> Result<Credentials> {
        let what = || format!("could not become the role `{}`", self.role_arn);
        let request = self.sts.assume_role().role_arn(&self.role_arn).role_session_name(&self.session).duration_seconds(SESSION_SECONDS);
        let answer = request.set_external_id(self.external_id.clone()).send().await.map_err(|error| self.told(fault(what(), &error)))?;
        given(answer.credentials, &what(), "assumed role")
    }

    fn told(&self, error: Error) -> Error {
        match &self.refusal {
            Some(refusal) => Error { why: format!("{}; before it, web identity was refused: {}", error.why, refusal.why), ..error },
            None => error,
        }
    }
}

/// Reads the token in the file that `AWS_WEB_IDENTITY_TOKEN_FILE` names, as it is at each call; `None` where nothing is named.
#[must_use]
pub fn token_file() -> Option<Mint> {
    let path = std::env::var_os("AWS_WEB_IDENTITY_TOKEN_FILE").filter(|path| !path.is_empty())?;
    Some(Arc::new(move || {
        let path = path.clone();
        Box::pin(async move {
            let read = tokio::fs::read_to_string(&path).await;
            read.map_err(|error| Error::failed("could not read the token that AWS_WEB_IDENTITY_TOKEN_FILE names", error))
        })
    }))
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
