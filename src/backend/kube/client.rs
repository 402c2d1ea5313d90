//! How a cluster's API server is reached: by a kubeconfig context, or by an endpoint with tokens made here.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::BoxFuture;
use kube::{
    Client, Config,
    client::{Body, ClientBuilder},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{error::fault, kubeconfig, proxy, transport::Transport};
use crate::{
    backend::tls,
    core::error::{Error, Kind, Result},
};

/// Makes a bearer token, and says when it ends.
pub type Tokens = Arc<dyn Fn() -> BoxFuture<'static, Result<(String, SystemTime)>> + Send + Sync>;

/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a stream may be silent: longer than the 290 s after which a watch is asked for anew.
const SILENCE_LIMIT: Duration = Duration::from_mins(5);

/// One cluster. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    context: Option<String>,
    server: String,
    namespace: String,
    direct: Option<Arc<Direct>>,
}

/// A way in that no kubeconfig describes.
struct Direct {
    ca_pem: String,
    tokens: Tokens,
}

/// What another program needs to reach the same cluster.
pub enum Access {
    /// The user's own kubeconfig, or the pod this runs in.
    Kubeconfig {
        /// The context, when there is a kubeconfig.
        context: Option<String>,
    },
    /// An endpoint and a token, which must never be on a command line.
    Direct {
        /// The API server's address.
        server: String,
        /// Its certificate authority.
        ca_pem: String,
        /// A token that is good for some minutes.
        token: String,
    },
}

impl Cluster {
    /// The cluster of the kubeconfig's `context`; of its current one when absent; of the pod this runs in when there is
    /// no kubeconfig. Asks nobody yet.
    ///
    /// # Errors
    /// `Input` when there is no such context, or the kubeconfig cannot be read.
    pub async fn of_context(context: Option<&str>) -> Result<Self> {
        let chosen = kubeconfig::choose(context).await?;
        Self::new(chosen.config, chosen.context, None)
    }

    /// The cluster of `context`, or of the current one, in the kubeconfig `file` and no other. Asks nobody yet.
    ///
    /// # Errors
    /// As [`Self::of_context`].
    pub async fn of_file(file: &Path, context: Option<&str>) -> Result<Self> {
        let chosen = kubeconfig::choose_from(&[file.to_owned()], context).await?;
        Self::new(chosen.config, chosen.context, None)
    }

    /// The cluster at `endpoint` (`https://...`), whose certificate is signed by the authority `ca_pem`. Asks nobody yet.
    ///
    /// # Errors
    /// `Input` when the endpoint or the certificate cannot be read.
    pub fn at(endpoint: &str, ca_pem: &str, tokens: Tokens) -> Result<Self> {
        let url = endpoint.parse().map_err(|_| Error::input("cluster endpoint", endpoint, "a URL such as https://host:443"))?;
        let mut config = Config::new(url);
        config.proxy_url = proxy::of_environment(&config.cluster_url);
        let certificates = CertificateDer::pem_slice_iter(ca_pem.as_bytes()).map(|one| one.map(|one| one.to_vec()));
        let bundle = certificates.collect::<Result<Vec<_>, _>>().ok().filter(|bundle| !bundle.is_empty());
        let refused = || Error::new(Kind::Input, format!("could not reach `{endpoint}`"), "the certificate authority is not PEM");
        config.root_cert = Some(bundle.ok_or_else(refused)?);
        let direct = Arc::new(Direct { ca_pem: ca_pem.to_owned(), tokens: tokens.clone() });
        Ok(Self { direct: Some(direct), ..Self::new(config, None, Some(tokens))? })
    }

    fn new(mut config: Config, context: Option<String>, tokens: Option<Tokens>) -> Result<Self> {
        tls::install();
        config.connect_timeout = Some(CONNECT_LIMIT);
        config.read_timeout = Some(SILENCE_LIMIT);
        config.reset_reader_on_write = true;
        config.default_retry = false;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = config.default_namespace.clone();
        let builder = ClientBuilder::try_from(config).map_err(|error| fault(format!("could not use the cluster at {server}"), &error))?;
        let client = Transport::new(builder.build::<_>(), tokens).into_client(&namespace);
        Ok(Self { client, context, server, namespace, direct: None })
    }

    /// The official client, through which every request is retried where that is safe.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// How another program reaches the same cluster.
    ///
    /// # Errors
    /// When no token can be made.
    pub async fn access(&self) -> Result<Access> {
        let Some(direct) = &self.direct else { return Ok(Access::Kubeconfig { context: self.context.clone() }) };
        let (token, _) = (direct.tokens)().await?;
        Ok(Access::Direct { server: self.server.clone(), ca_pem: direct.ca_pem.clone(), token })
    }

    /// The kubeconfig context in use, when there is one.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The API server's address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The namespace that the context names, or `default`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Asks the API server for its version, such as `v1.33.1`: one request, which shows that it is there.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer, `Denied` when the credentials are not accepted.
    pub async fn version(&self) -> Result<String> {
        let version = self.client.apiserver_version().await;
        version.map(|version| version.git_version).map_err(|error| self.fault(&error))
    }

    /// Shows that the API server is there and knows who we are.
    ///
    /// # Errors
    /// As [`Self::version`].
    pub async fn check(&self) -> Result<()> {
        let request = http::Request::get("/api").body(Body::empty()).map_err(kube::Error::HttpError);
        let answer = match request {
            Ok(request) => self.client.send(request).await,
            Err(error) => Err(error),
        };
        answer.map(|_| ()).map_err(|error| self.fault(&error))
    }

    /// The issuer of the cluster's service account tokens, as its API server tells it.
    ///
    /// # Errors
    /// As [`Self::version`]; `NotFound` when it tells none that starts with `https://`.
    pub async fn issuer(&self) -> Result<String> {
        let request = http::Request::get("/.well-known/openid-configuration").body(Vec::new());
        let request = request.map_err(|error| self.fault(&kube::Error::HttpError(error)))?;
        let answer: serde_json::Value = self.client.request(request).await.map_err(|error| self.fault(&error))?;
        let issuer = answer["issuer"].as_str().filter(|issuer| issuer.starts_with("https://"));
        issuer.map(str::to_owned).ok_or_else(|| {
            let why = format!("the API server at {} names no issuer that AWS could ask", self.server);
            Error::new(Kind::NotFound, "could not use web identity", why).hint("pass --auth secret")
        })
    }

    fn fault(&self, error: &kube::Error) -> Error {
        let place = self.context.as_ref().map_or_else(String::new, |context| format!(" of context `{context}`"));
        fault(format!("could not reach the API server{place} at {}", self.server), error)
    }
}
