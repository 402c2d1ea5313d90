//! The AWS services the demo needs, on the AWS wire, over one SQLite file.
//!
//! One service, two transports: the SDK reaches it in process (`connector`), anything else through a port (`serve`).

pub mod connector;
pub mod eks;
pub mod error;
pub mod iam;
pub mod request;
pub mod serve;
pub mod sqs;
pub mod sts;
pub mod tokens;

use std::path::Path;

use bytes::Bytes;
use http::Response;

use error::ServiceError;
use request::{Call, Service};

use super::store::{Schema, Store};

/// The account of the embedded services.
pub const ACCOUNT: &str = "123456789012";

/// The tables of all services, in one file.
const SCHEMA: Schema = Schema { version: 1, tables: &[sqs::SCHEMA, iam::SCHEMA, eks::SCHEMA] };

/// The embedded AWS services over one SQLite file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Emulator {
    pub(crate) store: Store,
}

impl Emulator {
    /// Opens or creates the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be opened, or a newer version wrote it.
    pub fn open(path: &Path) -> crate::core::error::Result<Self> {
        Ok(Self { store: Store::open(path, SCHEMA)? })
    }

    /// Answers one HTTP request of the AWS wire, whichever transport brought it. Never fails: faults are answers.
    pub async fn handle(&self, request: http::Request<Bytes>) -> Response<Bytes> {
        let call = match Call::parse(request) {
            Ok(call) => call,
            Err((service, error)) => return error.respond(service),
        };
        let answer = match call.service {
            Service::SqsJson | Service::SqsQuery => sqs::handle(self, &call).await,
            Service::Iam => iam::handle(self, &call).await,
            Service::Sts => sts::handle(self, &call).await,
            Service::Eks => eks::handle(self, &call).await,
        };
        answer.unwrap_or_else(|error: ServiceError| error.respond(call.service))
    }
}
