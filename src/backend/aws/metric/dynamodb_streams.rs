//! What KEDA's `aws-dynamodb-streams` scaler does: it finds the table's stream once, and lists its shards at each poll.

use async_trait::async_trait;
use aws_sdk_dynamodbstreams::Client;

use crate::{
    backend::aws::{clients::Clients, error::fault},
    core::{
        error::{Error, Kind, Result},
        keda::{
            decision::TriggerReading,
            number::to_float,
            trigger::{
                dynamodb_streams::DynamoDbStreamsMetadata,
                question::{Answer, Question, Request},
            },
        },
        ports::{Inquiry, Metric},
    },
};

/// One trigger's stream, as it was when this was built: a stream that is made anew is not seen.
#[derive(Debug, Clone)]
pub(super) struct DynamoDbStreamsMetric {
    client: Client,
    metadata: DynamoDbStreamsMetadata,
    stream_arn: String,
    name: String,
    question: Question,
}

impl DynamoDbStreamsMetric {
    /// Finds the stream of the table; `index` is the trigger's, counted from 0, and `question` what it asks.
    ///
    /// # Errors
    /// When the table cannot be described or has no stream.
    pub(super) async fn find(clients: &Clients, index: usize, metadata: DynamoDbStreamsMetadata, question: Question) -> Result<Self> {
        let table = &metadata.table_name;
        let what = || format!("could not find the stream of table `{table}`");
        let described = clients.dynamodb().describe_table().table_name(table).send().await;
        let described = described.map_err(|error| fault(what(), &error))?.table;
        let Some(stream_arn) = described.and_then(|table| table.latest_stream_arn) else {
            return Err(Error::new(Kind::NotFound, what(), "the table has none").hint("enable a stream on the table"));
        };
        // Another stream of the same table is another question.
        let question = Question { request: Request::StreamShards { stream: stream_arn.clone() }, ..question };
        Ok(Self { client: clients.dynamodb_streams(), stream_arn, name: metadata.metric_name(index), metadata, question })
    }
}

#[async_trait]
impl Metric for DynamoDbStreamsMetric {
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
impl Inquiry for DynamoDbStreamsMetric {
    fn question(&self) -> &Question {
        &self.question
    }

    async fn ask(&self) -> Result<Answer> {
        let what = || format!("could not list the shards of the stream of table `{}`", self.metadata.table_name);
        let (mut shards, mut after) = (0, None);
        loop {
            let page = self.client.describe_stream().stream_arn(&self.stream_arn).set_exclusive_start_shard_id(after);
            let page = page.send().await.map_err(|error| fault(what(), &error))?;
            let Some(description) = page.stream_description else { return Err(Error::failed(what(), "the answer has no description")) };
            shards += description.shards.map_or(0, |shards| shards.len());
            after = description.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(Answer::Count(i64::try_from(shards).unwrap_or(i64::MAX)));
            }
        }
    }

    fn measure(&self, answer: &Answer) -> Result<TriggerReading> {
        Ok(self.metadata.measure(&self.name, answer.count()?))
    }
}
