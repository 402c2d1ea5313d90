//! What reads triggers: one file for each AWS service, each asking for exactly what KEDA's scaler asks for.

mod cloudwatch;
mod cron;
mod dynamodb;
mod dynamodb_streams;
mod kinesis;
mod sqs;

use std::sync::Arc;

pub use self::sqs::SqsMetric;
use self::{
    cloudwatch::CloudWatchMetric, cron::CronMetric, dynamodb::DynamoDbMetric, dynamodb_streams::DynamoDbStreamsMetric,
    kinesis::KinesisMetric,
};
use super::clients::Clients;
use crate::core::{
    error::Result,
    keda::{
        authorization::AwsAuthorization,
        trigger::{TriggerMetadata, question::Question},
    },
    ports::Metric,
};

/// What reads the trigger number `index`, counted from 0, with `clients` that ask in the name of `authorization`; `None` for `cpu` and `memory`.
///
/// # Errors
/// When something is asked for at once, as KEDA's scaler does, and cannot be had.
pub async fn metric(
    index: usize,
    metadata: TriggerMetadata,
    authorization: AwsAuthorization,
    clients: &Clients,
) -> Result<Option<Arc<dyn Metric>>> {
    let (Some(request), Some(source)) = (metadata.request(), metadata.source()) else { return Ok(sourceless(index, metadata)) };
    let question = Question { authorization, place: source.place, request };
    Ok(Some(match metadata {
        TriggerMetadata::Sqs(metadata) => Arc::new(SqsMetric::new(clients.sqs(), index, metadata, question)),
        TriggerMetadata::Kinesis(metadata) => Arc::new(KinesisMetric::new(clients.kinesis(), index, metadata, question)),
        TriggerMetadata::DynamoDb(metadata) => Arc::new(DynamoDbMetric::new(clients.dynamodb(), index, metadata, question)),
        TriggerMetadata::DynamoDbStreams(metadata) => Arc::new(DynamoDbStreamsMetric::find(clients, index, metadata, question).await?),
        TriggerMetadata::CloudWatch(metadata) => Arc::new(CloudWatchMetric::new(clients.cloudwatch(), index, metadata, question)),
        alone @ (TriggerMetadata::Cron(_) | TriggerMetadata::Resource(_)) => return Ok(sourceless(index, alone)),
    }))
}

/// What reads a trigger that needs no AWS; `None` for what has no metric of its own.
pub(super) fn sourceless(index: usize, metadata: TriggerMetadata) -> Option<Arc<dyn Metric>> {
    match metadata {
        TriggerMetadata::Cron(metadata) => Some(Arc::new(CronMetric::new(index, metadata))),
        _ => None,
    }
}
