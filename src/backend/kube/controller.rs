//! KEDA on a cluster: found, installed, given its identity, verified and removed.

mod helm;
mod identity;
mod install;
mod manifest;
mod reach;
mod source;

use std::path::PathBuf;

use reach::Reach;

use super::client::Cluster;
use crate::core::{
    check::Check,
    controller::{Identity, PINNED, verify},
    error::Result,
    ports::{Objects, Resource},
    settings::{Auth, Controller, Settings},
    stack::KEDA_SERVICE_ACCOUNT,
};

/// What the controller's resources need to know of a stack.
pub struct Order {
    settings: Settings,
    identity: Identity,
    /// Values of KEDA's chart, as YAML.
    values: String,
    /// A private folder for what helm reads.
    folder: PathBuf,
    /// The helm program, where there is one.
    helm: Option<PathBuf>,
    /// The release to install where no manifest is named; KEDA's chart bears the same number.
    release: String,
}

impl Order {
    /// The order of the stack that `settings` describe, with `values` for KEDA's chart, by the helm on the PATH.
    #[must_use]
    pub fn new(settings: &Settings, values: String) -> Self {
        let names = &settings.names;
        let identity = Identity {
            auth: settings.auth,
            role_arn: settings.place.iam_arn(&format!("role/{}", names.operator_role)),
            service_account: KEDA_SERVICE_ACCOUNT.to_owned(),
        };
        Self {
            identity,
            values,
            folder: settings.stack_dir().join("helm"),
            helm: helm::program(),
            release: PINNED.to_owned(),
            settings: settings.clone(),
        }
    }

    /// The same order for another release than the pinned one.
    #[must_use]
    pub fn release(self, release: &str) -> Self {
        Self { release: release.to_owned(), ..self }
    }

    /// The same order, carried out by the program at `helm`.
    #[must_use]
    pub fn by(self, helm: PathBuf) -> Self {
        Self { helm: Some(helm), ..self }
    }

    fn stack(&self) -> &str {
        self.settings.stack.as_str()
    }
}

/// KEDA and its identity on `cluster`, in the order of setup; nothing where the in-process scaler takes its place.
#[must_use]
pub fn resources(cluster: &Cluster, order: Order) -> Vec<Box<dyn Resource>> {
    if order.settings.controller == Controller::InProcess {
        return Vec::new();
    }
    let reach = Reach::new(cluster, &order.settings.names.keda_namespace);
    let identity = (order.settings.auth != Auth::Secret)
        .then(|| identity::OperatorIdentity::new(reach.clone(), order.identity.clone(), order.stack().to_owned()));
    let mut resources: Vec<Box<dyn Resource>> = vec![Box::new(install::Keda::new(reach, order))];
    if let Some(identity) = identity {
        resources.push(Box::new(identity));
    }
    resources
}

/// Checks everything that setup claims of the KEDA on `cluster`, the stack's ScaledJob or ScaledObject included. Changes nothing.
///
/// # Errors
/// When the cluster cannot be asked.
pub async fn checks(cluster: &Cluster, order: &Order) -> Result<Vec<Check>> {
    let names = &order.settings.names;
    let reach = Reach::new(cluster, &names.keda_namespace);
    let found = reach.find().await?;
    let (kind, name) = (order.settings.kind.object(), order.settings.scaled());
    let scaling = super::KubeObjects::new(cluster, &names.namespace).get(kind, name).await?;
    let evidence = reach.evidence(&found, scaling).await?;
    Ok(verify(&found, &order.identity, &evidence))
}
