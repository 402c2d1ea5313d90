//! The cluster's OIDC issuer: read from EKS, or derived while there is no cluster.

use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;

use super::super::error::{fault, is_absent};
use crate::core::{error::Result, settings::Settings};

/// The issuer of one cluster. Cheap to clone; asks EKS until the cluster exists, then never again.
#[derive(Debug, Clone)]
pub struct Issuer {
    eks: aws_sdk_eks::Client,
    cluster: String,
    derived: String,
    found: Arc<OnceLock<String>>,
}

impl Issuer {
    /// The issuer of the cluster that `settings` name.
    #[must_use]
    pub fn new(config: &SdkConfig, settings: &Settings) -> Self {
        let cluster = settings.names.cluster.clone();
        let derived = settings.place.embedded_issuer(&cluster);
        Self { eks: aws_sdk_eks::Client::new(config), cluster, derived, found: Arc::default() }
    }

    /// The issuer with `https://`; the one that the embedded EKS would give while there is no cluster.
    ///
    /// # Errors
    /// When EKS cannot be asked.
    pub async fn url(&self) -> Result<String> {
        if let Some(found) = self.found.get() {
            return Ok(found.clone());
        }
        let answer = match self.eks.describe_cluster().name(&self.cluster).send().await {
            Ok(answer) => answer,
            Err(error) if is_absent(&error) => return Ok(self.derived.clone()),
            Err(error) => return Err(fault(format!("could not look at cluster `{}`", self.cluster), &error)),
        };
        let issuer = answer.cluster.and_then(|cluster| cluster.identity?.oidc?.issuer);
        Ok(match issuer {
            Some(issuer) => self.found.get_or_init(|| issuer).clone(),
            None => self.derived.clone(),
        })
    }

    /// The issuer as far as it is known without asking.
    #[must_use]
    pub fn known(&self) -> &str {
        self.found.get().unwrap_or(&self.derived)
    }
}
