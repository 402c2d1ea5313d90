//! What KEDA's `aws-dynamodb` scaler does at each poll: one Query, of which only the first page is counted.

use async_trait::async_trait;
use aws_sdk_dynamodb::{Client, primitives::Blob, types};

use crate::{
    backend::aws::error::fault,
    core::{
        error::Result,
        keda::{
            decision::TriggerReading,
            number::to_float,
            trigger::{
                attribute::AttributeValue,
                dynamodb::DynamoDbMetadata,
                question::{Answer, Question},
            },
        },
        ports::{Inquiry, Metric},
    },
};

/// One trigger's query.
#[derive(Debug, Clone)]
pub(super) struct DynamoDbMetric {
    client: Client,
    metadata: DynamoDbMetadata,
    name: String,
    question: Question,
}

impl DynamoDbMetric {
    /// What reads the trigger number `index`, counted from 0, whose parameters are `metadata`; `question` is what it asks.
    pub(super) fn new(client: Client, index: usize, metadata: DynamoDbMetadata, question: Question) -> Self {
        Self { client, name: metadata.metric_name(index), metadata, question }
    }
}

#[async_trait]
impl Metric for DynamoDbMetric {
    fn name(&self) -> &str {
        &self.name
    }

    fn target(&self) -> f64 {
        to_float(self.metadata.target_value)
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.measure(&self.ask().await?)
    }

    fn inquiry(&self) -> Option<&dyn Inquiry> {
        Some(self)
    }
}

#[async_trait]
impl Inquiry for DynamoDbMetric {
    fn question(&self) -> &Question {
        &self.question
    }

    async fn ask(&self) -> Result<Answer> {
        let asked = &self.metadata;
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let values = asked.expression_attribute_values.iter().map(|(name, value)| (name.clone(), attribute(value)));
        let query = self.client.query().table_name(&asked.table_name).key_condition_expression(&asked.key_condition_expression);
        let query = query
            .set_expression_attribute_names(Some(asked.expression_attribute_names.clone().into_iter().collect()))
            .set_expression_attribute_values(Some(values.collect()))
            .set_index_name(given(&asked.index_name))
            .set_filter_expression(given(&asked.filter_expression));
        let what = || match asked.index_name.as_str() {
            "" => format!("could not query table `{}`", asked.table_name),
            index => format!("could not query index `{index}` of table `{}`", asked.table_name),
        };
        let answer = query.send().await.map_err(|error| fault(what(), &error))?;
        Ok(Answer::Count(answer.count.into()))
    }

    fn measure(&self, answer: &Answer) -> Result<TriggerReading> {
        Ok(self.metadata.measure(&self.name, answer.count()?))
    }
}

fn attribute(value: &AttributeValue) -> types::AttributeValue {
    match value {
        AttributeValue::S(text) => types::AttributeValue::S(text.clone()),
        AttributeValue::N(text) => types::AttributeValue::N(text.clone()),
        AttributeValue::Bool(truth) => types::AttributeValue::Bool(*truth),
        AttributeValue::B(bytes) => types::AttributeValue::B(Blob::new(bytes.clone())),
        AttributeValue::L(items) => types::AttributeValue::L(items.iter().map(attribute).collect()),
        AttributeValue::M(items) => types::AttributeValue::M(items.iter().map(|(key, value)| (key.clone(), attribute(value))).collect()),
        AttributeValue::Null => types::AttributeValue::Null(true),
    }
}
