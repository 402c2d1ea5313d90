//! The annotations that stop, hold or force what KEDA does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::go;
use crate::core::error::{Error, Result};

/// Pauses a ScaledJob or a ScaledObject.
pub const PAUSED_ANNOTATION: &str = "autoscaling.keda.sh/paused";
/// Pauses a ScaledObject at a number of replicas.
pub const PAUSED_REPLICAS_ANNOTATION: &str = "autoscaling.keda.sh/paused-replicas";
/// Keeps a ScaledObject's target from being scaled in.
pub const PAUSED_SCALE_IN_ANNOTATION: &str = "autoscaling.keda.sh/paused-scale-in";
/// Keeps a ScaledObject's target from being scaled out.
pub const PAUSED_SCALE_OUT_ANNOTATION: &str = "autoscaling.keda.sh/paused-scale-out";
/// Makes a ScaledObject count as active.
pub const FORCE_ACTIVATION_ANNOTATION: &str = "autoscaling.keda.sh/force-activation";

/// Whether the annotation pauses: present and true, or present and no boolean at all.
///
/// Paused means no polls, no clean-up and no rollout; running jobs continue.
#[must_use]
pub fn is_paused(annotations: &BTreeMap<String, String>) -> bool {
    is_set(annotations, PAUSED_ANNOTATION)
}

/// Whether one of the two annotations that pause a ScaledObject is there, whatever it says.
#[must_use]
pub fn has_pause(annotations: &BTreeMap<String, String>) -> bool {
    annotations.contains_key(PAUSED_ANNOTATION) || annotations.contains_key(PAUSED_REPLICAS_ANNOTATION)
}

/// The replicas at which a ScaledObject is paused.
///
/// # Errors
/// `Input`, when the annotation is no 32-bit integer.
pub fn paused_replicas(annotations: &BTreeMap<String, String>) -> Result<Option<i32>> {
    let Some(text) = annotations.get(PAUSED_REPLICAS_ANNOTATION) else { return Ok(None) };
    let read = text.parse().map_err(|_| Error::input(PAUSED_REPLICAS_ANNOTATION, text, "it must be a number of replicas"))?;
    Ok(Some(read))
}

/// What the annotations of a ScaledObject say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "four annotations, each there or not")]
pub struct Pauses {
    /// Nothing is done at all: `paused`, or `paused-replicas` whatever `paused` says.
    pub all: bool,
    /// Nothing is scaled in.
    pub scale_in: bool,
    /// Nothing is scaled out.
    pub scale_out: bool,
    /// It counts as active whatever its triggers say.
    pub forced: bool,
}

impl Pauses {
    /// Reads the annotations of a ScaledObject; what is no boolean counts as true.
    #[must_use]
    pub fn of(annotations: &BTreeMap<String, String>) -> Self {
        Self {
            all: annotations.contains_key(PAUSED_REPLICAS_ANNOTATION) || is_paused(annotations),
            scale_in: is_set(annotations, PAUSED_SCALE_IN_ANNOTATION),
            scale_out: is_set(annotations, PAUSED_SCALE_OUT_ANNOTATION),
            forced: is_set(annotations, FORCE_ACTIVATION_ANNOTATION),
        }
    }
}

fn is_set(annotations: &BTreeMap<String, String>, annotation: &str) -> bool {
    annotations.get(annotation).is_some_and(|text| go::parse_bool(text).unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_a_clear_no_pauses() {
        let with = |text: &str| is_paused(&BTreeMap::from([(PAUSED_ANNOTATION.to_owned(), text.to_owned())]));
        assert!(["true", "1", "", "yes", "0.0", " false"].iter().all(|text| with(text)));
        assert!(!["false", "0", "f", "F", "False", "FALSE"].iter().any(|text| with(text)));
        assert!(!is_paused(&BTreeMap::new()));
    }

    #[test]
    fn paused_replicas_pause_whatever_paused_says() {
        let annotations =
            BTreeMap::from([(PAUSED_ANNOTATION.to_owned(), "false".to_owned()), (PAUSED_REPLICAS_ANNOTATION.to_owned(), "3".to_owned())]);
        assert!(Pauses::of(&annotations).all && !is_paused(&annotations));
        assert_eq!(paused_replicas(&annotations).expect("a number"), Some(3));
    }
}
