//! Counting jobs: which are finished, which run, which are pending.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::{event::JobState, ports};

/// Annotation of a job that names the ScaledJob's generation it was made from.
pub const GENERATION_ANNOTATION: &str = "scaledjob.keda.sh/generation";
/// What a running pod of a plain process fulfils.
const READY_CONDITIONS: [&str; 5] = ["PodReadyToStartContainers", "PodScheduled", "Initialized", "ContainersReady", "Ready"];

/// A condition of a job or a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedCondition {
    /// Its type, such as `Complete` or `Ready`.
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
}

impl TypedCondition {
    fn holds(&self) -> bool {
        self.status == "True"
    }

    /// Reads `conditions` of a status.
    fn list(status: &Value) -> Vec<Self> {
        let read = |value: &Value| Self { kind: text(value, "/type"), status: text(value, "/status") };
        status.get("conditions").and_then(Value::as_array).map(|list| list.iter().map(read).collect()).unwrap_or_default()
    }
}

/// What KEDA looks at in a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`, or empty.
    pub phase: String,
    /// Its conditions.
    pub conditions: Vec<TypedCondition>,
}

/// How a job ended, as its conditions say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It did what it had to.
    Complete,
    /// It did not.
    Failed,
}

/// What KEDA looks at in a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// Its name.
    pub name: String,
    /// Its conditions, in order.
    pub conditions: Vec<TypedCondition>,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// The generation annotation's text.
    pub generation: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When it completed; Kubernetes sets this on success only.
    pub completed_at: Option<Timestamp>,
}

impl JobView {
    /// Reads a `batch/v1` Job and its pods (those labelled `job-name=<its name>`).
    #[must_use]
    pub fn from_values(job: &Value, pods: &[Value]) -> Self {
        let time = |path: &str| job.pointer(path).and_then(Value::as_str).and_then(|text| text.parse().ok());
        let pod = |pod: &Value| Pod {
            phase: text(pod, "/status/phase"),
            conditions: pod.get("status").map(TypedCondition::list).unwrap_or_default(),
        };
        Self {
            name: text(job, "/metadata/name"),
            conditions: job.get("status").map(TypedCondition::list).unwrap_or_default(),
            pods: pods.iter().map(pod).collect(),
            generation: job
                .pointer("/metadata/annotations")
                .and_then(|annotations| annotations.get(GENERATION_ANNOTATION))
                .and_then(Value::as_str)
                .map(str::to_owned),
            created_at: time("/metadata/creationTimestamp"),
            completed_at: time("/status/completionTime"),
        }
    }

    /// How it ended, by its first true condition of type `Complete` or `Failed`; `None` while unfinished.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.conditions.iter().filter(|condition| condition.holds()).find_map(|condition| match condition.kind.as_str() {
            "Complete" => Some(End::Complete),
            "Failed" => Some(End::Failed),
            _ => None,
        })
    }

    /// Whether the job has ended. Suspended, `FailureTarget` and `SuccessCriteriaMet` are not ends.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.end().is_some()
    }

    /// Whether an unfinished job counts as pending.
    ///
    /// Without `pod_conditions`: no pod is `Running` or `Succeeded`. With them: no single pod has every one of them; a name
    /// listed twice can never be satisfied.
    #[must_use]
    pub fn is_pending(&self, pod_conditions: &[String]) -> bool {
        if pod_conditions.is_empty() {
            return !self.pods.iter().any(|pod| pod.phase == "Running" || pod.phase == "Succeeded");
        }
        !self.pods.iter().any(|pod| satisfied(pod, pod_conditions) == pod_conditions.len())
    }
}

/// Distinct condition types of `pod` that are true and listed.
fn satisfied(pod: &Pod, wanted: &[String]) -> usize {
    let mut kinds: Vec<&str> = pod
        .conditions
        .iter()
        .filter(|condition| condition.holds() && wanted.contains(&condition.kind))
        .map(|condition| condition.kind.as_str())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len()
}

impl From<&ports::Job> for JobView {
    /// A process that runs stands for a pod that is ready; one that does not run yet has no pod.
    fn from(job: &ports::Job) -> Self {
        if let Some(view) = &job.view {
            return (**view).clone();
        }
        let holds = |kind: &str| TypedCondition { kind: kind.to_owned(), status: "True".to_owned() };
        let running = || Pod { phase: "Running".to_owned(), conditions: READY_CONDITIONS.map(holds).to_vec() };
        let (conditions, pods) = match job.state {
            JobState::Pending => (Vec::new(), Vec::new()),
            JobState::Running => (Vec::new(), vec![running()]),
            JobState::Complete => (vec![holds("Complete")], Vec::new()),
            JobState::Failed => (vec![holds("Failed")], Vec::new()),
        };
        Self {
            name: job.name.clone(),
            conditions,
            pods,
            generation: job.generation.map(|generation| generation.to_string()),
            created_at: Some(job.created_at),
            completed_at: job.completed_at,
        }
    }
}

/// Unfinished jobs of one ScaledJob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Unfinished jobs, the pending ones included.
    pub running: i64,
    /// Unfinished jobs that are pending.
    pub pending: i64,
}

/// Counts the unfinished among `jobs`.
#[must_use]
pub fn count(jobs: &[JobView], pod_conditions: &[String]) -> Counts {
    let unfinished = || jobs.iter().filter(|job| !job.is_finished());
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Counts { running: number(unfinished().count()), pending: number(unfinished().filter(|job| job.is_pending(pod_conditions)).count()) }
}

fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: JobState) -> ports::Job {
        ports::Job {
            name: "video-1".to_owned(),
            scaled_job: "video".to_owned(),
            generation: Some(3),
            state,
            reason: None,
            created_at: Timestamp::UNIX_EPOCH,
            completed_at: None,
            message_id: None,
            view: None,
        }
    }

    #[test]
    fn local_jobs_count_as_their_pods_would() {
        let states = [JobState::Pending, JobState::Running, JobState::Complete, JobState::Failed];
        let views: Vec<JobView> = states.iter().map(|state| JobView::from(&job(*state))).collect();
        assert_eq!(count(&views, &[]), Counts { running: 2, pending: 1 });
        assert_eq!(count(&views, &["Ready".to_owned(), "PodScheduled".to_owned()]), Counts { running: 2, pending: 1 });
    }

    #[test]
    fn a_condition_listed_twice_leaves_every_job_pending() {
        let views = [JobView::from(&job(JobState::Running))];
        assert_eq!(count(&views, &["Ready".to_owned(), "Ready".to_owned()]).pending, 1);
    }
}
