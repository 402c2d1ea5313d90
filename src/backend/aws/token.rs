//! The token by which EKS knows an IAM identity: a presigned `GetCallerIdentity`, as `aws eks get-token` makes it.
//!
//! The cluster calls the URL, with the cluster's name in the signed header, and believes whom STS names.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::BoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::no_credentials;
use crate::core::{
    error::{Error, Kind, Result},
    stack::Place,
};

/// What every token begins with.
const PREFIX: &str = "k8s-aws-v1.";
/// The signed header that names the cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";
/// What the URL says about its own life; the cluster takes it for longer.
const URL_LIFETIME: Duration = Duration::from_mins(1);
/// How long the cluster takes a token: a quarter of an hour, less a minute for clocks that differ.
const TOKEN_LIFETIME: Duration = Duration::from_mins(14);
/// What a query may have as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Makes tokens, each with the time until which it is good.
pub type Tokens = std::sync::Arc<dyn Fn() -> BoxFuture<'static, Result<(String, SystemTime)>> + Send + Sync>;

/// Tokens for the EKS cluster called `cluster`, signed with the credentials in `config`.
#[must_use]
pub fn tokens(config: &SdkConfig, place: &Place, cluster: &str) -> Tokens {
    let (config, place, cluster) = (config.clone(), place.clone(), cluster.to_owned());
    std::sync::Arc::new(move || {
        let (config, place, cluster) = (config.clone(), place.clone(), cluster.clone());
        Box::pin(async move {
            let what = || format!("could not make a token for cluster `{cluster}`");
            let none = || Error::new(Kind::Denied, what(), "there are no AWS credentials").hint("run `aws configure`");
            let provider = config.credentials_provider().ok_or_else(none)?;
            let credentials = provider.provide_credentials().await.map_err(|error| {
                no_credentials(&error).map_or_else(|| Error::failed(what(), &error), |fault| Error { what: what(), ..fault })
            })?;
            let now = SystemTime::now();
            Ok((token(&credentials, &place, &cluster, now)?, now + TOKEN_LIFETIME))
        })
    })
}

/// The token of `credentials` for `cluster`, signed at `now`.
///
/// # Errors
/// When the request cannot be signed.
pub fn token(credentials: &Credentials, place: &Place, cluster: &str, now: SystemTime) -> Result<String> {
    let url = format!("https://sts.{}.{}/?Action=GetCallerIdentity&Version=2011-06-15", place.region, place.dns_suffix());
    Ok(PREFIX.to_owned() + &URL_SAFE_NO_PAD.encode(presigned(&url, credentials, &place.region, cluster, now)?))
}

fn presigned(url: &str, credentials: &Credentials, region: &str, cluster: &str, now: SystemTime) -> Result<String> {
    let fault = |error: &dyn std::error::Error| Error::failed(format!("could not make a token for cluster `{cluster}`"), error);
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(URL_LIFETIME);
    let identity = credentials.clone().into();
    let builder = v4::SigningParams::builder().identity(&identity).region(region).name("sts").time(now).settings(settings);
    let params = builder.build().map_err(|error| fault(&error))?.into();
    let header = std::iter::once((CLUSTER_HEADER, cluster));
    let request = SignableRequest::new("GET", url, header, SignableBody::Bytes(&[])).map_err(|error| fault(&error))?;
    let (_, mut added) = sign(request, &params).map_err(|error| fault(&error))?.into_parts().0.into_parts();
    // The AWS CLI puts the session's token before the signature.
    added.sort_by_key(|(name, _)| *name == "X-Amz-Signature");
    let written = |(name, value): &(&str, Cow<'_, str>)| format!("&{name}={}", utf8_percent_encode(value, PLAIN));
    Ok(added.iter().fold(url.to_owned(), |url, pair| url + &written(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02T03:04:05Z.
    const NOW: Duration = Duration::from_secs(1_767_323_045);

    fn made(region: &str, session: Option<&str>) -> String {
        let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", session.map(str::to_owned), None, "test");
        token(&credentials, &Place::new(region, "123456789012"), "demo", SystemTime::UNIX_EPOCH + NOW).expect("signed")
    }

    fn url(token: &str) -> String {
        let text = token.strip_prefix(PREFIX).expect("the prefix");
        String::from_utf8(URL_SAFE_NO_PAD.decode(text).expect("base64url")).expect("text")
    }

    #[test]
    fn a_token_is_the_one_that_the_aws_cli_makes() {
        // `aws eks get-token` of AWS CLI 1.46, at this time and with these keys.
        let signatures = [
            ("us-east-1", None, "3f930a1629bc6adf9d9219b8e56d13930749bae126685154274f3496bdf3e2c4"),
            ("us-east-1", Some("FQoGZXIv+/YX=="), "b8a915fe4a7f3a2ae461c400da9241dfe82e090cbd78488d70fb8290b99d0ea2"),
            ("cn-north-1", None, "e13d71de237a428c3a1b4a0decf9dc60fa1a62b1c52bca304891dddecc5a5a7d"),
            ("cn-north-1", Some("FQoGZXIv+/YX=="), "b976b0f060934f1f8dc11ed77693f3833b3ebae099e0f766be1f12280cc19894"),
            ("us-gov-west-1", None, "55c0a53ca60cc77ba9218e656aefed41e11a3ba5fc72ff41a41cf4e2131813f1"),
            ("us-gov-west-1", Some("FQoGZXIv+/YX=="), "4ea1e5bd592fbe21679339cc7c7a67dd23f9a2aab796d1cf86fd0e1a8b31a373"),
        ];
        for (region, session, signature) in signatures {
            let session_token = if session.is_some() { "&X-Amz-Security-Token=FQoGZXIv%2B%2FYX%3D%3D" } else { "" };
            let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
            let wanted = format!(
                "https://sts.{region}.amazonaws.com{suffix}/?Action=GetCallerIdentity&Version=2011-06-15\
                 &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2F{region}%2Fsts%2Faws4_request\
                 &X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id{session_token}\
                 &X-Amz-Signature={signature}"
            );
            assert_eq!(url(&made(region, session)), wanted);
        }
    }

    #[test]
    fn a_token_has_no_padding() {
        assert!(!made("us-east-1", Some("a")).contains('='));
    }
}
