//! Several looks for tags and labels as one.

use async_trait::async_trait;

use super::{
    error::Result,
    ports::{Census, Sweep},
};

/// An account and a cluster, looked at together.
pub struct Places(pub Vec<Box<dyn Census>>);

#[async_trait]
impl Census for Places {
    async fn sweep(&self) -> Result<Sweep> {
        let looks = self.0.iter().map(|place| place.sweep());
        let sweeps = futures_util::future::try_join_all(looks).await?;
        Ok(sweeps.into_iter().fold(Sweep::default(), Sweep::and))
    }
}
