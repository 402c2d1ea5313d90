//! Bounds how many sources are asked at the same time, however many objects there are.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::{sync::Semaphore, time::Instant};

use crate::core::{
    error::{Error, Result},
    keda::decision::TriggerReading,
    ports::{Asked, Metric, Scalers},
};

/// Scalers whose reads, and the building of them, wait for their turn. They tell no counters: between polls many objects would ask as
/// much again, and the last reading tells whether there is something to do.
pub struct BoundedScalers {
    inner: Arc<dyn Scalers>,
    turns: Arc<Semaphore>,
}

impl BoundedScalers {
    /// `inner`, taking a turn of `turns` for each request; several may share the turns.
    #[must_use]
    pub fn new(inner: Arc<dyn Scalers>, turns: Arc<Semaphore>) -> Self {
        Self { inner, turns }
    }
}

#[async_trait]
impl Scalers for BoundedScalers {
    async fn build(&self, asked: Asked<'_>) -> Result<Option<Arc<dyn Metric>>> {
        let _turn = turn(&self.turns).await?;
        let built = self.inner.build(asked).await?;
        Ok(built.map(|inner| -> Arc<dyn Metric> { Arc::new(Bounded { inner, turns: self.turns.clone() }) }))
    }
}

struct Bounded {
    inner: Arc<dyn Metric>,
    turns: Arc<Semaphore>,
}

#[async_trait]
impl Metric for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn target(&self) -> f64 {
        self.inner.target()
    }

    async fn read(&self) -> Result<TriggerReading> {
        let _turn = turn(&self.turns).await?;
        self.inner.read().await
    }

    async fn read_due(&self, due: Instant) -> Result<TriggerReading> {
        let _turn = turn(&self.turns).await?;
        self.inner.read_due(due).await
    }
}

async fn turn(turns: &Semaphore) -> Result<tokio::sync::SemaphorePermit<'_>> {
    turns.acquire().await.map_err(|error| Error::failed("could not take a turn", error))
}
