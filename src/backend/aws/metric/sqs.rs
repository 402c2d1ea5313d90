//! What KEDA's `aws-sqs-queue` scaler does at each poll: one GetQueueAttributes, with exactly the attributes that count.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_sqs::{Client, types::QueueAttributeName};

use crate::{
    backend::aws::{error::fault, queue::SqsQueue},
    core::{
        error::Result,
        event::Depth,
        keda::{
            decision::TriggerReading,
            number::to_float,
            trigger::{
                question::{Answer, Question},
                sqs::SqsMetadata,
            },
        },
        ports::{Inquiry, Metric, Queue},
    },
};

/// One trigger's queue, asked under the identity that the trigger's credentials give.
#[derive(Debug, Clone)]
pub struct SqsMetric {
    client: Client,
    metadata: SqsMetadata,
    name: String,
    question: Question,
}

impl SqsMetric {
    /// What reads the trigger number `index`, counted from 0, whose parameters are `metadata`; `question` is what it asks.
    #[must_use]
    pub fn new(client: Client, index: usize, metadata: SqsMetadata, question: Question) -> Self {
        Self { client, name: metadata.metric_name(index), metadata, question }
    }
}

#[async_trait]
impl Metric for SqsMetric {
    fn name(&self) -> &str {
        &self.name
    }

    fn target(&self) -> f64 {
        to_float(self.metadata.queue_length)
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.measure(&self.ask().await?)
    }

    fn inquiry(&self) -> Option<&dyn Inquiry> {
        Some(self)
    }

    async fn depth(&self) -> Result<Option<Depth>> {
        SqsQueue::new(self.client.clone(), &self.metadata.queue_url).depth().await.map(Some)
    }
}

#[async_trait]
impl Inquiry for SqsMetric {
    fn question(&self) -> &Question {
        &self.question
    }

    async fn ask(&self) -> Result<Answer> {
        let mut request = self.client.get_queue_attributes().queue_url(&self.metadata.queue_url);
        for attribute in self.metadata.attributes() {
            request = request.attribute_names(QueueAttributeName::from(attribute));
        }
        let what = || format!("could not read the length of queue `{}`", self.metadata.queue_name);
        let answer = request.send().await.map_err(|error| fault(what(), &error))?;
        let attributes: BTreeMap<String, String> =
            answer.attributes.unwrap_or_default().into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect();
        Ok(Answer::Attributes(attributes))
    }

    fn measure(&self, answer: &Answer) -> Result<TriggerReading> {
        self.metadata.read(&self.name, answer.attributes()?)
    }
}
