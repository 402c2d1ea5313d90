//! Every object of a cluster that bears a stack's label, in all namespaces.

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use kube::{
    Api,
    api::ListParams,
    core::{DynamicObject, PartialObjectMeta},
};

use super::{
    client::Cluster,
    error::{fault, is_absent},
    kinds,
};
use crate::core::{
    error::Result,
    plan::ResourceId,
    ports::{Census, Sweep, Tagged},
    stack::{EXPIRES_ANNOTATION, MANAGED_BY, MANAGED_BY_LABEL, STACK_LABEL},
};

/// Kinds asked for at once.
const CONCURRENCY: usize = 6;
/// Objects in one answer.
const PAGE: u32 = 500;
/// Every kind that setup, the scaler or the producer makes, and the word for it.
const KINDS: &[(&str, &str)] = &[
    ("ScaledJob", "scaledjob"),
    ("ScaledObject", "scaledobject"),
    ("TriggerAuthentication", "triggerauthentication"),
    ("ClusterTriggerAuthentication", "clustertriggerauthentication"),
    ("Job", "job"),
    ("Pod", "pod"),
    ("Deployment", "deployment"),
    ("Service", "service"),
    ("ConfigMap", "configmap"),
    ("Secret", "secret"),
    ("ServiceAccount", "serviceaccount"),
    ("Lease", "lease"),
    ("Namespace", "namespace"),
];

/// The labelled objects of one cluster.
pub struct KubeCensus {
    cluster: Cluster,
}

impl KubeCensus {
    /// Those of `cluster`.
    #[must_use]
    pub fn new(cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone() }
    }

    /// One kind; only names, labels and annotations are read, so that no Secret is.
    async fn kind(&self, kind: &'static str, word: &'static str) -> Sweep {
        let Some(entry) = kinds::known(kind, None) else { return Sweep::default() };
        let api: Api<DynamicObject> = Api::all_with(self.cluster.client(), &entry.resource);
        let mut page = ListParams::default().labels(&format!("{STACK_LABEL},{MANAGED_BY_LABEL}={MANAGED_BY}")).limit(PAGE);
        let mut sweep = Sweep { kinds: vec![word], ..Sweep::default() };
        loop {
            let list = match api.list_metadata(&page).await {
                Ok(list) => list,
                Err(error) if is_absent(&error) => return sweep,
                Err(error) => {
                    sweep.unread.push(fault(format!("{word}: could not list objects of kind {kind}"), &error).to_string());
                    return sweep;
                }
            };
            sweep.found.extend(list.items.iter().filter_map(|object| read(word, object)));
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return sweep,
            }
        }
    }
}

fn read(word: &'static str, object: &PartialObjectMeta<DynamicObject>) -> Option<Tagged> {
    let metadata = &object.metadata;
    let annotation = metadata.annotations.as_ref().and_then(|annotations| annotations.get(EXPIRES_ANNOTATION));
    Some(Tagged {
        id: ResourceId::new(word, metadata.name.clone()?),
        stack: metadata.labels.as_ref()?.get(STACK_LABEL)?.clone(),
        namespace: metadata.namespace.clone(),
        expires_at: annotation.and_then(|text| text.parse().ok()),
    })
}

#[async_trait]
impl Census for KubeCensus {
    async fn sweep(&self) -> Result<Sweep> {
        let looks: Vec<_> = KINDS.iter().map(|(kind, word)| self.kind(kind, word)).collect();
        let sweeps: Vec<Sweep> = stream::iter(looks).buffered(CONCURRENCY).collect().await;
        Ok(sweeps.into_iter().fold(Sweep::default(), Sweep::and))
    }
}
