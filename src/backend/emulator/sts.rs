//! STS: who one is, and becoming a role.

use bytes::Bytes;
use http::Response;

use super::{Emulator, error::ServiceError, request::Call};

/// Answers one call.
pub(crate) async fn handle(_emulator: &Emulator, call: &Call) -> Result<Response<Bytes>, ServiceError> {
    Err(ServiceError::new("InvalidAction", format!("the action {} is not valid for this service", call.action)))
}
