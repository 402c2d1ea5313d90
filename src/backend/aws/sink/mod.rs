//! Where `produce --to` puts things: one file for each AWS service.

mod cloudwatch;
mod dynamodb;
mod kinesis;

use std::sync::Arc;

use aws_config::SdkConfig;

use self::{cloudwatch::CloudWatchSink, dynamodb::DynamoDbSink, kinesis::KinesisSink};
use super::{
    error::{fault, kind_of},
    queue::SqsQueue,
};
use crate::core::{
    error::{Error, Kind, Result},
    load::Destination,
    ports::{SendOutcome, Sink},
};

/// Where `to` leads, as `config` says who puts and where; a queue by the URL that SQS gives for its name. What the run called `run` puts
/// there differs from what others put.
///
/// # Errors
/// When a queue or a table cannot be looked at; `Input` when the table's key does not fit.
pub async fn sink(config: &SdkConfig, to: &Destination, run: &str) -> Result<Arc<dyn Sink>> {
    Ok(match to {
        Destination::Queue(name) => Arc::new(queue(aws_sdk_sqs::Client::new(config), name).await?),
        Destination::Stream(name) => Arc::new(KinesisSink::new(aws_sdk_kinesis::Client::new(config), name, run)),
        Destination::Table { name, attributes } => {
            Arc::new(DynamoDbSink::find(aws_sdk_dynamodb::Client::new(config), name, attributes, run).await?)
        }
        Destination::Metric { namespace, name, dimensions } => {
            Arc::new(CloudWatchSink::new(aws_sdk_cloudwatch::Client::new(config), (namespace, name), dimensions, run))
        }
    })
}

async fn queue(client: aws_sdk_sqs::Client, name: &str) -> Result<SqsQueue> {
    let what = || format!("could not find queue `{name}`");
    let found = client.get_queue_url().queue_name(name).send().await.map_err(|error| hinted(fault(what(), &error), "queue"))?;
    let url = found.queue_url.ok_or_else(|| Error::failed(what(), "the answer has no URL"))?;
    Ok(SqsQueue::new(client, url))
}

/// A refusal of one record by `code`.
fn refused(code: String, message: Option<String>) -> SendOutcome {
    let passing = kind_of(&code) == Kind::Unavailable;
    SendOutcome::Refused { code, message: message.unwrap_or_default(), passing }
}

/// The way out when a source is not there.
fn hinted(error: Error, what: &str) -> Error {
    if error.kind == Kind::NotFound {
        error.hint(format!("make the {what} first, or choose its region with `kedactl target`"))
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_throttled_is_worth_another_try() {
        for (code, expected) in [
            ("ProvisionedThroughputExceededException", true),
            ("ThrottlingException", true),
            ("InternalFailure", true),
            ("KMSThrottlingException", true),
            ("ValidationException", false),
        ] {
            let SendOutcome::Refused { passing, .. } = refused(code.to_owned(), None) else { panic!("{code} is a refusal") };
            assert_eq!(passing, expected, "{code}");
        }
    }
}
