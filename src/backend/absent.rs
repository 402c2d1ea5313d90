//! A cluster that is gone or left out: nothing is there, and nothing can be made.

use async_trait::async_trait;
use serde_json::Value;

use crate::core::{
    error::{Error, Kind, Result},
    ports::{Job, JobSpec, Jobs, Objects, Replica, Scale, ScaleTarget, Workloads},
};

/// The objects, jobs and workloads of no cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoCluster;

fn refused(what: &str) -> Error {
    Error::new(Kind::NotFound, what, "the cluster is gone, or was left out")
}

#[async_trait]
impl Objects for NoCluster {
    async fn get(&self, _kind: &str, _name: &str) -> Result<Option<Value>> {
        Ok(None)
    }

    async fn list(&self, _kind: &str) -> Result<Vec<Value>> {
        Ok(Vec::new())
    }

    async fn apply(&self, _manifest: &Value) -> Result<()> {
        Err(refused("could not apply an object"))
    }

    async fn delete(&self, _kind: &str, _name: &str) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Jobs for NoCluster {
    async fn all(&self) -> Result<Vec<Job>> {
        Ok(Vec::new())
    }

    async fn create(&self, _spec: &JobSpec) -> Result<String> {
        Err(refused("could not create a job"))
    }

    async fn delete(&self, _name: &str) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Workloads for NoCluster {
    async fn scale(&self, _target: &ScaleTarget) -> Result<Option<Scale>> {
        Ok(None)
    }

    async fn set_replicas(&self, _target: &ScaleTarget, _replicas: i32) -> Result<()> {
        Err(refused("could not scale"))
    }

    async fn replicas(&self, _target: &ScaleTarget) -> Result<Vec<Replica>> {
        Ok(Vec::new())
    }
}
