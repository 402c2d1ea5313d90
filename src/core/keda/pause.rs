//! The annotation that stops a ScaledJob's loop.

use std::collections::BTreeMap;

use super::go;

/// The annotation's key.
pub const PAUSED_ANNOTATION: &str = "autoscaling.keda.sh/paused";

/// Whether the annotation pauses: present and true, or present and no boolean at all.
///
/// Paused means no polls, no clean-up and no rollout; running jobs continue.
#[must_use]
pub fn is_paused(annotations: &BTreeMap<String, String>) -> bool {
    annotations.get(PAUSED_ANNOTATION).is_some_and(|text| go::parse_bool(text).unwrap_or(true))
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
}
