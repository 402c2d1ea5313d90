//! Scalers whose readings are assumed instead of asked for, as far as assumptions go.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::Instant;

use crate::core::{
    error::Result,
    keda::{
        decision::TriggerReading,
        trigger::{
            READABLE_TYPES,
            assumed::{Assumed, Assumption},
        },
    },
    ports::{Asked, Metric, Scalers},
};

/// `inner`, but for the triggers that something is assumed of.
pub struct AssumedScalers {
    inner: Arc<dyn Scalers>,
    assumptions: Vec<Assumption>,
    started: Instant,
}

impl AssumedScalers {
    /// The time of assumptions counts from now on.
    #[must_use]
    pub fn new(inner: Arc<dyn Scalers>, assumptions: Vec<Assumption>) -> Self {
        Self { inner, assumptions, started: Instant::now() }
    }
}

#[async_trait]
impl Scalers for AssumedScalers {
    /// What is assumed from the start on is never built: it may be of a type that nobody can read here.
    async fn build(&self, asked: Asked<'_>) -> Result<Option<Arc<dyn Metric>>> {
        let Some(assumed) = Assumed::of(asked.index, asked.trigger, &self.assumptions)? else { return self.inner.build(asked).await };
        let inner = match assumed.reading(Duration::ZERO) {
            Some(_) => None,
            // Until its first step it says what it says; what cannot be read says nothing.
            None => match self.inner.build(asked).await {
                Err(_) if !READABLE_TYPES.contains(&asked.trigger.kind.as_str()) => None,
                built => built?,
            },
        };
        Ok(Some(Arc::new(AssumedMetric { assumed, inner, started: self.started })))
    }
}

struct AssumedMetric {
    assumed: Assumed,
    inner: Option<Arc<dyn Metric>>,
    started: Instant,
}

#[async_trait]
impl Metric for AssumedMetric {
    fn name(&self) -> &str {
        &self.assumed.metric
    }

    fn target(&self) -> f64 {
        self.assumed.target.value
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.read_due(Instant::now()).await
    }

    async fn read_due(&self, due: Instant) -> Result<TriggerReading> {
        if let Some(reading) = self.assumed.reading(self.started.elapsed()) {
            return Ok(reading);
        }
        match &self.inner {
            Some(inner) => Ok(TriggerReading { metric: self.assumed.metric.clone(), ..inner.read_due(due).await? }),
            None => Ok(self.assumed.nothing()),
        }
    }
}
