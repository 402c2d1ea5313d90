//! The metrics by name: what KEDA's operator calls them, their labels, and what they are.

/// What a metric does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// It goes up and down.
    Gauge,
    /// It only goes up.
    Counter,
}

/// The labels of what is measured for each trigger.
const TRIGGER: &[&str] = &["namespace", "metric", "scaledObject", "scaler", "triggerIndex", "type"];

/// One metric of KEDA's operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Who serves this.
    BuildInfo,
    /// How late polls begin.
    LoopLatency,
    /// Objects by kind and namespace.
    Resources,
    /// Failures of ScaledJobs.
    JobErrors,
    /// Failures of ScaledObjects.
    ObjectErrors,
    /// Whether a ScaledObject is paused.
    ObjectPaused,
    /// Whether a trigger is active.
    Active,
    /// Failures of triggers.
    TriggerErrors,
    /// How long a trigger's answer took.
    TriggerLatency,
    /// A trigger's value.
    Value,
    /// Triggers by type.
    Triggers,
}

impl Family {
    /// All of them, by name.
    pub const ALL: [Self; 11] = [
        Self::BuildInfo,
        Self::LoopLatency,
        Self::Resources,
        Self::JobErrors,
        Self::ObjectErrors,
        Self::ObjectPaused,
        Self::Active,
        Self::TriggerErrors,
        Self::TriggerLatency,
        Self::Value,
        Self::Triggers,
    ];

    /// Its name, as KEDA has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BuildInfo => "keda_build_info",
            Self::LoopLatency => "keda_internal_scale_loop_latency_seconds",
            Self::Resources => "keda_resource_registered_total",
            Self::JobErrors => "keda_scaled_job_errors_total",
            Self::ObjectErrors => "keda_scaled_object_errors_total",
            Self::ObjectPaused => "keda_scaled_object_paused",
            Self::Active => "keda_scaler_active",
            Self::TriggerErrors => "keda_scaler_detail_errors_total",
            Self::TriggerLatency => "keda_scaler_metrics_latency_seconds",
            Self::Value => "keda_scaler_metrics_value",
            Self::Triggers => "keda_trigger_registered_total",
        }
    }

    /// What it says, in a sentence.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::BuildInfo => "Who serves these metrics: always 1, the version is a label.",
            Self::LoopLatency => "Seconds by which the last poll of the object began later than it was due.",
            Self::Resources => "Objects that are handled, by kind and namespace.",
            Self::JobErrors => "Reads that failed for a ScaledJob, and trigger sets of it that could not be built.",
            Self::ObjectErrors => "Reads that failed for a ScaledObject, and trigger sets of it that could not be built.",
            Self::ObjectPaused => "Whether the ScaledObject is paused (1) or not (0).",
            Self::Active => "Whether the trigger was active (1) or not (0) when it was last read.",
            Self::TriggerErrors => "Reads of the trigger that failed.",
            Self::TriggerLatency => "Seconds that the source took for its last answer.",
            Self::Value => "The value of the trigger when it was last read.",
            Self::Triggers => "Triggers that are handled, by type.",
        }
    }

    /// Its labels, as KEDA has them.
    #[must_use]
    pub fn labels(self) -> &'static [&'static str] {
        match self {
            Self::BuildInfo => &["version", "git_commit", "goversion", "goos", "goarch"],
            Self::LoopLatency => &["namespace", "type", "resource"],
            Self::Resources => &["type", "namespace"],
            Self::JobErrors => &["namespace", "scaledJob"],
            Self::ObjectErrors | Self::ObjectPaused => &["namespace", "scaledObject"],
            Self::Active | Self::TriggerErrors | Self::TriggerLatency | Self::Value => TRIGGER,
            Self::Triggers => &["type"],
        }
    }

    /// Whether it may go down.
    #[must_use]
    pub fn nature(self) -> Nature {
        match self {
            Self::JobErrors | Self::ObjectErrors | Self::TriggerErrors => Nature::Counter,
            _ => Nature::Gauge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_keep_to_prometheus_rules() {
        let names = Family::ALL.map(Family::name);
        assert!(names.is_sorted(), "{names:?}");
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
        assert!(
            Family::ALL.into_iter().filter(|family| family.nature() == Nature::Counter).all(|family| family.name().ends_with("_total"))
        );
    }
}
