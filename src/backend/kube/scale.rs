//! What a ScaledObject scales on a cluster: the scale subresource of any kind that has one, and the pods behind it.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use kube::{
    Api,
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use serde_json::{Value, json};

use super::{
    client::Cluster,
    error::{fault, is_absent},
    kinds::Scope,
    objects::{FIELD_MANAGER, KubeObjects},
    pods::{Which, Workload},
};
use crate::core::{
    error::{Error, Result},
    ports::{Replica, Scale, ScaleTarget, Workloads},
};

/// The workloads of one namespace.
#[derive(Clone)]
pub struct KubeWorkloads {
    objects: KubeObjects,
    workload: Workload,
}

/// A target as the API server serves it.
struct Served {
    api: Api<DynamicObject>,
    target: ScaleTarget,
}

impl KubeWorkloads {
    /// The workloads in `namespace` of `cluster`.
    #[must_use]
    pub fn new(cluster: &Cluster, namespace: &str) -> Self {
        let workload = Workload { client: cluster.client(), namespace: namespace.to_owned() };
        Self { objects: KubeObjects::new(cluster, namespace), workload }
    }

    /// Finds the target's kind; most are asked of the API server.
    async fn served(&self, target: &ScaleTarget) -> Result<Served> {
        let ScaleTarget { api_version, kind, .. } = target;
        let fault = |why: String| Error::input("spec.scaleTargetRef", format!("{api_version}/{kind}"), why);
        match self.objects.entry(kind, Some(api_version)).await? {
            Some(entry) if entry.scope == Scope::Namespaced => {
                let api = Api::namespaced_with(self.workload.client.clone(), &self.workload.namespace, &entry.resource);
                Ok(Served { api, target: target.clone() })
            }
            Some(_) => Err(fault("it is in no namespace, so that KEDA cannot scale it".to_owned())),
            None => Err(fault("the API server does not serve this kind".to_owned()).hint("see `kubectl api-resources`")),
        }
    }
}

impl Served {
    fn named(&self) -> String {
        format!("{} `{}`", self.target.kind, self.target.name)
    }

    /// The scale as it is; nothing when there is no such object.
    async fn scale(&self) -> Result<Option<Value>> {
        let what = format!("could not read the scale of {}", self.named());
        match self.api.get_scale(&self.target.name).await {
            Ok(scale) => serde_json::to_value(scale).map(Some).map_err(|error| Error::failed(what, error)),
            Err(error) if is_absent(&error) => match self.api.get_opt(&self.target.name).await {
                Ok(None) => Ok(None),
                Ok(Some(_)) => Err(Error::input("spec.scaleTargetRef", self.named(), "objects of this kind have no scale")
                    .hint("KEDA scales what has a `scale` subresource: see `kubectl get --raw` of its API group")),
                Err(error) => Err(fault(what, &error)),
            },
            Err(error) => Err(fault(what, &error)),
        }
    }
}

#[async_trait]
impl Workloads for KubeWorkloads {
    async fn scale(&self, target: &ScaleTarget) -> Result<Option<Scale>> {
        let scale = self.served(target).await?.scale().await?;
        let number = |scale: &Value, pointer: &str| {
            let number = scale.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
            i32::try_from(number).unwrap_or(i32::MAX)
        };
        Ok(scale.map(|scale| Scale { wanted: number(&scale, "/spec/replicas"), current: number(&scale, "/status/replicas") }))
    }

    async fn set_replicas(&self, target: &ScaleTarget, replicas: i32) -> Result<()> {
        let served = self.served(target).await?;
        let what = format!("could not scale {} to {replicas}", served.named());
        let (params, patch) = (
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() },
            json!({ "spec": { "replicas": replicas } }),
        );
        served.api.patch_scale(&target.name, &params, &Patch::Merge(&patch)).await.map(drop).map_err(|error| fault(what, &error))
    }

    async fn replicas(&self, target: &ScaleTarget) -> Result<Vec<Replica>> {
        let Some(scale) = self.served(target).await?.scale().await? else { return Ok(Vec::new()) };
        // Without a selector nobody can tell which pods are its own; an empty one would select all.
        let Some(selector) = scale["status"]["selector"].as_str().filter(|selector| !selector.is_empty()) else { return Ok(Vec::new()) };
        let pods = self.workload.list(&self.workload.pods(), selector).await?;
        let mut replicas: Vec<Replica> = pods.iter().filter(|pod| is_counted(pod)).map(replica).collect();
        replicas.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        Ok(replicas)
    }

    fn lines(&self, replica: &str) -> BoxStream<'static, Result<String>> {
        self.workload.clone().lines(Which::Named(replica.to_owned()))
    }
}

/// Whether a pod counts as a replica; one that has ended does not, as its controller has made another.
fn is_counted(pod: &Value) -> bool {
    !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

fn replica(pod: &Value) -> Replica {
    let metadata = &pod["metadata"];
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let is_ready = conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let is_ending = metadata["deletionTimestamp"].is_string();
    Replica {
        name: metadata["name"].as_str().unwrap_or_default().to_owned(),
        is_ready: is_ready && !is_ending,
        is_ending,
        created_at: metadata["creationTimestamp"].as_str().and_then(|text| text.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH),
        message_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_is_being_deleted_is_ending_and_not_ready() {
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let pod = json!({"metadata": {"name": "a", "creationTimestamp": "2026-01-17T05:50:45Z"}, "status": {"phase": "Running", "conditions": ready}});
        let found = replica(&pod);
        assert_eq!((found.name.as_str(), found.is_ready, found.is_ending), ("a", true, false));
        let mut dying = pod.clone();
        dying["metadata"]["deletionTimestamp"] = json!("2026-01-17T05:51:45Z");
        assert_eq!((replica(&dying).is_ready, replica(&dying).is_ending), (false, true));
        assert!(is_counted(&pod) && !is_counted(&json!({"status": {"phase": "Failed"}})));
    }
}
