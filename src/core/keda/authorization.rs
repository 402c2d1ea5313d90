//! Which identity a trigger's AWS calls use, from pod identity, authentication parameters and legacy metadata.

use std::fmt;

use super::{
    manifest::trigger_authentication::{PodIdentity, Provider},
    metadata::Sources,
};
use crate::core::error::{Error, Kind, Result};

/// The identity in force.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum AwsAuthorization {
    /// The scaler's own identity, or the role it assumes from it.
    PodIdentity {
        /// The role; absent means the scaler's own identity.
        role_arn: Option<String>,
        /// Sent with `AssumeRole`.
        external_id: Option<String>,
    },
    /// A role assumed the legacy way.
    Role(String),
    /// Static keys.
    Keys {
        /// The key's id.
        access_key_id: String,
        /// The key itself.
        secret_access_key: String,
        /// Its session's token; empty for none.
        session_token: String,
    },
    /// The scaler's default credentials.
    Operator,
}

impl fmt::Debug for AwsAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PodIdentity { role_arn, .. } => f.debug_struct("PodIdentity").field("role_arn", role_arn).finish_non_exhaustive(),
            Self::Role(role_arn) => f.debug_tuple("Role").field(role_arn).finish(),
            Self::Keys { .. } => f.debug_struct("Keys").finish_non_exhaustive(),
            Self::Operator => f.write_str("Operator"),
        }
    }
}

impl AwsAuthorization {
    /// Decides as KEDA does; nothing is trimmed.
    ///
    /// An `identityOwner` other than `pod` (or none) silently means the scaler's default credentials. A plain
    /// `awsSecretAccessKey` in a trigger's metadata is never read.
    ///
    /// # Errors
    /// `Denied`, when a key or its secret is missing.
    pub fn decide(identity: &PodIdentity, sources: Sources<'_>) -> Result<Self> {
        let auth = |name: &str| sources.auth.get(name).filter(|text| !text.is_empty()).cloned();
        if identity.provider == Provider::Aws {
            return Ok(match identity.role_arn.as_ref().filter(|role| !role.is_empty()) {
                Some(role) => Self::PodIdentity { role_arn: Some(role.clone()), external_id: identity.external_id.clone() },
                None => Self::PodIdentity { role_arn: auth("awsRoleArn"), external_id: None },
            });
        }
        if !matches!(sources.trigger.get("identityOwner").map(String::as_str), None | Some("" | "pod")) {
            return Ok(Self::Operator);
        }
        if let Some(role) = auth("awsRoleArn") {
            return Ok(Self::Role(role));
        }
        let (access_key_id, secret_access_key, session_token) = match auth("awsAccessKeyID").or_else(|| auth("awsAccessKeyId")) {
            Some(id) => (Some(id), auth("awsSecretAccessKey"), auth("awsSessionToken")),
            None => (
                plain(sources, "awsAccessKeyID").or_else(|| from_env(sources, "awsAccessKeyID")),
                from_env(sources, "awsSecretAccessKey"),
                None,
            ),
        };
        Ok(Self::Keys {
            access_key_id: access_key_id.ok_or_else(|| missing("awsAccessKeyID"))?,
            secret_access_key: secret_access_key.ok_or_else(|| missing("awsSecretAccessKey"))?,
            session_token: session_token.unwrap_or_default(),
        })
    }
}

fn plain(sources: Sources<'_>, name: &str) -> Option<String> {
    sources.trigger.get(name).filter(|text| !text.is_empty()).cloned()
}

fn from_env(sources: Sources<'_>, name: &str) -> Option<String> {
    let variable = plain(sources, &format!("{name}FromEnv"))?;
    sources.env.get(&variable).filter(|text| !text.is_empty()).cloned()
}

fn missing(name: &str) -> Error {
    Error::new(Kind::Denied, "no credentials for the trigger", format!("{name} not found"))
        .hint("give the trigger an authenticationRef whose TriggerAuthentication has a podIdentity or keys")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn secrets_stay_out_of_debug() {
        let auth =
            BTreeMap::from([("awsAccessKeyID".to_owned(), "AKIA".to_owned()), ("awsSecretAccessKey".to_owned(), "s3cr3t".to_owned())]);
        let none = BTreeMap::new();
        let found = AwsAuthorization::decide(&PodIdentity::default(), Sources { trigger: &none, auth: &auth, env: &none }).expect("keys");
        assert!(matches!(&found, AwsAuthorization::Keys { secret_access_key, .. } if secret_access_key == "s3cr3t"));
        let shown = format!("{found:?}");
        assert!(!shown.contains("s3cr3t") && !shown.contains("AKIA"), "{shown}");
    }
}
