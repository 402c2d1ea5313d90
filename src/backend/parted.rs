//! Objects kept in two places: KEDA's kinds as files, where no API server knows them; all else on the cluster.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::core::{error::Result, ports::Objects};

/// KEDA's kinds that the demo uses.
const KEDA_KINDS: [&str; 4] = ["ScaledJob", "ScaledObject", "TriggerAuthentication", "ClusterTriggerAuthentication"];

/// Two stores as one.
pub(super) struct PartedObjects {
    /// Where KEDA's kinds are.
    pub(super) keda: Arc<dyn Objects>,
    /// Where all others are.
    pub(super) others: Arc<dyn Objects>,
}

impl PartedObjects {
    fn of(&self, kind: &str) -> &dyn Objects {
        if KEDA_KINDS.contains(&kind) { &*self.keda } else { &*self.others }
    }
}

#[async_trait]
impl Objects for PartedObjects {
    async fn get(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        self.of(kind).get(kind, name).await
    }

    async fn list(&self, kind: &str) -> Result<Vec<Value>> {
        self.of(kind).list(kind).await
    }

    async fn apply(&self, manifest: &Value) -> Result<()> {
        self.of(manifest["kind"].as_str().unwrap_or_default()).apply(manifest).await
    }

    async fn delete(&self, kind: &str, name: &str) -> Result<()> {
        self.of(kind).delete(kind, name).await
    }

    async fn patch_status(&self, kind: &str, name: &str, patch: &Value) -> Result<()> {
        self.of(kind).patch_status(kind, name, patch).await
    }
}
