//! Service account tokens as a cluster's OIDC issuer signs them, and their verification.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rusqlite::Connection;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    ACCOUNT, Emulator,
    eks::{Issuer, key_id},
    error::ServiceError,
};
use crate::core::{
    error::{Error, Kind, Result},
    stack::{Place, subject},
};

/// What STS needs of a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: Audience,
    pub(crate) exp: i64,
    #[serde(default)]
    pub(crate) nbf: Option<i64>,
}

/// One audience or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub(crate) fn list(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Emulator {
    /// A token of `service_account`, as Kubernetes projects it into a pod of `cluster`, for `audience`, good for `ttl`.
    ///
    /// # Errors
    /// `NotFound` with code `ResourceNotFoundException` when the cluster does not exist.
    pub async fn issue_token(
        &self,
        cluster: &str,
        region: &str,
        namespace: &str,
        service_account: &str,
        audience: &str,
        ttl: Duration,
    ) -> Result<String> {
        let place = Place::new(region, ACCOUNT);
        let url = place.embedded_issuer(cluster);
        let issuer: Option<Issuer> = self
            .store
            .read(move |connection| Issuer::find(connection, &url))
            .await
            .map_err(|error: ServiceError| Error::failed("could not issue a service account token", error.message).code(error.code))?;
        let issuer = issuer.ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("could not issue a token for `{namespace}/{service_account}`"),
                format!("no cluster `{cluster}` in {region}"),
            )
            .code("ResourceNotFoundException")
            .hint("run `kedactl setup`")
        })?;
        let now = self.clock.now().as_second();
        let uid = Uuid::from_slice(&Sha256::digest(format!("{}/{namespace}/{service_account}", issuer.url))[..16]).unwrap_or_default();
        let claims = serde_json::json!({
            "iss": issuer.url,
            "sub": subject(namespace, service_account),
            "aud": [audience],
            "iat": now,
            "nbf": now,
            "exp": now + i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX - now),
            "jti": Uuid::new_v4().to_string(),
            "kubernetes.io": { "namespace": namespace, "serviceaccount": { "name": service_account, "uid": uid.to_string() } },
        });
        let header = Header { kid: Some(key_id(&issuer.public_key)), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&issuer.private_key))
            .map_err(|error| Error::failed("could not sign a service account token", error))
    }
}

/// Reads a token without believing it.
///
/// # Errors
/// `InvalidIdentityToken` when it is none.
pub(crate) fn peek(token: &str) -> Result<Claims, ServiceError> {
    let payload = token.split('.').nth(1).filter(|_| token.split('.').count() == 3);
    let bytes = payload.and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"))
}

/// Checks signature and times of a token that names its issuer.
///
/// # Errors
/// `InvalidIdentityToken` and `ExpiredTokenException`.
pub(crate) fn verify(connection: &Connection, token: &str, claims: &Claims, now: i64) -> Result<(), ServiceError> {
    let issuer = Issuer::find(connection, &claims.iss)?.ok_or_else(|| {
        invalid("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
    })?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims::<&str>(&[]);
    jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_ec_der(&issuer.public_key), &validation)
        .map_err(|_| invalid("The web identity token's signature could not be verified"))?;
    if claims.exp <= now {
        let message = format!("Token expired: current date/time {now} must be before the expiration date/time{}", claims.exp);
        return Err(ServiceError::new("ExpiredTokenException", message));
    }
    match claims.nbf {
        Some(begin) if begin > now => Err(invalid(&format!("Token not yet valid: current date/time {now} must be after {begin}"))),
        _ => Ok(()),
    }
}

/// A refusal of the token.
pub(crate) fn invalid(message: &str) -> ServiceError {
    ServiceError::new("InvalidIdentityToken", message)
}
