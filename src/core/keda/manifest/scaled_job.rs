//! The ScaledJob itself: fields, defaults, and the checks that the API server makes.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    API_VERSION,
    field::Field,
    metadata::Metadata,
    trigger::{CACHE_REFUSING_TYPES, Trigger, validate_triggers},
};
use crate::core::{
    error::Result,
    keda::{aggregate::Calculation, bounds::Bounds, decision::Rules, pause, strategy::Strategy},
};

/// Seconds between polls where the spec does not say.
const DEFAULT_POLLING_INTERVAL: i32 = 30;
/// Finished jobs of one kind that are kept where the spec does not say.
const DEFAULT_HISTORY_LIMIT: i32 = 100;

/// A ScaledJob, valid.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScaledJob {
    /// Name, labels, annotations, generation.
    pub metadata: Metadata,
    /// What it says.
    pub spec: ScaledJobSpec,
}

/// The spec; what is absent is `None`, defaults are applied by the methods.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaledJobSpec {
    /// The `batch/v1` `JobSpec` of the jobs, as it is.
    pub job_target_ref: Value,
    /// Seconds between polls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polling_interval: Option<i32>,
    /// Completed jobs to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successful_jobs_history_limit: Option<i32>,
    /// Failed jobs to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_jobs_history_limit: Option<i32>,
    /// Deprecated; wins over `rollout.strategy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_strategy: Option<RolloutStrategy>,
    /// What happens to jobs of an older generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// The container whose environment the triggers may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_source_container_name: Option<String>,
    /// Jobs kept even without messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_replica_count: Option<i32>,
    /// Most jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_replica_count: Option<i32>,
    /// How demand becomes jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling_strategy: Option<ScalingStrategy>,
    /// What is watched; at least one.
    pub triggers: Vec<Trigger>,
}

/// `spec.rollout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Whether jobs of an older generation live on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<RolloutStrategy>,
    /// How they are deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagation_policy: Option<Propagation>,
}

/// What happens to jobs of an older generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RolloutStrategy {
    /// They live on.
    Gradual,
    /// They are deleted, running or not.
    Immediate,
}

/// How a job's pods go when it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Propagation {
    /// Pods first, then the job.
    Foreground,
    /// The job at once, its pods later.
    #[default]
    Background,
}

/// `spec.scalingStrategy`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScalingStrategy {
    /// `default`, `custom`, `accurate` or `eager`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// `custom`: taken off the demand; may be negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_scaling_queue_length_deduction: Option<i32>,
    /// `custom`: the share of running jobs taken off, a number as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_scaling_running_job_percentage: Option<String>,
    /// Conditions a pod must fulfil for its job not to be pending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending_pod_conditions: Vec<String>,
    /// How several triggers are combined: `min`, `avg`, `sum` or `max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiple_scalers_calculation: Option<String>,
}

const TOP: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
const SPEC: [&str; 11] = [
    "jobTargetRef",
    "pollingInterval",
    "successfulJobsHistoryLimit",
    "failedJobsHistoryLimit",
    "rolloutStrategy",
    "rollout",
    "envSourceContainerName",
    "minReplicaCount",
    "maxReplicaCount",
    "scalingStrategy",
    "triggers",
];
const STRATEGY: [&str; 5] = [
    "strategy",
    "customScalingQueueLengthDeduction",
    "customScalingRunningJobPercentage",
    "pendingPodConditions",
    "multipleScalersCalculation",
];
const JOB_SPEC: [&str; 16] = [
    "activeDeadlineSeconds",
    "backoffLimit",
    "backoffLimitPerIndex",
    "completionMode",
    "completions",
    "managedBy",
    "manualSelector",
    "maxFailedIndexes",
    "parallelism",
    "podFailurePolicy",
    "podReplacementPolicy",
    "selector",
    "successPolicy",
    "suspend",
    "template",
    "ttlSecondsAfterFinished",
];

