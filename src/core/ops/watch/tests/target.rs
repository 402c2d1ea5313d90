//! The target of a ScaledObject: what is wanted is there at once.

use super::*;
use crate::core::ports::{Replica, Scale, ScaleTarget};

#[async_trait]
impl Workloads for World {
    async fn scale(&self, _target: &ScaleTarget) -> Result<Option<Scale>> {
        self.move_on();
        Ok(lock(&self.replicas).map(|wanted| Scale { wanted, current: wanted }))
    }
    async fn set_replicas(&self, _target: &ScaleTarget, replicas: i32) -> Result<()> {
        *lock(&self.replicas) = Some(replicas);
        Ok(())
    }
    async fn replicas(&self, _target: &ScaleTarget) -> Result<Vec<Replica>> {
        let replica = |number: i32| Replica {
            name: format!("video-{number}"),
            is_ready: true,
            is_ending: false,
            created_at: Timestamp::UNIX_EPOCH,
            message_id: None,
        };
        Ok((0..lock(&self.replicas).unwrap_or(0)).map(replica).collect())
    }
}
