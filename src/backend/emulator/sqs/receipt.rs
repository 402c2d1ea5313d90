//! Receipt handles: opaque, unguessable, good until the message is received anew.

use base64::{Engine, prelude::BASE64_STANDARD};
use uuid::Uuid;

use super::error;
use crate::backend::emulator::error::ServiceError;

/// One receive of one message. It is a secret: it has no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The message's row.
    pub(super) message: i64,
    /// What only the receiver knows.
    pub(super) secret: [u8; 16],
    queue: i64,
}

impl Receipt {
    /// A new one for a message of `queue`.
    pub(super) fn new(queue: i64, message: i64) -> Self {
        Self { message, secret: Uuid::new_v4().into_bytes(), queue }
    }

    /// The handle that the client keeps.
    pub(super) fn handle(&self) -> String {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.queue.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.message.to_be_bytes());
        bytes[16..].copy_from_slice(&self.secret);
        BASE64_STANDARD.encode(bytes)
    }

    /// Reads a handle given for `queue`.
    pub(super) fn parse(handle: Option<&str>, queue: i64) -> Result<Self, ServiceError> {
        let handle = handle.ok_or_else(|| error::missing("ReceiptHandle"))?;
        let bytes = BASE64_STANDARD.decode(handle).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(error::invalid_receipt)?;
        let (mut first, mut second, mut secret) = ([0; 8], [0; 8], [0; 16]);
        first.copy_from_slice(&bytes[..8]);
        second.copy_from_slice(&bytes[8..16]);
        secret.copy_from_slice(&bytes[16..]);
        let receipt = Self { message: i64::from_be_bytes(second), secret, queue: i64::from_be_bytes(first) };
        if receipt.queue == queue { Ok(receipt) } else { Err(error::invalid_receipt()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_good_for_its_own_queue_only() {
        let receipt = Receipt::new(3, 9);
        let handle = receipt.handle();
        assert!(Receipt::parse(Some(&handle), 3).is_ok_and(|read| read == receipt));
        assert!(Receipt::parse(Some(&handle), 4).is_err());
        assert!(Receipt::parse(Some("garbage"), 3).is_err());
    }
}