impl ScaledJob {
    pub(super) fn read(root: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let version = root.required("apiVersion", "a ScaledJob is of keda.sh/v1alpha1")?;
        if version.text()? != API_VERSION {
            return Err(version.error(format!("a ScaledJob is of {API_VERSION}")));
        }
        root.note_unknown(&TOP, warnings)?;
        let metadata = Metadata::read(&root.required("metadata", "a ScaledJob needs a name")?)?;
        let spec = root.required("spec", "a ScaledJob needs jobTargetRef and triggers")?;
        Ok(Self { metadata, spec: ScaledJobSpec::read(&spec, warnings)? })
    }

    /// The whole object, as one would apply it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "apiVersion": API_VERSION, "kind": "ScaledJob", "metadata": self.metadata, "spec": self.spec })
    }

    /// Names its loop: `scaledjob.<namespace>.<name>`, in lower case.
    #[must_use]
    pub fn identifier(&self) -> String {
        format!("scaledjob.{}.{}", self.metadata.namespace.as_deref().unwrap_or_default(), self.metadata.name).to_lowercase()
    }

    /// Whether the pause annotation is in force.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        pause::is_paused(&self.metadata.annotations)
    }
}

impl ScaledJobSpec {
    fn read(spec: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        spec.note_unknown(&SPEC, warnings)?;
        let integer = |name: &str, least: i32| spec.get(name).map(|field| field.integer(least)).transpose();
        let read = Self {
            job_target_ref: job_target(&spec.required("jobTargetRef", "the job to create")?, warnings)?,
            polling_interval: integer("pollingInterval", 1)?,
            successful_jobs_history_limit: integer("successfulJobsHistoryLimit", 0)?,
            failed_jobs_history_limit: integer("failedJobsHistoryLimit", 0)?,
            rollout_strategy: spec.get("rolloutStrategy").map(|field| RolloutStrategy::read(&field)).transpose()?,
            rollout: spec.get("rollout").map(|field| Rollout::read(&field, warnings)).transpose()?,
            env_source_container_name: text(spec, "envSourceContainerName")?,
            min_replica_count: integer("minReplicaCount", 0)?,
            max_replica_count: integer("maxReplicaCount", 1)?,
            scaling_strategy: spec.get("scalingStrategy").map(|field| ScalingStrategy::read(&field, warnings)).transpose()?,
            triggers: triggers(&spec.required("triggers", "what to watch, at least one")?, warnings)?,
        };
        if let (Some(min), Some(max)) = (read.min_replica_count, read.max_replica_count)
            && min > max
        {
            warnings.push(format!("spec.minReplicaCount {min} is above maxReplicaCount {max}: up to {} jobs can run", 2 * i64::from(max)));
        }
        Ok(read)
    }

    /// Seconds between polls, 30 where the spec does not say.
    #[must_use]
    pub fn polling_interval_seconds(&self) -> u64 {
        u64::try_from(self.polling_interval.unwrap_or(DEFAULT_POLLING_INTERVAL)).unwrap_or(1)
    }

    /// Completed and failed jobs to keep, 100 each where the spec does not say.
    #[must_use]
    pub fn history_limits(&self) -> (usize, usize) {
        let limit = |value: Option<i32>| usize::try_from(value.unwrap_or(DEFAULT_HISTORY_LIMIT)).unwrap_or(0);
        (limit(self.successful_jobs_history_limit), limit(self.failed_jobs_history_limit))
    }

    /// The strategy in force for jobs of an older generation: everything but `gradual` is immediate.
    #[must_use]
    pub fn effective_rollout(&self) -> RolloutStrategy {
        self.rollout_strategy.or(self.rollout.and_then(|rollout| rollout.strategy)).unwrap_or(RolloutStrategy::Immediate)
    }

    /// How jobs of an older generation are deleted.
    #[must_use]
    pub fn propagation(&self) -> Propagation {
        self.rollout.and_then(|rollout| rollout.propagation_policy).unwrap_or_default()
    }

    /// Conditions a pod must fulfil for its job not to be pending; empty means the phase decides.
    #[must_use]
    pub fn pending_pod_conditions(&self) -> &[String] {
        self.scaling_strategy.as_ref().map_or(&[], |strategy| &strategy.pending_pod_conditions)
    }

