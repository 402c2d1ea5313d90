//! EKS: the cluster record with its OIDC issuer.

use bytes::Bytes;
use http::Response;

use super::{Emulator, error::ServiceError, request::Call};

/// The tables.
pub(crate) const SCHEMA: &str = "";

/// Answers one call.
pub(crate) async fn handle(_emulator: &Emulator, call: &Call) -> Result<Response<Bytes>, ServiceError> {
    Err(ServiceError::new("InvalidAction", format!("the action {} is not valid for this service", call.action)))
}
