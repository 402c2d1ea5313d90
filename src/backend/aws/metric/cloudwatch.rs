//! What KEDA's `aws-cloudwatch` scaler does at each poll: one `GetMetricData` with one query, the newest value first.

use async_trait::async_trait;
use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, Metric as MetricIdentity, MetricDataQuery, MetricStat, ScanBy, StandardUnit},
};
use jiff::Timestamp;

use crate::{
    backend::aws::error::fault,
    core::{
        error::Result,
        keda::{
            decision::TriggerReading,
            number::through_quantity,
            trigger::{
                cloudwatch::CloudWatchMetadata,
                question::{Answer, Question},
            },
        },
        ports::{Inquiry, Metric},
    },
};

/// One trigger's metric or expression.
#[derive(Debug, Clone)]
pub(super) struct CloudWatchMetric {
    client: Client,
    metadata: CloudWatchMetadata,
    name: String,
    question: Question,
}

impl CloudWatchMetric {
    /// What reads the trigger number `index`, counted from 0, whose parameters are `metadata`; `question` is what it asks.
    pub(super) fn new(client: Client, index: usize, metadata: CloudWatchMetadata, question: Question) -> Self {
        Self { client, name: metadata.metric_name(index), metadata, question }
    }

    fn query(&self) -> MetricDataQuery {
        let asked = &self.metadata;
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        // A longer period than the wire can say is one that AWS refuses as well.
        let period = i32::try_from(asked.period_seconds).unwrap_or(i32::MAX);
        let query = MetricDataQuery::builder().set_account_id(given(&asked.account_id));
        if !asked.expression.is_empty() {
            return query.id("q1").expression(&asked.expression).period(period).build();
        }
        let pairs = asked.dimension_names.iter().zip(&asked.dimension_values);
        let dimensions = pairs.map(|(name, value)| Dimension::builder().name(name).value(value).build()).collect();
        let metric = MetricIdentity::builder().namespace(&asked.namespace).metric_name(&asked.metric_name);
        let stat = MetricStat::builder().metric(metric.set_dimensions(Some(dimensions)).build()).period(period).stat(&asked.stat);
        let stat = stat.set_unit(given(&asked.unit).map(|unit| StandardUnit::from(unit.as_str()))).build();
        query.id("c1").metric_stat(stat).return_data(true).build()
    }
}

#[async_trait]
impl Metric for CloudWatchMetric {
    fn name(&self) -> &str {
        &self.name
    }

    fn target(&self) -> f64 {
        through_quantity(self.metadata.target)
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.measure(&self.ask().await?)
    }

    fn inquiry(&self) -> Option<&dyn Inquiry> {
        Some(self)
    }
}

#[async_trait]
impl Inquiry for CloudWatchMetric {
    fn question(&self) -> &Question {
        &self.question
    }

    async fn ask(&self) -> Result<Answer> {
        let (start, end) = self.metadata.window(Timestamp::now());
        let time = |time: Timestamp| DateTime::from_secs(time.as_second());
        let request = self.client.get_metric_data().start_time(time(start)).end_time(time(end));
        let request = request.scan_by(ScanBy::TimestampDescending).metric_data_queries(self.query());
        let what = || format!("could not read the metric `{}`", self.metadata.shown());
        let answer = request.send().await.map_err(|error| fault(what(), &error))?;
        let results = answer.metric_data_results.unwrap_or_default().into_iter();
        Ok(Answer::Values(results.map(|result| result.values.unwrap_or_default()).collect()))
    }

    fn measure(&self, answer: &Answer) -> Result<TriggerReading> {
        self.metadata.read(&self.name, answer.values()?)
    }
}
