//! The cluster's OIDC issuer: read from EKS or told by the API server; derived while the embedded EKS has no cluster.

use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;
use futures_util::future::BoxFuture;

use super::super::{
    eks,
    error::{fault, is_absent},
};
use crate::core::{
    error::{Error, Kind, Result},
    settings::{Settings, Target},
};

/// Asks the cluster itself, as `/.well-known/openid-configuration` of its API server tells it; with `https://`.
pub type Discover = Arc<dyn Fn() -> BoxFuture<'static, Result<String>> + Send + Sync>;

/// Who knows the issuer.
#[derive(Clone)]
enum Source {
    /// The cluster that setup makes: the embedded EKS's, or an emulator's.
    Made { eks: aws_sdk_eks::Client, cluster: String, derived: String },
    /// The EKS cluster that was there before.
    Eks { config: Box<SdkConfig>, cluster: String },
    /// The cluster itself.
    Cluster(Discover),
    /// Nobody: the cluster is not on EKS, and its API server was not asked.
    Nobody,
}

/// The issuer of one cluster. Cheap to clone; asks until it is known, then never again.
#[derive(Clone)]
pub struct Issuer {
    source: Source,
    found: Arc<OnceLock<String>>,
}

impl Issuer {
    /// The issuer of the cluster that `settings` name. `discover` serves where that is no EKS cluster.
    #[must_use]
    pub fn new(config: &SdkConfig, settings: &Settings, discover: Option<Discover>) -> Self {
        let cluster = settings.eks_cluster().map(str::to_owned);
        let source = match (settings.target, cluster, discover) {
            (Target::Local, Some(cluster), _) => {
                let derived = settings.place.embedded_issuer(&cluster);
                Source::Made { eks: aws_sdk_eks::Client::new(config), cluster, derived }
            }
            (_, Some(cluster), _) => Source::Eks { config: Box::new(config.clone()), cluster },
            (_, None, Some(discover)) => Source::Cluster(discover),
            (_, None, None) => Source::Nobody,
        };
        Self { source, found: Arc::default() }
    }

    /// The issuer with `https://`; the one that the embedded EKS would give while setup has not made its cluster.
    ///
    /// # Errors
    /// `Input` when there is no such cluster; `NotFound` when the cluster has no issuer; when nobody can be asked.
    pub async fn url(&self) -> Result<String> {
        if let Some(found) = self.found.get() {
            return Ok(found.clone());
        }
        let issuer = match &self.source {
            Source::Made { eks, cluster, derived } => match made(eks, cluster).await? {
                Some(issuer) => issuer,
                None => return Ok(derived.clone()),
            },
            Source::Eks { config, cluster } => eks::describe(config, cluster).await?.issuer.ok_or_else(|| no_issuer(cluster))?,
            Source::Cluster(discover) => discover().await?,
            Source::Nobody => return Err(no_issuer("of the context")),
        };
        Ok(self.found.get_or_init(|| issuer).clone())
    }

    /// The issuer as far as it is known without asking; empty when it is not.
    #[must_use]
    pub fn known(&self) -> &str {
        match (self.found.get(), &self.source) {
            (Some(found), _) => found,
            (None, Source::Made { derived, .. }) => derived,
            (None, _) => "",
        }
    }
}

async fn made(eks: &aws_sdk_eks::Client, cluster: &str) -> Result<Option<String>> {
    match eks.describe_cluster().name(cluster).send().await {
        Ok(answer) => Ok(answer.cluster.and_then(|cluster| cluster.identity?.oidc?.issuer)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(fault(format!("could not look at cluster `{cluster}`"), &error)),
    }
}

/// The fault of a cluster without an issuer, which web identity needs.
#[must_use]
pub fn no_issuer(cluster: &str) -> Error {
    Error::new(Kind::NotFound, "could not use web identity", format!("the cluster {cluster} has no OIDC issuer"))
        .hint("pass --auth pod-identity on EKS, or --auth secret anywhere")
}
