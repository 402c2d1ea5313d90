//! The Kubernetes events that KEDA emits for a ScaledJob: reason, severity and a note.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KedaEvent {
    /// A trigger's scaler was built.
    ScalerBuilt {
        /// The trigger's type.
        trigger: String,
    },
    /// The loop started.
    WatchStarted,
    /// The loop stopped: the ScaledJob was paused or deleted.
    Stopped,
    /// A scaler could not be built, or failed twice in one poll.
    ScalerFailed {
        /// The error's text.
        error: String,
    },
    /// Jobs were created.
    JobsCreated {
        /// How many were intended, whatever came of them.
        intended: i64,
    },
    /// One job could not be created.
    JobCreateFailed {
        /// The error's text.
        error: String,
    },
    /// The ScaledJob became active.
    Active,
    /// It became inactive.
    Inactive,
    /// A reconcile succeeded, and the ScaledJob was not ready before.
    Ready,
    /// A reconcile failed.
    CheckFailed {
        /// The error's text.
        error: String,
    },
    /// The status could not be written.
    UpdateFailed {
        /// The error's text.
        error: String,
    },
    /// The pause annotation appeared.
    Paused,
    /// It is gone.
    Unpaused,
    /// Jobs of older generations are being deleted.
    RolloutStarted {
        /// How many.
        jobs: usize,
    },
    /// They are.
    RolloutCompleted {
        /// How many.
        jobs: usize,
    },
    /// One could not be.
    RolloutFailed {
        /// The error's text.
        error: String,
    },
    /// The ScaledJob is gone.
    Deleted,
}

impl KedaEvent {
    /// KEDA's word for it.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ScalerBuilt { .. } | Self::WatchStarted => "KEDAScalersStarted",
            Self::Stopped => "KEDAScalersStopped",
            Self::ScalerFailed { .. } => "KEDAScalerFailed",
            Self::JobsCreated { .. } => "KEDAJobsCreated",
            Self::JobCreateFailed { .. } => "KEDAJobCreateFailed",
            Self::Active => "ScaledJobActive",
            Self::Inactive => "ScaledJobInactive",
            Self::Ready => "ScaledJobReady",
            Self::CheckFailed { .. } => "ScaledJobCheckFailed",
            Self::UpdateFailed { .. } => "ScaledJobUpdateFailed",
            Self::Paused => "ScaledJobPaused",
            Self::Unpaused => "ScaledJobUnpaused",
            Self::RolloutStarted { .. } => "ScaledJobRolloutCleanupStarted",
            Self::RolloutCompleted { .. } => "ScaledJobRolloutCleanupCompleted",
            Self::RolloutFailed { .. } => "ScaledJobRolloutCleanupFailed",
            Self::Deleted => "ScaledJobDeleted",
        }
    }

    /// Whether its type is `Warning` rather than `Normal`.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::ScalerFailed { .. }
                | Self::JobCreateFailed { .. }
                | Self::CheckFailed { .. }
                | Self::UpdateFailed { .. }
                | Self::RolloutFailed { .. }
                | Self::Deleted
        )
    }

    /// What happened, for people.
    #[must_use]
    pub fn note(&self) -> String {
        match self {
            Self::ScalerBuilt { trigger } => format!("watching the {trigger} trigger"),
            Self::WatchStarted => "polling began".to_owned(),
            Self::Stopped => "polling ended".to_owned(),
            Self::ScalerFailed { error }
            | Self::JobCreateFailed { error }
            | Self::CheckFailed { error }
            | Self::UpdateFailed { error }
            | Self::RolloutFailed { error } => error.clone(),
            Self::JobsCreated { intended } => format!("{intended} jobs to create"),
            Self::Active => "a trigger is active".to_owned(),
            Self::Inactive => "no trigger is active".to_owned(),
            Self::Ready => "ready to scale".to_owned(),
            Self::Paused => "paused by annotation".to_owned(),
            Self::Unpaused => "no longer paused".to_owned(),
            Self::RolloutStarted { jobs } => format!("deleting {jobs} jobs of older generations"),
            Self::RolloutCompleted { jobs } => format!("deleted {jobs} jobs of older generations"),
            Self::Deleted => "deleted".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_is_a_warning_and_a_creation_is_not() {
        assert_eq!((KedaEvent::Deleted.is_warning(), KedaEvent::Deleted.reason()), (true, "ScaledJobDeleted"));
        let created = KedaEvent::JobsCreated { intended: 0 };
        assert_eq!((created.is_warning(), created.reason(), created.note().as_str()), (false, "KEDAJobsCreated", "0 jobs to create"));
    }
}
