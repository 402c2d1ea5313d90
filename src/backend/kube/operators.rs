//! The KEDA operators of a cluster, in whichever namespace.

use kube::{api::ListParams, core::Request};
use serde_json::Value;

use super::{
    client::Cluster,
    error::{fault, is_absent},
};
use crate::core::{
    controller::{Found, Install, Scene},
    error::Result,
};

/// The version of KEDA's kinds that is spoken here.
const KEDA_API: &str = "/apis/keda.sh/v1alpha1";

impl Cluster {
    /// Every KEDA operator of the cluster.
    ///
    /// # Errors
    /// `Denied` when Deployments of other namespaces may not be listed; the API server's fault.
    pub async fn operators(&self) -> Result<Vec<Install>> {
        let what = "could not look for KEDA";
        let request = Request::new("/apis/apps/v1/deployments").list(&ListParams::default());
        let request = request.map_err(|error| fault(what, &kube::Error::BuildRequest(error)))?;
        let mut list = self.client().request::<Value>(request).await.map_err(|error| fault(what, &error))?;
        let deployments = match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        Ok(Found::read(&Scene { deployments, ..Scene::default() }).installs)
    }

    /// Whether the API server knows KEDA's kinds.
    ///
    /// # Errors
    /// The API server's fault.
    pub async fn serves_keda(&self) -> Result<bool> {
        let what = "could not ask for KEDA's kinds";
        let request = http::Request::get(KEDA_API).body(Vec::new()).map_err(|error| fault(what, &kube::Error::HttpError(error)))?;
        match self.client().request::<Value>(request).await {
            Ok(_) => Ok(true),
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(fault(what, &error)),
        }
    }
}
