//! What KEDA's `cron` scaler does at each poll: it looks at the clock.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::core::{
    error::Result,
    keda::{
        decision::TriggerReading,
        trigger::cron::{CronMetadata, TARGET},
    },
    ports::Metric,
};

/// One trigger's hours.
#[derive(Debug, Clone)]
pub(super) struct CronMetric {
    metadata: CronMetadata,
    name: String,
}

impl CronMetric {
    /// What reads the trigger number `index`, counted from 0, whose parameters are `metadata`.
    pub(super) fn new(index: usize, metadata: CronMetadata) -> Self {
        Self { name: metadata.metric_name(index), metadata }
    }
}

#[async_trait]
impl Metric for CronMetric {
    fn name(&self) -> &str {
        &self.name
    }

    fn target(&self) -> f64 {
        TARGET
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.metadata.read(&self.name, Timestamp::now())
    }
}
