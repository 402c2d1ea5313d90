//! The `aws-kinesis-stream` scaler: its parameters, and what a number of shards means.

use super::{counted, place::Place};
use crate::core::{
    error::Result,
    keda::{
        decision::{Counted, TriggerReading},
        metadata::{Parameters, Source, Sources},
        metric_name::{metric_name, normalize},
    },
};

/// The trigger's type.
pub const KINESIS_TRIGGER: &str = "aws-kinesis-stream";

/// One trigger's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KinesisMetadata {
    /// The stream's name.
    pub stream_name: String,
    /// Shards per job.
    pub shard_count: i64,
    /// The trigger is active above this.
    pub activation_shard_count: i64,
    /// Where the stream is.
    pub place: Place,
}

impl KinesisMetadata {
    /// Reads a trigger's parameters.
    ///
    /// # Errors
    /// `Input`, with everything that KEDA's scaler would refuse.
    pub fn parse(sources: Sources<'_>) -> Result<Self> {
        let mut parameters = Parameters::new(sources);
        let metadata = Self {
            stream_name: parameters.required("streamName", &[Source::Trigger]).to_owned(),
            shard_count: parameters.integer("shardCount", 2),
            activation_shard_count: parameters.integer("activationShardCount", 0),
            place: Place::read(&mut parameters),
        };
        parameters.finish("metadata of a trigger of type aws-kinesis-stream")?;
        Ok(metadata)
    }

    /// The metric's name of trigger number `index`, counted from 0.
    #[must_use]
    pub fn metric_name(&self, index: usize) -> String {
        metric_name(index, &normalize(&format!("aws-kinesis-{}", self.stream_name)))
    }

    /// The input of a decision from the number of open shards, which is no lag; `metric` is the reading's name.
    #[must_use]
    pub fn measure(&self, metric: &str, shards: i64) -> TriggerReading {
        TriggerReading { counted: Some(Counted::OpenShards), ..counted(metric, shards, self.shard_count, self.activation_shard_count) }
    }
}
