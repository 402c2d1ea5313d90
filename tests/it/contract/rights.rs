//! The scaler's policy in force: what each trigger's scaler asks for is allowed, and everything beside it is refused.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDatum, MetricStat};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::{DateTime, error::metadata::ProvideErrorMetadata};
use kedactl::{
    backend::aws::resources::{Issuer, source},
    core::{
        settings::{Key, Settings, TriggerKind},
        stack::Names,
    },
};

use super::modes::{Mode, SCALER};

/// Who asks, and what was allowed.
struct Asker {
    sdk: SdkConfig,
    allowed: BTreeSet<String>,
}

impl Asker {
    fn note<T, E: ProvideErrorMetadata, R>(&mut self, what: &str, answer: Result<T, SdkError<E, R>>) {
        let refused = answer.err().is_some_and(|error| error.code().is_some_and(|code| code.starts_with("AccessDenied")));
        if !refused {
            self.allowed.insert(what.to_owned());
        }
    }

    async fn queues(&mut self, settings: &Settings) {
        let client = aws_sdk_sqs::Client::new(&self.sdk);
        for (whose, name) in [("own", &settings.names.queue), ("other", &settings.names.dead_letter_queue)] {
            let url = settings.queue_url(name);
            let request = client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
            self.note(&format!("{whose} sqs:GetQueueAttributes"), request.send().await);
            self.note(&format!("{whose} sqs:ReceiveMessage"), client.receive_message().queue_url(&url).send().await);
            self.note(&format!("{whose} sqs:SendMessage"), client.send_message().queue_url(&url).message_body("m").send().await);
        }
        self.note("sqs:ListQueues", client.list_queues().send().await);
    }

    async fn stream(&mut self, whose: &str, stream: &str) {
        let client = aws_sdk_kinesis::Client::new(&self.sdk);
        let request = client.describe_stream_summary().stream_name(stream);
        self.note(&format!("{whose} kinesis:DescribeStreamSummary"), request.send().await);
        self.note(&format!("{whose} kinesis:DescribeStream"), client.describe_stream().stream_name(stream).send().await);
        self.note(&format!("{whose} kinesis:ListShards"), client.list_shards().stream_name(stream).send().await);
        let record = client.put_record().stream_name(stream).partition_key("k").data(aws_sdk_kinesis::primitives::Blob::new("r"));
        self.note(&format!("{whose} kinesis:PutRecord"), record.send().await);
    }

    async fn table(&mut self, whose: &str, table: &str, stream: &str) {
        let client = aws_sdk_dynamodb::Client::new(&self.sdk);
        let query = || {
            let query = client.query().table_name(table).key_condition_expression("pk = :pk");
            query.expression_attribute_values(":pk", AttributeValue::S("pending".into()))
        };
        self.note(&format!("{whose} dynamodb:Query"), query().send().await);
        self.note(&format!("{whose} index dynamodb:Query"), query().index_name("by-state").send().await);
        self.note(&format!("{whose} dynamodb:Scan"), client.scan().table_name(table).send().await);
        self.note(&format!("{whose} dynamodb:DescribeTable"), client.describe_table().table_name(table).send().await);
        let [partition, sort] = [("pk", "p"), ("sk", "s")].map(|(key, value)| (key, AttributeValue::S(value.into())));
        let item = client.put_item().table_name(table).item(partition.0, partition.1).item(sort.0, sort.1);
        self.note(&format!("{whose} dynamodb:PutItem"), item.send().await);
        let client = aws_sdk_dynamodbstreams::Client::new(&self.sdk);
        self.note(&format!("{whose} dynamodb:DescribeStream"), client.describe_stream().stream_arn(stream).send().await);
        let iterator = client.get_shard_iterator().stream_arn(stream).shard_id("shardId-00000000000000000000-00000000");
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon);
        self.note(&format!("{whose} dynamodb:GetShardIterator"), iterator.send().await);
    }

    async fn metric(&mut self, names: &Names) {
        let client = aws_sdk_cloudwatch::Client::new(&self.sdk);
        let (namespace, name) = (&names.metric_namespace, "Backlog");
        let dimension = Dimension::builder().name("Stack").value(names.stack.as_str()).build();
        let metric = Metric::builder().namespace(namespace).metric_name(name).dimensions(dimension).build();
        let query = MetricDataQuery::builder().id("q").metric_stat(MetricStat::builder().metric(metric).period(60).stat("Sum").build());
        let (start, end) = (DateTime::from_secs(1_700_000_000), DateTime::from_secs(1_700_000_060));
        let request = client.get_metric_data().start_time(start).end_time(end).metric_data_queries(query.build());
        self.note("cloudwatch:GetMetricData", request.send().await);
        self.note("cloudwatch:ListMetrics", client.list_metrics().send().await);
        let datum = MetricDatum::builder().metric_name(name).value(1.0).build();
        self.note("cloudwatch:PutMetricData", client.put_metric_data().namespace(namespace).metric_data(datum).send().await);
    }
}

/// The stream of the table that `names` name, which `sdk` may describe.
async fn table_stream(sdk: &SdkConfig, table: &str) -> String {
    let described = aws_sdk_dynamodb::Client::new(sdk).describe_table().table_name(table).send().await.expect("described").table;
    described.and_then(|table| table.latest_stream_arn).expect("it has a stream")
}

#[tokio::test]
async fn the_scaler_may_ask_what_its_trigger_asks_and_nothing_beside_it() {
    let cases = [
        (TriggerKind::Sqs, &["own sqs:GetQueueAttributes"][..]),
        (TriggerKind::Kinesis, &["own kinesis:DescribeStreamSummary"]),
        (TriggerKind::DynamoDb, &["own dynamodb:Query"]),
        (TriggerKind::DynamoDbStreams, &["own dynamodb:DescribeStream", "own dynamodb:DescribeTable"]),
        (TriggerKind::CloudWatch, &["cloudwatch:GetMetricData"]),
    ];
    for (trigger, expected) in cases {
        let mut mode = Mode::new("secret", None).await;
        mode.flags.insert(Key::Trigger, trigger.word().to_owned());
        mode.apply_all().await;
        let settings = mode.settings();
        let own = settings.names.clone();
        let other = Names::new(&"other".parse().expect("a name"), &own.namespace, &own.keda_namespace, &own.cluster, "test-queue");
        // Whatever the trigger: every kind of source is there, so that a refusal is one for lack of a right.
        let issuer = Issuer::new(&mode.sdk, &settings, None);
        for names in [&own, &other] {
            for wanted in [TriggerKind::Kinesis, TriggerKind::DynamoDbStreams].into_iter().filter_map(|kind| kind.source(names)) {
                source(&mode.sdk, &settings, &issuer, &wanted).apply().await.expect("made");
            }
        }
        let keys = mode.keys(&own.scaler_secret, SCALER).await;
        let mut asker = Asker { sdk: mode.sdk_of(keys), allowed: BTreeSet::new() };
        asker.queues(&settings).await;
        asker.metric(&own).await;
        for (whose, names) in [("own", &own), ("other", &other)] {
            asker.stream(whose, &names.stream).await;
            asker.table(whose, &names.table, &table_stream(&mode.sdk, &names.table).await).await;
        }
        assert_eq!(asker.allowed.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{}", trigger.word());
    }
}
