//! The one list of what must exist: AWS, the controller and Kubernetes, each after what it needs.

use super::{
    Backend, Identity,
    aws::{self, resources::Secrets},
    kube,
};
use crate::core::{
    check::Check,
    error::{Kind, Result},
    facts::{Facts, scaler_secret_namespace},
    manifest::Manifest,
    ports::Resource,
    settings::{Auth, Aws},
};

impl Backend {
    /// What templates may name. Asks EKS for the cluster's issuer only when AWS is not the embedded service, and web identity is used.
    ///
    /// # Errors
    /// When EKS cannot be asked.
    pub async fn facts(&self) -> Result<Facts> {
        let issuer = match self.settings.aws() {
            Aws::Embedded => self.settings.place.embedded_issuer(&self.settings.names.cluster),
            _ if self.settings.auth != Auth::Irsa => String::new(),
            Aws::Endpoint(_) | Aws::Real => self.issuer(&self.sdk(Identity::Administrator).await?).await?.url().await?,
        };
        Ok(Facts::new(&self.settings, &issuer))
    }

    /// Everything that must exist, in the order in which setup makes it.
    ///
    /// # Errors
    /// When the state directory cannot be used, or AWS cannot be asked for the cluster's issuer.
    pub async fn resources(&self) -> Result<Vec<Box<dyn Resource>>> {
        let settings = &self.settings;
        let config = self.sdk(Identity::Administrator).await?;
        let issuer = self.issuer(&config).await?;
        if settings.aws() != Aws::Embedded && settings.auth == Auth::Irsa {
            match issuer.url().await {
                // What was made for a cluster that is gone can still be removed.
                Err(error) if !matches!(error.kind, Kind::Input | Kind::NotFound) => return Err(error),
                _ => {}
            }
        }
        let objects = self.remaining_objects(&settings.names.namespace).await?;
        let secrets = Secrets { scaler: self.remaining_objects(scaler_secret_namespace(settings)).await?, workload: objects.clone() };
        let facts = Facts::new(settings, issuer.known());
        let mut manifests: Vec<Box<dyn Resource>> = Vec::new();
        for template in facts.objects() {
            manifests.push(Box::new(Manifest::new(objects.clone(), &settings.stack, template, &facts)?));
        }
        let mut resources = aws::resources::resources(&config, settings, &issuer);
        if let Some(order) = self.controller(&facts)? {
            match self.cluster().await {
                Ok(cluster) => resources.extend(kube::controller_resources(cluster, order)),
                // KEDA went with its cluster.
                Err(error) if aws::eks::is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        // A Secret needs its namespace, and what reads it needs the Secret.
        let after_namespace = manifests.iter().take_while(|manifest| manifest.id().kind == "namespace").count();
        let rest = manifests.split_off(after_namespace);
        resources.extend(manifests);
        resources.extend(aws::resources::keys(&config, settings, &issuer, &secrets));
        resources.extend(rest);
        resources.extend(self.run_resources().await?);
        Ok(resources)
    }

    /// Whether KEDA works, claim by claim; nothing where there is none to be.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub async fn controller_checks(&self) -> Result<Vec<Check>> {
        match self.controller(&Facts::new(&self.settings, ""))? {
            Some(order) => kube::checks(self.cluster().await?, &order).await,
            None => Ok(Vec::new()),
        }
    }
}
