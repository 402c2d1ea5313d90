//! Records of a Kinesis stream: `PutRecords`, an outcome for each.

use async_trait::async_trait;
use aws_sdk_kinesis::{
    Client,
    primitives::Blob,
    types::{PutRecordsRequestEntry, PutRecordsResultEntry},
};

use super::{hinted, refused};
use crate::{
    backend::aws::error::fault,
    core::{
        error::{Error, Result},
        ports::{Outgoing, SendOutcome, Sink},
    },
};

/// One stream. A record without a group has a partition key of its own, so that records spread over the shards.
#[derive(Debug, Clone)]
pub(super) struct KinesisSink {
    client: Client,
    stream: String,
    run: String,
}

impl KinesisSink {
    /// The stream called `stream`; the run called `run` puts.
    pub(super) fn new(client: Client, stream: &str, run: &str) -> Self {
        Self { client, stream: stream.to_owned(), run: run.to_owned() }
    }

    fn entry(&self, message: &Outgoing) -> Result<PutRecordsRequestEntry> {
        let key = message.group.clone().unwrap_or_else(|| format!("{}-{}", self.run, message.number));
        let entry = PutRecordsRequestEntry::builder().data(Blob::new(message.body.as_bytes())).partition_key(key);
        entry.build().map_err(|error| Error::failed("could not write a record", error))
    }
}

#[async_trait]
impl Sink for KinesisSink {
    async fn send(&self, batch: &[Outgoing]) -> Result<Vec<SendOutcome>> {
        let what = || format!("could not put records into stream `{}`", self.stream);
        let entries = batch.iter().map(|message| self.entry(message)).collect::<Result<Vec<_>>>()?;
        let request = self.client.put_records().stream_name(&self.stream).set_records(Some(entries));
        let answer = request.send().await.map_err(|error| hinted(fault(what(), &error), "stream"))?;
        if answer.records.len() != batch.len() {
            return Err(Error::failed(what(), format!("Kinesis answered for {} of {} records", answer.records.len(), batch.len())));
        }
        Ok(answer.records.into_iter().map(outcome).collect())
    }
}

/// Within one shard a sequence number is unique.
fn outcome(answer: PutRecordsResultEntry) -> SendOutcome {
    match (answer.shard_id, answer.sequence_number) {
        (Some(shard), Some(number)) => SendOutcome::Sent(format!("{shard}:{number}")),
        _ => refused(answer.error_code.unwrap_or_else(|| "NoAnswer".to_owned()), answer.error_message),
    }
}
