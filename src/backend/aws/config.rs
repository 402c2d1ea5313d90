//! How the SDK is set up: region, retries, timeouts, transport, credentials. The one place.

use std::{sync::OnceLock, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, identity::IdentityCache, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::core::error::{Error, Result};

/// How often a call is tried, the first time included.
const ATTEMPTS: u32 = 4;
/// Longer than SQS's longest poll of 20 s.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// A host that does not take a connection within this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The AWS CLI's variable for the certificates that it trusts.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// Where AWS is: the transport, the endpoint when it is not the region's own, and what AWS's own variables and files say.
#[derive(Debug, Clone)]
pub struct Wire {
    /// What carries the requests.
    pub http_client: SharedHttpClient,
    /// An endpoint for every service, instead of the region's.
    pub endpoint_url: Option<String>,
    /// AWS's own variables and files, as the SDK reads them; absent where they do not count.
    found: Option<SdkConfig>,
}

/// Which part of AWS's own configuration counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// The profile instead of `AWS_PROFILE`'s.
    pub profile: Option<String>,
    /// The endpoint instead of those of `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`.
    pub endpoint_url: Option<String>,
}

impl Wire {
    /// Over `http_client`, without a look at AWS's own variables and files.
    #[must_use]
    pub fn over(http_client: SharedHttpClient) -> Self {
        Self { http_client, endpoint_url: None, found: None }
    }

    /// The network, to `endpoint_url` or else to the region's own endpoints, without a look at AWS's own variables and files.
    #[must_use]
    pub fn network(endpoint_url: Option<String>) -> Self {
        let plain = endpoint_url.as_deref().is_some_and(|url| url.starts_with("http://"));
        Self { http_client: if plain { plain_client() } else { tls_client(None) }, endpoint_url, found: None }
    }

    /// The network as the AWS CLI would use it in `region`: variables, profile, SSO, processes, endpoints, certificates.
    /// Reads files, asks nobody.
    ///
    /// # Errors
    /// `Input` when the certificates in `AWS_CA_BUNDLE` cannot be read.
    pub async fn own(own: &Own, region: &str) -> Result<Self> {
        let plain = own.profile.is_none() && own.endpoint_url.as_deref().is_some_and(|url| url.starts_with("http://"));
        let http_client = if plain { plain_client() } else { tls_client(ca_bundle()?) };
        // Without a region of its own the loader would ask the instance for one.
        let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.to_owned()));
        let mut loader = loader.http_client(http_client.clone()).retry_config(retries()).timeout_config(timeouts());
        if let Some(profile) = &own.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &own.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        Ok(Self { http_client, endpoint_url: own.endpoint_url.clone(), found: Some(loader.load().await) })
    }
}

/// The ways over the network to endpoints that triggers name: two clients, plain and TLS, whatever their number.
#[derive(Debug, Default)]
pub struct Network {
    plain: OnceLock<SharedHttpClient>,
    tls: OnceLock<SharedHttpClient>,
}

impl Network {
    /// The way to `endpoint`, without a look at AWS's own variables and files.
    #[must_use]
    pub fn to(&self, endpoint: &str) -> Wire {
        let plain = endpoint.starts_with("http://");
        let http_client = if plain { self.plain.get_or_init(plain_client) } else { self.tls.get_or_init(|| tls_client(None)) };
        Wire { http_client: http_client.clone(), endpoint_url: Some(endpoint.to_owned()), found: None }
    }
}

fn plain_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

#[cfg(feature = "real")]
fn tls_client(trusted: Option<Vec<u8>>) -> SharedHttpClient {
    use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
    let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let store = trusted.map(|pem| TrustStore::empty().with_pem_certificate(pem));
    match store.map(|store| TlsContext::builder().with_trust_store(store).build()) {
        Some(Ok(context)) => builder.tls_context(context).build_https(),
        _ => builder.build_https(),
    }
}

#[cfg(not(feature = "real"))]
fn tls_client(_trusted: Option<Vec<u8>>) -> SharedHttpClient {
    plain_client()
}

/// The certificates that `AWS_CA_BUNDLE` names, checked: the client would panic over bad ones.
fn ca_bundle() -> Result<Option<Vec<u8>>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let Some(path) = std::env::var_os(CA_BUNDLE).filter(|path| !path.is_empty()) else { return Ok(None) };
    let refused = |why: String| Error::input(CA_BUNDLE, std::path::Path::new(&path).display(), why).hint("name a file of PEM certificates");
    let pem = std::fs::read(&path).map_err(|error| refused(error.to_string()))?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<std::result::Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| refused(error.to_string()))?;
    let mut store = rustls::RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    if store.is_empty() { Err(refused("it holds no certificate".to_owned())) } else { Ok(Some(pem)) }
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build()
}

/// The SDK's configuration for `region` over `wire`; without credentials only unsigned calls work.
#[must_use]
pub fn configure(wire: &Wire, region: &str, credentials: Option<SharedCredentialsProvider>) -> SdkConfig {
    let mut builder = if let Some(found) = &wire.found {
        found.to_builder().region(Region::new(region.to_owned()))
    } else {
        let mut builder = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .retry_config(retries())
            .timeout_config(timeouts())
            .sleep_impl(TokioSleep::new())
            .time_source(aws_smithy_async::time::SystemTimeSource::new())
            .http_client(wire.http_client.clone());
        builder.set_endpoint_url(wire.endpoint_url.clone());
        builder
    };
    // A cache of its own: it must not answer with another provider's credentials.
    builder = builder.identity_cache(IdentityCache::lazy().build());
    builder.set_credentials_provider(credentials);
    builder.build()
}

/// Long-term keys that the embedded service does not know, and therefore takes for the account's root.
#[must_use]
pub fn administrator() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("AKIAKEDACTLADMIN0000", "local", None, None, "kedactl"))
}

/// The credentials that the SDK finds by itself: environment, profile, SSO, process, and in a pod or on an instance those
/// of the web identity token, of the pod identity agent and of the instance, which a laptop waits a second for at most.
///
/// An endpoint on this machine is an emulator: it takes any keys, so `fallback` serves when the environment has none.
#[must_use]
pub fn ambient(wire: &Wire, fallback: Option<SharedCredentialsProvider>) -> SharedCredentialsProvider {
    use aws_config::{environment::EnvironmentVariableCredentialsProvider, meta::credentials::CredentialsProviderChain};
    let environment = EnvironmentVariableCredentialsProvider::new();
    match (wire.found.as_ref().and_then(SdkConfig::credentials_provider), fallback) {
        (_, Some(fallback)) => {
            SharedCredentialsProvider::new(CredentialsProviderChain::first_try("environment", environment).or_else("emulator", fallback))
        }
        (Some(found), None) => found,
        (None, None) => SharedCredentialsProvider::new(environment),
    }
}
