//! What a trigger asks AWS for, apart from what it makes of the answer: two that ask the same at the same time get the same answer.

use std::collections::BTreeMap;

use super::{
    TriggerMetadata, attribute::AttributeValue, cloudwatch::CloudWatchMetadata, dynamodb::DynamoDbMetadata, place::Place, sqs::SqsMetadata,
};
use crate::core::{
    error::{Error, Result},
    keda::authorization::AwsAuthorization,
};

/// Who asks where for what. Questions that are equal have one answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// In whose name.
    pub authorization: AwsAuthorization,
    /// Region and endpoint.
    pub place: Place,
    /// For what.
    pub request: Request,
}

/// One call of AWS, with every parameter that goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// SQS: `GetQueueAttributes`.
    QueueAttributes {
        /// The queue, as the trigger names it.
        queue_url: String,
        /// The attributes.
        attributes: Vec<&'static str>,
    },
    /// Kinesis: `DescribeStreamSummary`.
    StreamSummary {
        /// The stream's name.
        stream: String,
    },
    /// DynamoDB: the first page of a `Query`.
    Query {
        /// The table.
        table: String,
        /// The index; empty for the table itself.
        index: String,
        /// The key condition.
        condition: String,
        /// The filter; empty for none.
        filter: String,
        /// The names that both refer to.
        names: BTreeMap<String, String>,
        /// The values that both refer to.
        values: BTreeMap<String, AttributeValue>,
    },
    /// DynamoDB Streams: all pages of `DescribeStream`.
    StreamShards {
        /// The stream's ARN; until it is found, the table's name.
        stream: String,
    },
    /// CloudWatch: `GetMetricData` of one query, over a window that ends some time before now.
    MetricData {
        /// The metric: namespace, name, statistic and unit.
        metric: [String; 4],
        /// Names and values of its dimensions.
        dimensions: [Vec<String>; 2],
        /// An expression instead, if not empty.
        expression: String,
        /// The account, if not empty.
        account: String,
        /// The period, the window's length, and how long ago it ends, in seconds.
        seconds: [i64; 3],
    },
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Attributes of a queue.
    Attributes(BTreeMap<String, String>),
    /// How many there are of what is counted.
    Count(i64),
    /// The values of each result, in the order of the answer.
    Values(Vec<Vec<f64>>),
}

impl Answer {
    /// The attributes of a queue.
    ///
    /// # Errors
    /// When it is the answer to another question.
    pub fn attributes(&self) -> Result<&BTreeMap<String, String>> {
        if let Self::Attributes(attributes) = self { Ok(attributes) } else { Err(stray()) }
    }

    /// How many there are.
    ///
    /// # Errors
    /// When it is the answer to another question.
    pub fn count(&self) -> Result<i64> {
        if let Self::Count(count) = self { Ok(*count) } else { Err(stray()) }
    }

    /// The values of each result.
    ///
    /// # Errors
    /// When it is the answer to another question.
    pub fn values(&self) -> Result<&[Vec<f64>]> {
        if let Self::Values(values) = self { Ok(values) } else { Err(stray()) }
    }
}

fn stray() -> Error {
    Error::failed("could not use an answer of AWS", "it is the answer to another question")
}

impl TriggerMetadata {
    /// What it asks for; `None` for what asks nobody.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        Some(match self {
            Self::Sqs(metadata) => metadata.request(),
            Self::Kinesis(metadata) => Request::StreamSummary { stream: metadata.stream_name.clone() },
            Self::DynamoDb(metadata) => metadata.request(),
            Self::DynamoDbStreams(metadata) => Request::StreamShards { stream: metadata.table_name.clone() },
            Self::CloudWatch(metadata) => metadata.request(),
            Self::Cron(_) | Self::Resource(_) => return None,
        })
    }
}

impl SqsMetadata {
    fn request(&self) -> Request {
        Request::QueueAttributes { queue_url: self.queue_url.clone(), attributes: self.attributes() }
    }
}

impl DynamoDbMetadata {
    fn request(&self) -> Request {
        Request::Query {
            table: self.table_name.clone(),
            index: self.index_name.clone(),
            condition: self.key_condition_expression.clone(),
            filter: self.filter_expression.clone(),
            names: self.expression_attribute_names.clone(),
            values: self.expression_attribute_values.clone(),
        }
    }
}

