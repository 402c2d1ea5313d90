//! What a stack is scaled by: one of KEDA's AWS triggers, and what that trigger asks of AWS.

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::core::{
    iam::{Right, Who},
    keda::{
        number::short,
        trigger::{
            Named, cloudwatch::CLOUDWATCH_TRIGGER, dynamodb::DYNAMODB_TRIGGER, dynamodb_streams::DYNAMODB_STREAMS_TRIGGER,
            kinesis::KINESIS_TRIGGER, sqs::SQS_TRIGGER,
        },
    },
    source::Source,
    stack::{BACKLOG_METRIC, Names, TABLE_KEY, TABLE_SORT_KEY},
    table::{KeyAttribute, KeyKind, TableShape},
};

/// Shards that the stream begins with: one job's worth, until somebody splits it.
const SHARDS: i32 = 1;

/// The trigger of the ScaledJob or ScaledObject. Messages are in the queue whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TriggerKind {
    /// The queue's length.
    #[serde(rename = "aws-sqs-queue", alias = "sqs")]
    Sqs,
    /// The open shards of a Kinesis stream.
    #[serde(rename = "aws-kinesis-stream", alias = "kinesis")]
    Kinesis,
    /// The items that a query of a DynamoDB table finds.
    #[serde(rename = "aws-dynamodb", alias = "dynamodb")]
    DynamoDb,
    /// The shards of a DynamoDB table's stream.
    #[serde(rename = "aws-dynamodb-streams", alias = "dynamodb-streams")]
    DynamoDbStreams,
    /// A CloudWatch metric.
    #[serde(rename = "aws-cloudwatch", alias = "cloudwatch")]
    CloudWatch,
}

impl TriggerKind {
    /// All of them, in the order in which help lists them.
    pub const ALL: [Self; 5] = [Self::Sqs, Self::Kinesis, Self::DynamoDb, Self::DynamoDbStreams, Self::CloudWatch];

    /// The trigger's type, as manifests have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sqs => SQS_TRIGGER,
            Self::Kinesis => KINESIS_TRIGGER,
            Self::DynamoDb => DYNAMODB_TRIGGER,
            Self::DynamoDbStreams => DYNAMODB_STREAMS_TRIGGER,
            Self::CloudWatch => CLOUDWATCH_TRIGGER,
        }
    }

    /// What it looks at, in a word.
    #[must_use]
    pub fn source_word(self) -> &'static str {
        match self {
            Self::Sqs => "queue",
            Self::Kinesis => "stream",
            Self::DynamoDb => "table",
            Self::DynamoDbStreams => "table's stream",
            Self::CloudWatch => "metric",
        }
    }

    /// Its `value`, with what it counts: `2 open shards`.
    #[must_use]
    pub fn counted(self, value: f64) -> String {
        let value = short(value);
        let noun = match self {
            Self::Sqs => "message",
            Self::Kinesis => "open shard",
            Self::DynamoDb => "item",
            Self::DynamoDbStreams => "shard",
            Self::CloudWatch => return value,
        };
        let plural = if value == "1" { "" } else { "s" };
        format!("{value} {noun}{plural}")
    }

    /// What setup makes for it. The queue is there anyway, and a metric begins to be with its first value.
    #[must_use]
    pub fn source(self, names: &Names) -> Option<Source> {
        match self {
            Self::Sqs | Self::CloudWatch => None,
            Self::Kinesis => Some(Source::Stream { name: names.stream.clone(), shards: SHARDS }),
            Self::DynamoDb | Self::DynamoDbStreams => {
                let [partition, sort] = [TABLE_KEY, TABLE_SORT_KEY].map(|name| KeyAttribute::new(name, KeyKind::S));
                let shape = TableShape { has_stream: self == Self::DynamoDbStreams, ..TableShape::new(partition, Some(sort)) };
                Some(Source::Table { name: names.table.clone(), shape })
            }
        }
    }

    /// What it looks at.
    #[must_use]
    pub fn named(self, names: &Names) -> Named {
        match self {
            Self::Sqs => Named::Queue(names.queue.clone()),
            Self::Kinesis => Named::Stream(names.stream.clone()),
            Self::DynamoDb => Named::Table(names.table.clone()),
            Self::DynamoDbStreams => Named::TableStream(names.table.clone()),
            Self::CloudWatch => Named::Metric(format!("{}/{BACKLOG_METRIC}", names.metric_namespace)),
        }
    }
}

impl Settings {
    /// What setup makes for the trigger, besides the queue.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        self.trigger.source(&self.names)
    }

    /// What `who` uses, in a word.
    #[must_use]
    pub fn uses(&self, who: Who) -> &'static str {
        if who == Who::Scaler { self.trigger.source_word() } else { TriggerKind::Sqs.source_word() }
    }

    /// Everything that `who` must be allowed.
    #[must_use]
    pub fn rights(&self, who: Who) -> Vec<Right> {
        let actions: &[&str] = match who {
            Who::Scaler => return self.trigger.named(&self.names).rights(&self.place, ""),
            Who::Producer => &["sqs:SendMessage"],
            Who::Consumer => &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
        };
        actions.iter().map(|action| Right::new(action, self.place.queue_arn(&self.names.queue))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_said_with_what_it_counts() {
        let shown = TriggerKind::ALL.map(|kind| [0.0, 1.0, 2.5].map(|value| kind.counted(value)).join(", "));
        assert_eq!(shown[1], "0 open shards, 1 open shard, 2.5 open shards");
        assert_eq!(shown[4], "0, 1, 2.5");
    }

    #[test]
    fn each_trigger_is_known_by_its_type_and_by_its_short_name() {
        for kind in TriggerKind::ALL {
            let word = kind.word();
            let short = word.trim_start_matches("aws-").trim_end_matches("-queue").trim_end_matches("-stream");
            for text in [word, short] {
                assert_eq!(serde_json::from_value::<TriggerKind>(text.into()).ok(), Some(kind), "{text}");
            }
            assert_eq!(serde_json::to_value(kind).expect("a word"), word);
        }
    }
}
