//! What an action may touch while it runs: one transaction, one caller, one moment.

use rusqlite::Connection;

use crate::backend::emulator::{
    error::ServiceError,
    iam::{self, Act},
    request::Call,
};

/// One action under way.
pub(super) struct Session<'a> {
    /// The transaction or snapshot.
    pub(super) connection: &'a Connection,
    /// The request.
    pub(super) call: &'a Call,
    /// The time, in milliseconds since 1970.
    pub(super) now: i64,
}

impl Session<'_> {
    /// Whether the caller may do `action`, of which CloudWatch knows no resource.
    pub(super) fn authorize(&self, action: &str, keys: &[(&str, &str)]) -> Result<(), ServiceError> {
        let caller = iam::authenticate(self.connection, self.call, self.now / 1000)?;
        caller.may(self.connection, self.call, self.now / 1000, Act { action, resource: "*", keys })
    }
}
