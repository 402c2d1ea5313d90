//! The right to scale what nobody else knows of: it is always ours.

use async_trait::async_trait;

use crate::core::{
    error::Result,
    ports::{Claim, Held, Lease},
};

/// The lease of an object that is run from a file.
#[derive(Debug, Clone, Copy)]
pub struct Mine;

#[async_trait]
impl Held for Mine {
    fn is_held(&self) -> bool {
        true
    }

    async fn release(self: Box<Self>) {}
}

#[async_trait]
impl Lease for Mine {
    async fn claim(&self) -> Result<Claim> {
        Ok(Claim::Held(Box::new(Self)))
    }

    async fn holder(&self) -> Result<Option<String>> {
        Ok(None)
    }
}
