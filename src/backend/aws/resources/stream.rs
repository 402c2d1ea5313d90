//! A Kinesis stream, with a fixed number of shards when it is made; how it is split later is its users' affair.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_kinesis::types::{StreamMode, StreamModeDetails, StreamStatus, Tag};

use super::{
    super::error::{fault, is_absent},
    Shared, pending, soon, tags,
};
use crate::core::{
    error::Result,
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId},
    stack::{EXPIRES_TAG, STACK_TAG},
};

/// One stream.
pub(super) struct Stream {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    /// Shards that it begins with.
    pub(super) shards: i32,
}

impl Stream {
    fn what(&self, verb: &str) -> String {
        format!("could not {verb} stream `{}`", self.name)
    }

    fn tags(&self) -> HashMap<String, String> {
        tags::wanted(&self.shared.settings).into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    async fn tag(&self) -> Result<()> {
        let request = self.shared.kinesis.add_tags_to_stream().stream_name(&self.name).set_tags(Some(self.tags()));
        request.send().await.map(drop).map_err(|error| fault(self.what("tag"), &error))
    }

    async fn retag(&self, differences: &[Difference]) -> Result<()> {
        let kinesis = &self.shared.kinesis;
        match tags::change(differences) {
            tags::Change::Set => self.tag().await,
            tags::Change::Unset => {
                let request = kinesis.remove_tags_from_stream().stream_name(&self.name).tag_keys(EXPIRES_TAG);
                request.send().await.map(drop).map_err(|error| fault(self.what("untag"), &error))
            }
            tags::Change::Keep => Ok(()),
        }
    }

    /// Whether it is there, and its status; one that is being deleted is not.
    async fn status(&self) -> Result<Option<StreamStatus>> {
        match self.shared.kinesis.describe_stream_summary().stream_name(&self.name).send().await {
            Ok(answer) => {
                Ok(answer.stream_description_summary.map(|one| one.stream_status).filter(|status| *status != StreamStatus::Deleting))
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(fault(self.what("look at"), &error)),
        }
    }
}

#[async_trait]
impl Managed for Stream {
    fn id(&self) -> ResourceId {
        ResourceId::new("kinesis stream", self.name.clone())
    }

    fn replaces(&self) -> Vec<String> {
        let (name, shards) = (&self.name, self.shards);
        let tags: Vec<String> = tags::wanted(&self.shared.settings).iter().map(|(key, value)| format!("{key}={value}")).collect();
        vec![
            format!("aws kinesis create-stream --stream-name {name} --shard-count {shards} --tags {}", tags.join(",")),
            format!("aws kinesis wait stream-exists --stream-name {name}"),
        ]
    }

    async fn look(&self) -> Result<Observed> {
        let Some(status) = self.status().await? else { return Ok(Observed::Absent) };
        // The answer has them all: a stream has 50 at most.
        let found = match self.shared.kinesis.list_tags_for_stream().stream_name(&self.name).send().await {
            Ok(answer) => answer.tags,
            Err(error) if is_absent(&error) => return Ok(Observed::Absent),
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        let tag = |key: &str| found.iter().find(|tag| tag.key() == key).and_then(Tag::value);
        if let Some(foreign) = not_ours(&self.shared.settings.stack, tag(STACK_TAG)) {
            return Ok(foreign);
        }
        let mut differences = tags::differences(&self.shared.settings, tag);
        differences.extend((status == StreamStatus::Creating).then(|| pending::difference(status.as_str())));
        Ok(drifted(differences))
    }

    async fn create(&self) -> Result<()> {
        let provisioned = StreamModeDetails::builder().stream_mode(StreamMode::Provisioned).build();
        let provisioned = provisioned.map_err(|error| crate::core::error::Error::failed(self.what("create"), error))?;
        let request = self.shared.kinesis.create_stream().stream_name(&self.name).shard_count(self.shards);
        let request = request.stream_mode_details(provisioned).set_tags(Some(self.tags()));
        // One of this name may be on its way out.
        request.send().await.map_err(|error| soon(fault(self.what("create"), &error), &["ResourceInUseException"]))?;
        // Emulators drop the tags of this request: it was made a moment ago, so that it is ours all the same.
        if matches!(self.look().await?, Observed::Foreign { .. }) {
            self.tag().await?;
        }
        pending::check(&self.look().await?, self.what("use"))
    }

    async fn repair(&self, differences: &[Difference]) -> Result<()> {
        self.retag(differences).await?;
        pending::check(&self.look().await?, self.what("use"))
    }

    async fn remove(&self) -> Result<()> {
        let request = self.shared.kinesis.delete_stream().stream_name(&self.name).enforce_consumer_deletion(true);
        request.send().await.map_err(|error| soon(fault(self.what("delete"), &error), &["ResourceInUseException"]))?;
        Ok(())
    }
}
