//! One look: what the rules say of a ScaledJob at this moment, with nothing running.

use super::{Ports, Watching, scaler::Scaler};
use crate::core::{error::Result, keda::decision::Decision};

/// What would be decided now if no job ran. Creates and deletes nothing.
///
/// # Errors
/// When the ScaledJob does not exist or is not valid, its triggers included.
pub async fn forecast(ports: Ports<'_>, how: &Watching) -> Result<Decision> {
    let mut scaler = Scaler::load(ports, how).await?;
    scaler.reconcile(false).await?;
    Ok(scaler.forecast(&[]).await)
}
