//! What a trigger's target is compared with: the `metricType` of a ScaledObject's trigger.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::error::{Error, Result};

/// How a metric and its target become replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum MetricType {
    /// The value of all replicas together, over the target: the only one of a ScaledJob.
    #[default]
    AverageValue,
    /// The value of each replica.
    Value,
    /// Percent of what the pods request; only `cpu` and `memory` have it.
    Utilization,
}

impl MetricType {
    /// Every name, as manifests write it.
    pub const NAMES: [&str; 3] = ["AverageValue", "Value", "Utilization"];

    /// The type called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::AverageValue, Self::Value, Self::Utilization].into_iter().find(|one| one.name() == name)
    }

    /// Its name in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AverageValue => "AverageValue",
            Self::Value => "Value",
            Self::Utilization => "Utilization",
        }
    }

    /// What an external metric is compared by, when the trigger says `given`.
    ///
    /// # Errors
    /// `Input` for `Utilization`: it is of pods, not of sources.
    pub fn of_external(given: Option<Self>) -> Result<Self> {
        match given {
            Some(Self::Utilization) => {
                Err(Error::input("metricType", Self::Utilization, "only cpu and memory triggers have it: use AverageValue or Value"))
            }
            given => Ok(given.unwrap_or_default()),
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
