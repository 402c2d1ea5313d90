//! What reads triggers.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;

use crate::core::{
    error::Result,
    event::{Depth, Reporter},
    keda::{
        decision::TriggerReading,
        manifest::Trigger,
        trigger::question::{Answer, Question},
    },
};

/// What reads one trigger; KEDA calls it a scaler.
#[async_trait]
pub trait Metric: Send + Sync {
    /// The metric's name, `s<index>-<name>`.
    fn name(&self) -> &str;
    /// What one job or replica is wanted for, as KEDA reads it back; known without asking anybody.
    fn target(&self) -> f64;
    /// Asks once, for what KEDA's scaler asks for.
    async fn read(&self) -> Result<TriggerReading>;
    /// Reads for a poll that was due at `due`: where others ask the same, an answer that was asked for then or later will do.
    async fn read_due(&self, _due: Instant) -> Result<TriggerReading> {
        self.read().await
    }
    /// The two halves of a reading, where others may ask the same.
    fn inquiry(&self) -> Option<&dyn Inquiry> {
        None
    }
    /// All three counters of the queue behind it, for the screen; `None` where there is no queue.
    async fn depth(&self) -> Result<Option<Depth>> {
        Ok(None)
    }
}

/// A reading in two halves: the question, whose answer others may use as well, and what is made of the answer.
#[async_trait]
pub trait Inquiry: Send + Sync {
    /// What is asked.
    fn question(&self) -> &Question;
    /// Asks once.
    async fn ask(&self) -> Result<Answer>;
    /// What the answer means here.
    ///
    /// # Errors
    /// When the answer cannot be used.
    fn measure(&self, answer: &Answer) -> Result<TriggerReading>;
}

/// A trigger to build, and what KEDA knows of the object around it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Names the loop of the object that it is of: `scaledjob.<namespace>.<name>`.
    pub owner: &'a str,
    /// Its place among the object's triggers, counted from 0.
    pub index: usize,
    /// The trigger.
    pub trigger: &'a Trigger,
    /// The environment of the container that `envSourceContainerName` names, or of the first one. May hold secrets.
    pub env: &'a BTreeMap<String, String>,
    /// The pod template's spec; null where the object has none.
    pub pod: &'a Value,
    /// Who is told of what KEDA's operator only writes into its log.
    pub reporter: &'a dyn Reporter,
}

/// Builds what reads triggers.
#[async_trait]
pub trait Scalers: Send + Sync {
    /// Builds what reads the trigger; `None` when it contributes no metric of its own (`cpu` and `memory`).
    ///
    /// # Errors
    /// `Input`, naming the field, when the trigger's metadata cannot be used or its type is not supported here.
    async fn build(&self, asked: Asked<'_>) -> Result<Option<Arc<dyn Metric>>>;
}
