//! What teardown and doctor look for beyond one stack's own list: everything that bears a tag, and whether the cluster is there.

use super::{
    Backend, Identity,
    aws::{self, audit::AwsCensus},
    kube::KubeCensus,
};
use crate::core::{
    census::Places,
    error::{Kind, Result},
    ports::Census,
    settings::Target,
};

impl Backend {
    /// From now on the cluster counts as gone: nothing of it is looked at.
    #[must_use]
    pub fn without_cluster(self) -> Self {
        Self { leaves_cluster_out: self.settings.target != Target::Local, ..self }
    }

    /// Whether the stack's EKS cluster does not exist any more.
    ///
    /// # Errors
    /// When EKS cannot be asked.
    pub async fn cluster_is_gone(&self) -> Result<bool> {
        if self.settings.target != Target::Eks {
            return Ok(false);
        }
        match self.described().await {
            Err(error) if aws::eks::is_gone(&error) => Ok(true),
            // One that is being made or deleted is still there.
            Err(error) if matches!(error.kind, Kind::Busy | Kind::Failed) => Ok(false),
            outcome => outcome.map(|_| false),
        }
    }

    /// What lists everything that bears any stack's tag or label, in the account and on the cluster.
    ///
    /// # Errors
    /// `Input` when the kubeconfig has no such context.
    pub async fn census(&self) -> Result<Places> {
        let aws = AwsCensus::new(&self.sdk(Identity::Administrator).await?, &self.settings.place);
        let mut places: Vec<Box<dyn Census>> = vec![Box::new(aws)];
        if self.settings.target != Target::Local && !self.leaves_cluster_out {
            places.push(Box::new(KubeCensus::new(self.cluster().await?)));
        }
        Ok(Places(places))
    }
}
