//! IAM: roles, managed policies, OIDC providers; and what a caller may do.

use bytes::Bytes;
use http::Response;

use super::{Emulator, error::ServiceError, request::Call};

/// The tables.
pub(crate) const SCHEMA: &str = "";

/// Answers one call.
pub(crate) async fn handle(_emulator: &Emulator, call: &Call) -> Result<Response<Bytes>, ServiceError> {
    Err(ServiceError::new("InvalidAction", format!("the action {} is not valid for this service", call.action)))
}

/// May the caller of `call` do `action` (`sqs:SendMessage`) on `resource` (an ARN)?
///
/// Unsigned and unknown long-term keys count as the account's root; session credentials are checked
/// against the policies attached to their role. Runs inside the caller's own transaction or snapshot.
pub(crate) fn authorize(_connection: &rusqlite::Connection, _call: &Call, _action: &str, _resource: &str) -> Result<(), ServiceError> {
    Ok(())
}
