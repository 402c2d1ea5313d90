//! What KEDA's `aws-sqs-queue` scaler does at each poll: one GetQueueAttributes, with exactly the attributes that count.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_sqs::{Client, types::QueueAttributeName};

use crate::{
    backend::aws::{error::fault, queue::SqsQueue},
    core::{
        error::Result,
        event::Depth,
        keda::{decision::TriggerReading, number::to_float, trigger::sqs::SqsMetadata},
        ports::{Metric, Queue},
    },
};

/// One trigger's queue, asked under the identity that the trigger's credentials give.
#[derive(Debug, Clone)]
pub struct SqsMetric {
    client: Client,
    metadata: SqsMetadata,
    name: String,
}

impl SqsMetric {
    /// What reads the trigger number `index`, counted from 0, whose parameters are `metadata`.
    #[must_use]
    pub fn new(client: Client, index: usize, metadata: SqsMetadata) -> Self {
        Self { client, name: metadata.metric_name(index), metadata }
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
        let mut request = self.client.get_queue_attributes().queue_url(&self.metadata.queue_url);
        for attribute in self.metadata.attributes() {
            request = request.attribute_names(QueueAttributeName::from(attribute));
        }
        let what = || format!("could not read the length of queue `{}`", self.metadata.queue_name);
        let answer = request.send().await.map_err(|error| fault(what(), &error))?;
        let attributes: BTreeMap<String, String> =
            answer.attributes.unwrap_or_default().into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect();
        self.metadata.read(&self.name, &attributes)
    }

    async fn depth(&self) -> Result<Option<Depth>> {
        SqsQueue::new(self.client.clone(), &self.metadata.queue_url).depth().await.map(Some)
    }
}
