//! The cluster behind a stack: found by its context or on EKS, and what it must offer before setup makes anything.

use std::sync::Arc;

use aws_config::SdkConfig;

use super::{
    Backend,
    absent::NoCluster,
    aws::{
        eks::{self, EksCluster},
        resources::{Discover, Issuer, no_issuer},
        token,
    },
    kube::Cluster,
};
use crate::core::{
    check::Check,
    error::{Error, Kind, Result},
    ports::Objects,
    settings::{Auth, Settings, Target},
};

impl Backend {
    /// What must be there before setup makes anything: an EKS cluster that is ready, and for EKS Pod Identity its agent.
    /// Empty where setup makes its own cluster, or the cluster is not on EKS.
    ///
    /// # Errors
    /// `Input` when there is no such cluster; `Busy` or `Failed` when it is not active; `NotFound` when web identity is wanted
    /// and it has no issuer.
    pub async fn preconditions(&self) -> Result<Vec<Check>> {
        let Settings { target, auth, .. } = self.settings;
        let Some(name) = self.settings.eks_cluster().filter(|_| target != Target::Local) else { return Ok(Vec::new()) };
        let cluster = self.described().await?;
        if auth == Auth::Irsa && cluster.issuer.is_none() {
            return Err(no_issuer(name));
        }
        let mut checks = vec![Check::passed(format!("EKS cluster {name} is active"), format!("Kubernetes {}", cluster.version))];
        if auth == Auth::PodIdentity && !eks::has_pod_identity_agent(&self.administrator().await?, name).await? {
            let check = Check::warned("the agent of EKS Pod Identity is installed", "the cluster has no such add-on");
            checks.push(check.repair(eks::agent_command(name)));
        }
        Ok(checks)
    }

    /// The cluster behind the stack. Found once, when it is first needed; asks it nothing yet.
    ///
    /// # Errors
    /// `Input` when the target has none, the kubeconfig has no such context, or EKS no such cluster.
    pub async fn cluster(&self) -> Result<&Cluster> {
        let Settings { target, context, .. } = &self.settings;
        let refused = |why: &str, hint: &str| Error::new(Kind::Input, "could not choose a cluster", why).hint(hint);
        let find = async || match (target, context) {
            (Target::Local, _) => Err(refused("the local target has none", "use `--target cluster --context NAME`")),
            (Target::Eks, None) => Box::pin(self.eks()).await,
            (Target::Cluster | Target::Eks, context) => Cluster::of_context(context.as_deref()).await,
        };
        self.cluster.get_or_try_init(find).await
    }

    /// The EKS cluster by EKS's own way in: its endpoint, its authority, and tokens signed with the person's credentials.
    async fn eks(&self) -> Result<Cluster> {
        let found = self.described().await?;
        let authority = String::from_utf8_lossy(&found.authority);
        let tokens = token::tokens(&self.administrator().await?, &self.settings.place, &found.name);
        Cluster::at(&found.endpoint, &authority, tokens)
    }

    /// The EKS cluster behind the stack, as EKS describes it. Asked once it has answered well, never again.
    ///
    /// # Errors
    /// As [`eks::describe`].
    pub(super) async fn described(&self) -> Result<&EksCluster> {
        let describe = async || eks::describe(&self.administrator().await?, &self.settings.names.cluster).await;
        self.described.get_or_try_init(describe).await
    }

    /// Who tells the issuer of the cluster's tokens, where EKS does not.
    pub(super) async fn issuer(&self, config: &SdkConfig) -> Result<Issuer> {
        let Settings { target, auth, .. } = self.settings;
        let asks_cluster = target == Target::Cluster && auth == Auth::Irsa && self.settings.eks_cluster().is_none();
        let discover = if asks_cluster {
            let cluster = self.cluster().await?.clone();
            let discover: Discover = Arc::new(move || {
                let cluster = cluster.clone();
                Box::pin(async move { cluster.issuer().await })
            });
            Some(discover)
        } else {
            None
        };
        Ok(Issuer::new(config, &self.settings, discover))
    }

    /// The objects in `namespace`; none where the EKS cluster is gone, and its objects with it.
    pub(super) async fn remaining_objects(&self, namespace: &str) -> Result<Arc<dyn Objects>> {
        match self.objects_in(namespace).await {
            Err(error) if eks::is_gone(&error) => Ok(Arc::new(NoCluster)),
            found => found,
        }
    }
}
