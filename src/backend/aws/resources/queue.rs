//! The work queue and its dead-letter queue, with every attribute explicit.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use serde_json::{Value, json};

use super::{
    super::error::{fault, is_absent},
    Shared, tags,
};
use crate::core::{
    error::Result,
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId},
    stack::{EXPIRES_TAG, STACK_TAG, is_fifo},
};

/// How long the work queue keeps a message.
const RETENTION_SECONDS: u32 = 4 * 24 * 3600;
/// How long the dead-letter queue keeps one: SQS's longest.
const DEAD_LETTER_RETENTION_SECONDS: u32 = 14 * 24 * 3600;
/// SQS's longest poll.
const RECEIVE_WAIT_SECONDS: u32 = 20;
/// A message that was received this often without being deleted goes to the dead-letter queue.
const MAX_RECEIVE_COUNT: u32 = 5;

/// Which of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum QueueKind {
    /// The one that messages are sent to.
    Work,
    /// The one for messages that no job could process.
    DeadLetter,
    /// One that a trigger names: nothing is done about messages that fail.
    Source(String),
}

/// One queue.
pub(super) struct WorkQueue {
    pub(super) shared: Arc<Shared>,
    pub(super) kind: QueueKind,
}

impl WorkQueue {
    fn name(&self) -> &str {
        let names = &self.shared.settings.names;
        match &self.kind {
            QueueKind::Work => &names.queue,
            QueueKind::DeadLetter => &names.dead_letter_queue,
            QueueKind::Source(name) => name,
        }
    }

    fn url(&self) -> String {
        self.shared.settings.queue_url(self.name())
    }

    fn what(&self, verb: &str) -> String {
        format!("could not {verb} queue `{}`", self.name())
    }

    fn tags(&self) -> HashMap<String, String> {
        tags::wanted(&self.shared.settings).into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    async fn retag(&self, differences: &[Difference]) -> Result<()> {
        let sqs = &self.shared.sqs;
        match tags::change(differences) {
            tags::Change::Set => {
                let request = sqs.tag_queue().queue_url(self.url()).set_tags(Some(self.tags()));
                request.send().await.map(drop).map_err(|error| fault(self.what("tag"), &error))
            }
            tags::Change::Unset => {
                let request = sqs.untag_queue().queue_url(self.url()).tag_keys(EXPIRES_TAG);
                request.send().await.map(drop).map_err(|error| fault(self.what("untag"), &error))
            }
            tags::Change::Keep => Ok(()),
        }
    }

    /// What the queue should be; everything that can be changed later.
    fn wanted(&self) -> BTreeMap<&'static str, String> {
        let settings = &self.shared.settings;
        let mut wanted = BTreeMap::from([
            ("VisibilityTimeout", settings.visibility_timeout.as_secs().to_string()),
            ("ReceiveMessageWaitTimeSeconds", RECEIVE_WAIT_SECONDS.to_string()),
            ("SqsManagedSseEnabled", "true".to_owned()),
        ]);
        match &self.kind {
            QueueKind::Work => {
                let target = settings.place.queue_arn(&settings.names.dead_letter_queue);
                let redrive = json!({ "deadLetterTargetArn": target, "maxReceiveCount": MAX_RECEIVE_COUNT });
                wanted.insert("MessageRetentionPeriod", RETENTION_SECONDS.to_string());
                wanted.insert("RedrivePolicy", redrive.to_string());
            }
            QueueKind::DeadLetter => {
                wanted.insert("MessageRetentionPeriod", DEAD_LETTER_RETENTION_SECONDS.to_string());
            }
            QueueKind::Source(_) => {
                wanted.insert("MessageRetentionPeriod", RETENTION_SECONDS.to_string());
            }
        }
        wanted
    }
}

/// Whether two values of one attribute mean the same: SQS takes numbers in a redrive policy as text, too.
fn is_same(wanted: &str, actual: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok().map(as_text);
    wanted == actual || (wanted.starts_with('{') && read(wanted).is_some() && read(wanted) == read(actual))
}

fn as_text(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, as_text(value))).collect(),
        Value::Number(number) => Value::String(number.to_string()),
        other => other,
    }
}

#[async_trait]
impl Managed for WorkQueue {
    fn id(&self) -> ResourceId {
        ResourceId::new("sqs queue", self.name())
    }

    fn replaces(&self) -> Vec<String> {
        let (name, attributes) = (self.name(), json!(self.wanted()));
        let tags: Vec<String> = tags::wanted(&self.shared.settings).iter().map(|(key, value)| format!("{key}={value}")).collect();
        vec![format!("aws sqs create-queue --queue-name {name} --attributes '{attributes}' --tags {}", tags.join(","))]
    }

    async fn look(&self) -> Result<Observed> {
        let request = self.shared.sqs.get_queue_attributes().queue_url(self.url()).attribute_names(Attribute::All);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_absent(&error) => return Ok(Observed::Absent),
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        let tags = match self.shared.sqs.list_queue_tags().queue_url(self.url()).send().await {
            Ok(answer) => answer.tags.unwrap_or_default(),
            Err(error) if is_absent(&error) => return Ok(Observed::Absent),
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        if let Some(foreign) = not_ours(&self.shared.settings.stack, tags.get(STACK_TAG).map(String::as_str)) {
            return Ok(foreign);
        }
        let actual = answer.attributes.unwrap_or_default();
        let difference = |(field, wanted): (&str, String)| {
            let actual = actual.get(&Attribute::from(field)).cloned().unwrap_or_default();
            (!is_same(&wanted, &actual)).then(|| Difference { field: field.to_owned(), actual, wanted })
        };
        let mut differences: Vec<Difference> = self.wanted().into_iter().filter_map(difference).collect();
        differences.extend(tags::differences(&self.shared.settings, |key| tags.get(key).map(String::as_str)));
        Ok(drifted(differences))
    }

    async fn create(&self) -> Result<()> {
        let mut request = self.shared.sqs.create_queue().queue_name(self.name());
        for (field, value) in self.wanted() {
            request = request.attributes(Attribute::from(field), value);
        }
        if is_fifo(self.name()) {
            request = request.attributes(Attribute::FifoQueue, "true");
        }
        let request = request.set_tags(Some(self.tags()));
        request.send().await.map_err(|error| fault(self.what("create"), &error))?;
        Ok(())
    }

    async fn repair(&self, differences: &[Difference]) -> Result<()> {
        self.retag(differences).await?;
        if !tags::is_more(differences) {
            return Ok(());
        }
        let mut request = self.shared.sqs.set_queue_attributes().queue_url(self.url());
        for difference in differences.iter().filter(|difference| !tags::is_one(difference)) {
            request = request.attributes(Attribute::from(difference.field.as_str()), &difference.wanted);
        }
        request.send().await.map_err(|error| fault(self.what("update"), &error))?;
        Ok(())
    }

    async fn remove(&self) -> Result<()> {
        let request = self.shared.sqs.delete_queue().queue_url(self.url());
        request.send().await.map_err(|error| fault(self.what("delete"), &error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn a_redrive_policy_may_count_in_text() {
        assert!(is_same(r#"{"maxReceiveCount":5,"deadLetterTargetArn":"a"}"#, r#"{"deadLetterTargetArn": "a", "maxReceiveCount": "5"}"#));
        assert!(!is_same(r#"{"maxReceiveCount":5}"#, r#"{"maxReceiveCount":6}"#));
        assert!(!is_same(r#"{"maxReceiveCount":5}"#, ""));
    }
}
