//! What KEDA's scalers ask of AWS: the least that whoever reads a source must be allowed.

use super::Named;
use crate::core::{iam::Right, stack::Place};

impl Named {
    /// Everything that its scaler asks for, and nothing else; `index` is the one of a table that is queried, if not empty.
    #[must_use]
    pub fn rights(&self, place: &Place, index: &str) -> Vec<Right> {
        match self {
            Self::Queue(name) => vec![Right::new("sqs:GetQueueAttributes", place.queue_arn(name))],
            Self::Stream(name) => vec![Right::new("kinesis:DescribeStreamSummary", place.stream_arn(name))],
            Self::Table(name) if index.is_empty() => vec![Right::new("dynamodb:Query", place.table_arn(name))],
            Self::Table(name) => vec![Right::new("dynamodb:Query", format!("{}/index/{index}", place.table_arn(name)))],
            Self::TableStream(name) => vec![
                Right::new("dynamodb:DescribeTable", place.table_arn(name)),
                Right::new("dynamodb:DescribeStream", format!("{}/stream/*", place.table_arn(name))),
            ],
            // CloudWatch knows no resources here.
            Self::Metric(_) => vec![Right::new("cloudwatch:GetMetricData", "*")],
        }
    }
}