    /// What a decision depends on.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let default = ScalingStrategy::default();
        let chosen = self.scaling_strategy.as_ref().unwrap_or(&default);
        Rules {
            bounds: Bounds::new(self.min_replica_count, self.max_replica_count),
            strategy: Strategy::select(
                chosen.strategy.as_deref(),
                chosen.custom_scaling_queue_length_deduction,
                chosen.custom_scaling_running_job_percentage.as_deref(),
            ),
            calculation: Calculation::from_name(chosen.multiple_scalers_calculation.as_deref()),
        }
    }
}

impl RolloutStrategy {
    fn read(field: &Field<'_>) -> Result<Self> {
        Ok(if field.one_of(&["gradual", "immediate"])? == "gradual" { Self::Gradual } else { Self::Immediate })
    }
}

impl Rollout {
    fn read(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        field.note_unknown(&["strategy", "propagationPolicy"], warnings)?;
        let policy = |field: Field<'_>| field.one_of(&["foreground", "background"]).map(|name| name == "foreground");
        Ok(Self {
            strategy: field.get("strategy").map(|field| RolloutStrategy::read(&field)).transpose()?,
            propagation_policy: field
                .get("propagationPolicy")
                .map(policy)
                .transpose()?
                .map(|foreground| if foreground { Propagation::Foreground } else { Propagation::Background }),
        })
    }
}

impl ScalingStrategy {
    fn read(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        field.note_unknown(&STRATEGY, warnings)?;
        let named = |name: &str, names: &[&str]| field.get(name).map(|child| child.one_of(names).map(str::to_owned)).transpose();
        let conditions = field.get("pendingPodConditions").map(|list| list.items()).transpose()?.unwrap_or_default();
        let read = Self {
            strategy: named("strategy", &Strategy::NAMES)?,
            custom_scaling_queue_length_deduction: field
                .get("customScalingQueueLengthDeduction")
                .map(|child| child.integer(i32::MIN))
                .transpose()?,
            custom_scaling_running_job_percentage: text(field, "customScalingRunningJobPercentage")?,
            pending_pod_conditions: conditions.iter().map(|item| item.text().map(str::to_owned)).collect::<Result<_>>()?,
            multiple_scalers_calculation: named("multipleScalersCalculation", &Calculation::NAMES)?,
        };
        if read.strategy.as_deref() == Some("custom") && read.falls_back() {
            warnings.push(format!("{}.customScalingRunningJobPercentage is no number: the strategy is `default`", field.path()));
        }
        Ok(read)
    }

    fn falls_back(&self) -> bool {
        Strategy::select(Some("custom"), None, self.custom_scaling_running_job_percentage.as_deref()) == Strategy::Default
    }
}

fn triggers(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Vec<Trigger>> {
    let items = field.items()?;
    if items.is_empty() {
        return Err(field.error("a ScaledJob needs at least one trigger"));
    }
    let triggers = items.iter().map(|item| trigger(item, warnings)).collect::<Result<Vec<_>>>()?;
    validate_triggers(&triggers)?;
    Ok(triggers)
}

/// A trigger whose target is an average value, and whose value is never cached.
fn trigger(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Trigger> {
    let trigger = Trigger::read(field, warnings)?;
    if let Some(metric_type) = field.get("metricType") {
        return Err(metric_type.error("metricType cannot be set on a ScaledJob's trigger: its target is always an average value"));
    }
    if trigger.use_cached_metrics && !CACHE_REFUSING_TYPES.contains(&trigger.kind.as_str()) {
        warnings.push(format!("{}.useCachedMetrics has no effect on a ScaledJob", field.path()));
    }
    Ok(trigger)
}

/// The parts of the job's structure that KEDA and the API server depend on.
fn job_target(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Value> {
    let template = field.required("template", "a job has a pod template")?;
    field.note_unknown(&JOB_SPEC, warnings)?;
    if let Some(pod) = template.get("spec") {
        for container in pod.required("containers", "a pod has containers")?.items()? {
            container.required("name", "a container has a name")?.text()?;
        }
    } else if !template.is_map() {
        return Err(template.wrong("an object"));
    }
    Ok(Value::from(field.node()))
}

fn text(field: &Field<'_>, name: &str) -> Result<Option<String>> {
    field.get(name).map(|child| child.text().map(str::to_owned)).transpose()
}
