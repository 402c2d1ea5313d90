//! The triggers: each one's parameters, what it asks for, and what the answer means.

pub mod assumed;
pub mod attribute;
pub mod cloudwatch;
pub mod cron;
pub mod dynamodb;
pub mod dynamodb_streams;
pub mod key_schema;
pub mod kinesis;
pub mod metric_type;
pub mod place;
pub mod question;
pub mod queue_name;
pub mod resource;
mod rights;
pub mod scaler;
pub mod schedule;
pub mod sqs;
pub mod target;

use self::{
    cloudwatch::{CLOUDWATCH_TRIGGER, CloudWatchMetadata},
    cron::{CRON_TRIGGER, CronMetadata},
    dynamodb::{DYNAMODB_TRIGGER, DynamoDbMetadata},
    dynamodb_streams::{DYNAMODB_STREAMS_TRIGGER, DynamoDbStreamsMetadata},
    kinesis::{KINESIS_TRIGGER, KinesisMetadata},
    metric_type::MetricType,
    place::Place,
    resource::{RESOURCE_TRIGGERS, ResourceMetadata},
    sqs::{SQS_TRIGGER, SqsMetadata},
};
use super::{
    decision::TriggerReading,
    metadata::Sources,
    number::{through_quantity, to_float},
};
use crate::core::error::{Error, Result};

/// The types that can be read here.
pub const READABLE_TYPES: [&str; 8] = [
    SQS_TRIGGER,
    KINESIS_TRIGGER,
    DYNAMODB_TRIGGER,
    DYNAMODB_STREAMS_TRIGGER,
    CLOUDWATCH_TRIGGER,
    CRON_TRIGGER,
    RESOURCE_TRIGGERS[0],
    RESOURCE_TRIGGERS[1],
];

/// One trigger's parameters, checked as KEDA's scaler checks them.
#[derive(Debug, Clone, PartialEq)]
pub enum TriggerMetadata {
    /// `aws-sqs-queue`.
    Sqs(SqsMetadata),
    /// `aws-kinesis-stream`.
    Kinesis(KinesisMetadata),
    /// `aws-dynamodb`.
    DynamoDb(DynamoDbMetadata),
    /// `aws-dynamodb-streams`.
    DynamoDbStreams(DynamoDbStreamsMetadata),
    /// `aws-cloudwatch`.
    CloudWatch(CloudWatchMetadata),
    /// `cron`.
    Cron(CronMetadata),
    /// `cpu` and `memory`.
    Resource(ResourceMetadata),
}

/// What an AWS trigger watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsSource {
    /// What it is, with its name.
    pub named: Named,
    /// Where it is.
    pub place: Place,
}

/// The kinds of sources, each with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A queue of SQS, by its name.
    Queue(String),
    /// A stream of Kinesis.
    Stream(String),
    /// A table of DynamoDB.
    Table(String),
    /// The stream of a table of DynamoDB, by the table's name.
    TableStream(String),
    /// A metric of CloudWatch, by its namespace and name; with an expression, the expression.
    Metric(String),
}

impl Named {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Queue(name) | Self::Stream(name) | Self::Table(name) | Self::TableStream(name) | Self::Metric(name) => name,
        }
    }
}

impl TriggerMetadata {
    /// Reads the parameters of a trigger of type `kind` that says `metric_type`.
    ///
    /// # Errors
    /// `Input`, with everything that KEDA's scaler would refuse, and for a type that cannot be read here: it names `type`.
    pub fn parse(kind: &str, metric_type: Option<MetricType>, sources: Sources<'_>) -> Result<Self> {
        if RESOURCE_TRIGGERS.contains(&kind) {
            return ResourceMetadata::parse(kind, metric_type, sources).map(Self::Resource);
        }
        let parsed = match kind {
            SQS_TRIGGER => SqsMetadata::parse(sources).map(Self::Sqs),
            KINESIS_TRIGGER => KinesisMetadata::parse(sources).map(Self::Kinesis),
            DYNAMODB_TRIGGER => DynamoDbMetadata::parse(sources).map(Self::DynamoDb),
            DYNAMODB_STREAMS_TRIGGER => DynamoDbStreamsMetadata::parse(sources).map(Self::DynamoDbStreams),
            CLOUDWATCH_TRIGGER => CloudWatchMetadata::parse(sources).map(Self::CloudWatch),
            CRON_TRIGGER => CronMetadata::parse(sources).map(Self::Cron),
            other => return Err(unreadable(other)),
        };
        MetricType::of_external(metric_type).and(parsed)
    }

    /// The metric's name of trigger number `index`, counted from 0; `None` for `cpu` and `memory`, which have none.
    #[must_use]
    pub fn metric_name(&self, index: usize) -> Option<String> {
        Some(match self {
            Self::Sqs(metadata) => metadata.metric_name(index),
            Self::Kinesis(metadata) => metadata.metric_name(index),
            Self::DynamoDb(metadata) => metadata.metric_name(index),
            Self::DynamoDbStreams(metadata) => metadata.metric_name(index),
            Self::CloudWatch(metadata) => metadata.metric_name(index),
            Self::Cron(metadata) => metadata.metric_name(index),
            Self::Resource(_) => return None,
        })
    }

    /// What it watches in AWS; `None` for what needs no AWS.
    #[must_use]
    pub fn source(&self) -> Option<AwsSource> {
        let (named, place) = match self {
            Self::Sqs(metadata) => (Named::Queue(metadata.queue_name.clone()), &metadata.place),
            Self::Kinesis(metadata) => (Named::Stream(metadata.stream_name.clone()), &metadata.place),
            Self::DynamoDb(metadata) => (Named::Table(metadata.table_name.clone()), &metadata.place),
            Self::DynamoDbStreams(metadata) => (Named::TableStream(metadata.table_name.clone()), &metadata.place),
            Self::CloudWatch(metadata) => (Named::Metric(metadata.shown()), &metadata.place),
            Self::Cron(_) | Self::Resource(_) => return None,
        };
        Some(AwsSource { named, place: place.clone() })
    }
}

/// A type that cannot be read here, and the way out.
fn unreadable(kind: &str) -> Error {
    let why = format!("triggers of this type cannot be read here: {} can", READABLE_TYPES.join(", "));
    Error::input("type", kind, why).hint("give the trigger a value with `--assume NAME=VALUE`, where NAME is the trigger's name")
}

/// A reading of something that is counted: compared before rounding, and rounded as a quantity is.
fn counted(metric: &str, count: i64, target: i64, activation: i64) -> TriggerReading {
    TriggerReading {
        metric: metric.to_owned(),
        value: through_quantity(to_float(count)),
        target: to_float(target),
        active: count > activation,
        activation: Some(to_float(activation)),
        parts: None,
        counted: None,
        error: None,
    }
}
