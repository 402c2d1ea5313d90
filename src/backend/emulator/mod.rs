//! The AWS services the demo needs, on the AWS wire, over one SQLite file.
//!
//! One service, two transports: the SDK reaches it in process (`connector`), anything else through a port (`serve`).

pub mod clock;
mod cloudwatch;
pub mod connector;
mod constraints;
pub mod dynamodb;
pub mod eks;
pub mod error;
pub mod iam;
mod json;
pub mod kinesis;
pub mod request;
pub mod serve;
pub mod sqs;
pub mod sts;
mod tags;
pub mod tokens;
#[cfg(test)]
mod world;

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use http::Response;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use clock::Clock;
use error::ServiceError;
use request::{Call, Service};

use super::store::{Schema, Store};

/// The account of the embedded services.
pub const ACCOUNT: &str = "123456789012";

/// The tables of all services, in one file; a change of them is one more upgrade.
const SCHEMA: Schema = Schema {
    version: 6,
    tables: &[sqs::SCHEMA, iam::SCHEMA, eks::SCHEMA],
    upgrades: &[iam::USERS, tags::SCHEMA, kinesis::SCHEMA, cloudwatch::SCHEMA, dynamodb::SCHEMA],
};

/// The embedded AWS services over one SQLite file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Emulator {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) reuse: NameReuse,
    /// Woken after each change that may let a long poll go on.
    pub(crate) arrivals: Arc<Notify>,
    /// Set when long polls must end.
    pub(crate) stop: CancellationToken,
}

/// Whether a deleted queue's name may be used again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameReuse {
    /// It may. The default in process, so that `teardown` followed by `setup` need not wait.
    #[default]
    AtOnce,
    /// Not for 60 s (`QueueDeletedRecently`), as AWS has it. What `local serve` does.
    AfterAMinute,
}

impl Emulator {
    /// Opens or creates the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be opened, or a newer version wrote it.
    pub fn open(path: &Path) -> crate::core::error::Result<Self> {
        Ok(Self {
            store: Store::open(path, SCHEMA)?,
            clock: Clock::default(),
            reuse: NameReuse::default(),
            arrivals: Arc::default(),
            stop: CancellationToken::new(),
        })
    }

    /// With every rule of AWS that only makes people wait; see [`NameReuse`].
    #[must_use]
    pub fn strict(self) -> Self {
        Self { reuse: NameReuse::AfterAMinute, ..self }
    }

    /// With another clock than the system's: tests let time pass without waiting.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// With long polls that end, empty, as soon as `stop` is set.
    #[must_use]
    pub fn stopping_with(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// Empties every table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn reset(&self) -> Result<(), ServiceError> {
        self.store
            .write(|transaction| {
                let mut names = transaction.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?;
                let names = names.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
                transaction.execute_batch("PRAGMA defer_foreign_keys = ON")?;
                names.iter().try_for_each(|name| transaction.execute_batch(&format!("DELETE FROM \"{name}\"")))?;
                Ok(())
            })
            .await
    }

    /// Answers one HTTP request of the AWS wire, whichever transport brought it. Never fails: faults are answers.
    pub async fn handle(&self, request: http::Request<Bytes>) -> Response<Bytes> {
        let call = match Call::parse(request) {
            Ok(call) => call,
            Err((service, error)) => return error.respond(service),
        };
        let call = Arc::new(call);
        let answer = match call.service {
            Service::SqsJson | Service::SqsQuery => sqs::handle(self, call.clone()).await,
            Service::Iam => iam::handle(self, &call).await,
            Service::Sts => sts::handle(self, &call).await,
            Service::Eks => eks::handle(self, &call).await,
            Service::Kinesis => kinesis::handle(self, call.clone()).await,
            Service::DynamoDb => dynamodb::handle(self, call.clone()).await,
            Service::DynamoDbStreams => dynamodb::handle_streams(self, call.clone()).await,
            Service::CloudWatchCbor | Service::CloudWatchJson | Service::CloudWatchQuery => cloudwatch::handle(self, call.clone()).await,
        };
        answer.unwrap_or_else(|error: ServiceError| error.respond(call.service))
    }
}
