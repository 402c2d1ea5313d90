//! One look: what the rules say of an object at this moment, with nothing running.

use serde::Serialize;

use super::{
    Ports, Scaling, Watching,
    object::{self, ObjectOutlook, ObjectWatch},
    scaler::Scaler,
};
use crate::core::{error::Result, keda::decision::Decision, settings::ScalingKind};

/// What would be decided now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Outlook {
    /// Of a ScaledJob, if no job ran.
    Job(Box<Decision>),
    /// Of a ScaledObject, with what its target runs.
    Object(Box<ObjectOutlook>),
}

impl Outlook {
    /// The reasoning in one line.
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::Job(decision) => decision.explain(),
            Self::Object(object) => format!("{}; then the HPA: {}", object.poll.explain(), object.hpa.explain()),
        }
    }

    /// Whether a trigger could not be read.
    #[must_use]
    pub fn is_error(&self) -> bool {
        match self {
            Self::Job(decision) => decision.is_error,
            Self::Object(object) => object.poll.is_error,
        }
    }
}

/// What would be decided now if no job ran; what runs of a ScaledObject's target counts. Creates, scales and deletes nothing.
///
/// # Errors
/// When the object does not exist or is not valid, its triggers included.
pub async fn forecast(ports: Ports<'_>, how: &Watching) -> Result<Outlook> {
    match how.kind {
        ScalingKind::ScaledJob => {
            let mut scaler = Scaler::load(ports, how).await?;
            scaler.reconcile(false).await?;
            Ok(Outlook::Job(Box::new(scaler.forecast(&[]).await)))
        }
        ScalingKind::ScaledObject => {
            let ear = object::Ear::new(ports.reporter);
            let mut object = ObjectWatch::load(ports, how, &ear).await?;
            object.reconcile(false).await?;
            Ok(Outlook::Object(Box::new(object.outlook().await?)))
        }
    }
}
