//! Where jobs run, who may scale them, and what is seen of them: on this machine or on a cluster.

use std::sync::Arc;

use super::{
    Backend,
    absent::NoCluster,
    kube::{KubeJobs, KubeLease, KubeSights, KubeWorkloads, Owners},
    process::{FileLease, Launch, ProcessJobs, ProcessPools},
};
use crate::core::{
    controller::Install,
    error::{Error, Result},
    ports::{Jobs, Lease, Sights, Workloads},
    settings::{Controller, Settings, Target},
    template::{Facts, Template},
};

impl Backend {
    /// The stack's jobs. On this machine they work `pace` times faster than the manifest says, and `work` replaces the
    /// sleep when not empty; on a cluster they are what the ScaledJob says.
    ///
    /// # Errors
    /// When this program's own path cannot be found; `Input` when `work` is given for a cluster, or there is no such context.
    pub async fn jobs(&self, pace: f64, work: &[String]) -> Result<Arc<dyn Jobs>> {
        if self.leaves_cluster_out {
            return Ok(Arc::new(NoCluster));
        }
        if self.settings.target != Target::Local {
            if !work.is_empty() {
                let error = Error::input("command", work.join(" "), "jobs of a cluster run what the ScaledJob says");
                return Err(error.hint("leave `-- COMMAND` out, or use `--target local`"));
            }
            let owners = if self.keeps_keda_kinds().await? { Owners::LeftOut } else { Owners::Named };
            let Settings { names, stack, .. } = &self.settings;
            return Ok(Arc::new(KubeJobs::new(self.cluster().await?, &names.namespace, stack, owners)));
        }
        Ok(Arc::new(ProcessJobs::new(self.launch(pace, work)?)))
    }

    /// Where the targets of the stack's `ScaledObjects` run. On this machine their replicas work `pace` times faster than the
    /// manifest says, and `work` replaces the sleep when not empty.
    ///
    /// # Errors
    /// As for [`Self::jobs`].
    pub async fn workloads(&self, pace: f64, work: &[String]) -> Result<Arc<dyn Workloads>> {
        if self.leaves_cluster_out {
            return Ok(Arc::new(NoCluster));
        }
        if self.settings.target != Target::Local {
            return Ok(Arc::new(KubeWorkloads::new(self.cluster().await?, &self.settings.names.namespace)));
        }
        let objects = self.files(self.object_namespace());
        Ok(Arc::new(ProcessPools::new(self.launch(pace, work)?, objects).telling(self.journal()?)))
    }

    /// How this machine's processes are started.
    fn launch(&self, pace: f64, work: &[String]) -> Result<Launch> {
        let mut launch = Launch::new(&self.settings.state_dir, &self.settings.stack, pace)?;
        launch.work = (!work.is_empty()).then(|| work.to_vec());
        Ok(launch)
    }

    /// The producer's Job, which sends `count` messages.
    ///
    /// # Errors
    /// As for [`Self::facts`].
    pub async fn producer(&self, count: u64) -> Result<serde_json::Value> {
        let facts = Facts { messages: count, ..self.facts().await? };
        let fault = |error| Error::failed("could not read the template of the producer's Job", error);
        serde_saphyr::from_str(&Template::Producer.render(&facts)?).map_err(fault)
    }

    /// What happens on the cluster.
    ///
    /// # Errors
    /// As [`Self::cluster`].
    pub async fn sights(&self) -> Result<Arc<dyn Sights>> {
        Ok(Arc::new(KubeSights::new(self.cluster().await?, &self.settings.names.namespace)))
    }

    /// Every KEDA that may act on the stack's ScaledJob; none where KEDA's kinds are files of ours.
    ///
    /// # Errors
    /// `Denied` when Deployments of all namespaces may not be listed; the API server's fault.
    pub async fn operators(&self) -> Result<Vec<Install>> {
        if self.settings.target == Target::Local || self.keeps_keda_kinds().await? {
            return Ok(Vec::new());
        }
        self.cluster().await?.operators().await
    }

    /// The right to scale the stack.
    ///
    /// # Errors
    /// `Input` when the kubeconfig has no such context.
    pub async fn lease(&self) -> Result<Arc<dyn Lease>> {
        if self.settings.target != Target::Local {
            let Settings { names, stack, .. } = &self.settings;
            return Ok(Arc::new(KubeLease::new(self.cluster().await?, &names.namespace, stack)));
        }
        Ok(Arc::new(FileLease::new(self.settings.stack_dir().join("scaler.lock"))))
    }

    /// Whether KEDA's kinds are files of ours: on a cluster that does not know them, and is not to learn them.
    pub(super) async fn keeps_keda_kinds(&self) -> Result<bool> {
        if self.settings.target == Target::Local || self.settings.controller != Controller::InProcess {
            return Ok(false);
        }
        let ask = async || self.cluster().await?.serves_keda().await.map(|served| !served);
        self.keda_kinds.get_or_try_init(ask).await.copied()
    }
}
