//! How the SDK is set up: region, retries, timeouts, transport, credentials. The one place.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, identity::IdentityCache, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// How often a call is tried, the first time included.
const ATTEMPTS: u32 = 4;
/// Longer than SQS's longest poll of 20 s.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// A host that does not take a connection within this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where AWS is: the transport, and the endpoint when it is not the region's own.
#[derive(Debug, Clone)]
pub struct Wire {
    /// What carries the requests.
    pub http_client: SharedHttpClient,
    /// An endpoint for every service, instead of the region's.
    pub endpoint_url: Option<String>,
}

impl Wire {
    /// The network, to `endpoint_url` or else to the region's own endpoints.
    #[must_use]
    pub fn network(endpoint_url: Option<String>) -> Self {
        let plain = endpoint_url.as_deref().is_some_and(|url| url.starts_with("http://"));
        Self { http_client: if plain { plain_client() } else { tls_client() }, endpoint_url }
    }
}

fn plain_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

#[cfg(feature = "real")]
fn tls_client() -> SharedHttpClient {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

#[cfg(not(feature = "real"))]
fn tls_client() -> SharedHttpClient {
    plain_client()
}

/// The SDK's configuration for `region` over `wire`; without credentials only unsigned calls work.
#[must_use]
pub fn configure(wire: &Wire, region: &str, credentials: Option<SharedCredentialsProvider>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
        .sleep_impl(TokioSleep::new())
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .identity_cache(IdentityCache::lazy().build())
        .http_client(wire.http_client.clone());
    builder.set_credentials_provider(credentials);
    builder.set_endpoint_url(wire.endpoint_url.clone());
    builder.build()
}

/// Long-term keys that the embedded service does not know, and therefore takes for the account's root.
#[must_use]
pub fn administrator() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("AKIAKEDACTLADMIN0000", "local", None, None, "kedactl"))
}

/// The credentials that the SDK finds by itself: environment, profile, SSO, process. The instance's own are never asked for.
///
/// An endpoint on this machine is an emulator: it takes any keys, so `fallback` serves when none are found.
#[must_use]
pub async fn ambient(wire: &Wire, region: &str, fallback: Option<SharedCredentialsProvider>) -> SharedCredentialsProvider {
    use aws_config::{environment::EnvironmentVariableCredentialsProvider, meta::credentials::CredentialsProviderChain};
    let environment = EnvironmentVariableCredentialsProvider::new();
    if let Some(fallback) = fallback {
        SharedCredentialsProvider::new(CredentialsProviderChain::first_try("environment", environment).or_else("emulator", fallback))
    } else {
        let loader =
            aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.to_owned())).http_client(wire.http_client.clone());
        let config = loader.load().await;
        config.credentials_provider().unwrap_or_else(|| SharedCredentialsProvider::new(environment))
    }
}
