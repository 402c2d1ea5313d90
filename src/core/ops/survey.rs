//! A look at every resource, several at once.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::core::{error::Result, plan::Sighting, ports::Resource};

/// Resources looked at at once.
const CONCURRENCY: usize = 8;

/// Observes all of `resources`; the sightings are in their order.
///
/// # Errors
/// The first fault of any look.
pub async fn survey(resources: &[Box<dyn Resource>]) -> Result<Vec<Sighting>> {
    let looks: Vec<_> = resources.iter().map(|resource| look(resource.as_ref())).collect();
    stream::iter(looks).buffered(CONCURRENCY).try_collect().await
}

async fn look(resource: &dyn Resource) -> Result<Sighting> {
    let observed = resource.observe().await?;
    Ok(Sighting { id: resource.id(), scope: resource.scope(), observed, replaces: resource.replaces() })
}
