//! What reads triggers: one file for each AWS service, each asking for exactly what KEDA's scaler asks for.

mod cloudwatch;
mod cron;
mod dynamodb;
mod dynamodb_streams;
mod kinesis;
mod sqs;

use std::sync::Arc;

use aws_config::SdkConfig;

pub use self::sqs::SqsMetric;
use self::{
    cloudwatch::CloudWatchMetric, cron::CronMetric, dynamodb::DynamoDbMetric, dynamodb_streams::DynamoDbStreamsMetric,
    kinesis::KinesisMetric,
};
use crate::core::{error::Result, keda::trigger::TriggerMetadata, ports::Metric};

/// What reads the trigger number `index`, counted from 0, where `config` says who asks and where; `None` for `cpu` and `memory`.
///
/// # Errors
/// When something is asked for at once, as KEDA's scaler does, and cannot be had.
pub(super) async fn metric(index: usize, metadata: TriggerMetadata, config: &SdkConfig) -> Result<Option<Arc<dyn Metric>>> {
    Ok(Some(match metadata {
        TriggerMetadata::Sqs(metadata) => Arc::new(SqsMetric::new(aws_sdk_sqs::Client::new(config), index, metadata)),
        TriggerMetadata::Kinesis(metadata) => Arc::new(KinesisMetric::new(aws_sdk_kinesis::Client::new(config), index, metadata)),
        TriggerMetadata::DynamoDb(metadata) => Arc::new(DynamoDbMetric::new(aws_sdk_dynamodb::Client::new(config), index, metadata)),
        TriggerMetadata::DynamoDbStreams(metadata) => Arc::new(DynamoDbStreamsMetric::find(config, index, metadata).await?),
        TriggerMetadata::CloudWatch(metadata) => Arc::new(CloudWatchMetric::new(aws_sdk_cloudwatch::Client::new(config), index, metadata)),
        TriggerMetadata::Cron(metadata) => Arc::new(CronMetric::new(index, metadata)),
        TriggerMetadata::Resource(_) => return Ok(None),
    }))
}
