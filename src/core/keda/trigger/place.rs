//! Where a trigger's source is: the region, and the endpoint where it is not the region's own.

use crate::core::keda::metadata::{Parameters, Source};

/// What every AWS trigger says of the place of its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// `awsRegion`, of the metadata or of the TriggerAuthentication.
    pub region: String,
    /// `awsEndpoint`: the endpoint instead of the region's, if not empty. It is no endpoint of STS.
    pub endpoint: String,
}

impl Place {
    /// Reads both; an absent region is noted.
    pub(super) fn read(parameters: &mut Parameters<'_>) -> Self {
        Self {
            region: parameters.required("awsRegion", &[Source::Trigger, Source::Auth]).to_owned(),
            endpoint: parameters.optional("awsEndpoint"),
        }
    }
}
