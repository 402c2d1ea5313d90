//! The `aws-dynamodb-streams` scaler: its parameters, and what a number of shards means.

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
pub const DYNAMODB_STREAMS_TRIGGER: &str = "aws-dynamodb-streams";

/// One trigger's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamoDbStreamsMetadata {
    /// The name of the table whose stream is read.
    pub table_name: String,
    /// Shards per job.
    pub shard_count: i64,
    /// The trigger is active above this.
    pub activation_shard_count: i64,
    /// Where the table is.
    pub place: Place,
}

impl DynamoDbStreamsMetadata {
    /// Reads a trigger's parameters.
    ///
    /// # Errors
    /// `Input`, with everything that KEDA's scaler would refuse.
    pub fn parse(sources: Sources<'_>) -> Result<Self> {
        let mut parameters = Parameters::new(sources);
        let metadata = Self {
            table_name: parameters.required("tableName", &[Source::Trigger]).to_owned(),
            shard_count: parameters.integer("shardCount", 2),
            activation_shard_count: parameters.integer("activationShardCount", 0),
            place: Place::read(&mut parameters),
        };
        parameters.finish("metadata of a trigger of type aws-dynamodb-streams")?;
        Ok(metadata)
    }

    /// The metric's name of trigger number `index`, counted from 0.
    #[must_use]
    pub fn metric_name(&self, index: usize) -> String {
        metric_name(index, &normalize(&format!("aws-dynamodb-streams-{}", self.table_name)))
    }

    /// The input of a decision from the number of shards, closed ones included; `metric` is the reading's name.
    #[must_use]
    pub fn measure(&self, metric: &str, shards: i64) -> TriggerReading {
        TriggerReading { counted: Some(Counted::Shards), ..counted(metric, shards, self.shard_count, self.activation_shard_count) }
    }
}
