//! What events speak of: a queue's counters, and where jobs and replicas stand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counters of one queue, as SQS gives them: approximate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Depth {
    /// Waiting to be received (`ApproximateNumberOfMessages`).
    pub visible: i64,
    /// Received, not yet deleted or timed out (`ApproximateNumberOfMessagesNotVisible`).
    pub in_flight: i64,
    /// Sent with a delay that has not passed (`ApproximateNumberOfMessagesDelayed`).
    pub delayed: i64,
}

impl Depth {
    /// All messages the queue holds.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.visible + self.in_flight + self.delayed
    }
}

/// How a job ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Created, nothing runs yet.
    Pending,
    /// Its process or pod runs.
    Running,
    /// Ended with exit code 0.
    Complete,
    /// Ended otherwise, or was killed.
    Failed,
}

impl JobState {
    /// Whether the job has ended.
    #[must_use]
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Complete | Self::Failed)
    }
}

/// Where a replica stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReplicaState {
    /// It was started, and is not ready yet.
    Starting,
    /// It takes messages.
    Ready,
    /// It was told to end.
    Ending,
    /// It is there no more.
    Gone,
}

/// Who scales the target of a ScaledObject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScaledBy {
    /// KEDA's own half: between nothing and something.
    Keda,
    /// The HPA: between something and much.
    Hpa,
    /// The annotation that pauses it at a number of replicas.
    Pause,
    /// Somebody on the cluster: KEDA, its HPA, or a person.
    Cluster,
}

impl ScaledBy {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Keda => "keda",
            Self::Hpa => "hpa",
            Self::Pause => "pause",
            Self::Cluster => "cluster",
        }
    }
}

/// Why a message went back to the queue before its work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Released {
    /// SIGTERM or SIGINT reached the consumer.
    Signal,
    /// The work failed, or panicked.
    Failure,
}