impl CloudWatchMetadata {
    fn request(&self) -> Request {
        Request::MetricData {
            metric: [&self.namespace, &self.metric_name, &self.stat, &self.unit].map(String::clone),
            dimensions: [self.dimension_names.clone(), self.dimension_values.clone()],
            expression: self.expression.clone(),
            account: self.account_id.clone(),
            seconds: [self.period_seconds, self.collection_seconds, self.end_offset_seconds],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::keda::metadata::Sources;

    fn request(kind: &str, pairs: &[(&str, &str)]) -> Request {
        let trigger = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let sources = Sources { trigger: &trigger, auth: &BTreeMap::new(), env: &BTreeMap::new() };
        TriggerMetadata::parse(kind, None, sources).expect("valid").request().expect("it asks")
    }

    type Given = &'static [(&'static str, &'static str)];
    type Changes = &'static [(&'static str, &'static str, bool)];

    /// Each parameter of a trigger, with another value than its first, and whether it is part of the question.
    const CASES: [(&str, Given, Changes); 5] = [
        (
            "aws-sqs-queue",
            &[("queueURL", "q"), ("awsRegion", "r")],
            &[
                ("queueURL", "p", true),
                ("scaleOnInFlight", "false", true),
                ("scaleOnDelayed", "true", true),
                ("queueLength", "9", false),
                ("activationQueueLength", "9", false),
            ],
        ),
        (
            "aws-kinesis-stream",
            &[("streamName", "s"), ("awsRegion", "r")],
            &[("streamName", "t", true), ("shardCount", "9", false), ("activationShardCount", "9", false)],
        ),
        (
            "aws-dynamodb",
            &[
                ("tableName", "t"),
                ("awsRegion", "r"),
                ("keyConditionExpression", "#k = :v"),
                ("expressionAttributeNames", r##"{"#k": "k"}"##),
                ("expressionAttributeValues", r#"{":v": {"S": "a"}}"#),
                ("targetValue", "1"),
            ],
            &[
                ("tableName", "u", true),
                ("indexName", "i", true),
                ("filterExpression", "#k = :v", true),
                ("keyConditionExpression", ":v = #k", true),
                ("expressionAttributeNames", r##"{"#k": "l"}"##, true),
                ("expressionAttributeValues", r#"{":v": {"S": "b"}}"#, true),
                ("targetValue", "9", false),
                ("activationTargetValue", "9", false),
            ],
        ),
        (
            "aws-dynamodb-streams",
            &[("tableName", "t"), ("awsRegion", "r")],
            &[("tableName", "u", true), ("shardCount", "9", false), ("activationShardCount", "9", false)],
        ),
        (
            "aws-cloudwatch",
            &[
                ("namespace", "n"),
                ("metricName", "m"),
                ("dimensionName", "d"),
                ("dimensionValue", "e"),
                ("targetMetricValue", "1"),
                ("minMetricValue", "0"),
                ("awsRegion", "r"),
            ],
            &[
                ("namespace", "o", true),
                ("metricName", "o", true),
                ("dimensionName", "o", true),
                ("dimensionValue", "o", true),
                ("metricStat", "Sum", true),
                ("metricUnit", "Count", true),
                ("metricStatPeriod", "60", true),
                ("metricCollectionTime", "600", true),
                ("metricEndTimeOffset", "60", true),
                ("awsAccountId", "111122223333", true),
                ("targetMetricValue", "9", false),
                ("minMetricValue", "9", false),
                ("activationTargetMetricValue", "9", false),
                ("ignoreNullValues", "false", false),
            ],
        ),
    ];

    #[test]
    fn what_goes_over_the_wire_parts_questions_and_what_is_made_of_the_answer_does_not() {
        for (kind, base, changes) in CASES {
            for (name, value, is_asked) in changes {
                let mut changed: Vec<(&str, &str)> = base.iter().copied().filter(|(key, _)| key != name).collect();
                changed.push((name, value));
                assert_eq!(request(kind, base) != request(kind, &changed), *is_asked, "{kind}: {name}");
            }
        }
    }
}
