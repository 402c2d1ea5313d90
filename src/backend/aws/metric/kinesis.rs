//! What KEDA's `aws-kinesis-stream` scaler does at each poll: one `DescribeStreamSummary`.

use async_trait::async_trait;
use aws_sdk_kinesis::Client;

use crate::{
    backend::aws::error::fault,
    core::{
        error::{Error, Result},
        keda::{
            decision::TriggerReading,
            number::to_float,
            trigger::{
                kinesis::KinesisMetadata,
                question::{Answer, Question},
            },
        },
        ports::{Inquiry, Metric},
    },
};

/// One trigger's stream.
#[derive(Debug, Clone)]
pub(super) struct KinesisMetric {
    client: Client,
    metadata: KinesisMetadata,
    name: String,
    question: Question,
}

impl KinesisMetric {
    /// What reads the trigger number `index`, counted from 0, whose parameters are `metadata`; `question` is what it asks.
    pub(super) fn new(client: Client, index: usize, metadata: KinesisMetadata, question: Question) -> Self {
        Self { client, name: metadata.metric_name(index), metadata, question }
    }
}

#[async_trait]
impl Metric for KinesisMetric {
    fn name(&self) -> &str {
        &self.name
    }

    fn target(&self) -> f64 {
        to_float(self.metadata.shard_count)
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.measure(&self.ask().await?)
    }

    fn inquiry(&self) -> Option<&dyn Inquiry> {
        Some(self)
    }
}

#[async_trait]
impl Inquiry for KinesisMetric {
    fn question(&self) -> &Question {
        &self.question
    }

    async fn ask(&self) -> Result<Answer> {
        let stream = &self.metadata.stream_name;
        let what = || format!("could not count the open shards of stream `{stream}`");
        let answer = self.client.describe_stream_summary().stream_name(stream).send().await.map_err(|error| fault(what(), &error))?;
        let Some(summary) = answer.stream_description_summary else { return Err(Error::failed(what(), "the answer has no summary")) };
        Ok(Answer::Count(summary.open_shard_count.into()))
    }

    fn measure(&self, answer: &Answer) -> Result<TriggerReading> {
        Ok(self.metadata.measure(&self.name, answer.count()?))
    }
}
