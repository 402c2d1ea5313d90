//! Where the demo runs, which AWS it is, how pods authenticate, and what scales.

use serde::{Deserialize, Serialize};

/// Where the demo runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// This machine: embedded AWS services, jobs as child processes.
    #[default]
    Local,
    /// Any Kubernetes cluster, by its kubeconfig context; AWS is real, or any endpoint.
    Cluster,
    /// An EKS cluster on a real account.
    Eks,
}

impl Target {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Cluster => "cluster",
            Self::Eks => "eks",
        }
    }
}

/// How pods, KEDA's operator among them, prove to AWS who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// IAM roles for service accounts: web identity tokens of the cluster's OIDC issuer.
    Irsa,
    /// EKS Pod Identity: an association of role and service account, and an agent on each node.
    PodIdentity,
    /// Long-term keys of IAM users in Secrets, for clusters outside AWS.
    Secret,
}

/// Which kind of object tells KEDA how to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthScope {
    /// A `TriggerAuthentication`, good in its own namespace.
    Namespace,
    /// A `ClusterTriggerAuthentication`, good everywhere.
    Cluster,
}

/// What scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Controller {
    /// The KEDA that is there; else by `helm` where that program is, else from KEDA's release manifest.
    Auto,
    /// KEDA's chart, by the `helm` program.
    Helm,
    /// KEDA's release manifest, applied by this program.
    Manifest,
    /// A KEDA that somebody else installed.
    Existing,
    /// No KEDA: `watch` scales.
    InProcess,
}

/// What is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScalingKind {
    /// A `ScaledJob`: one job for each message, which ends by itself.
    ScaledJob,
    /// A `ScaledObject` and its Deployment: replicas that take message after message, and are ended when there are too many.
    ScaledObject,
}

impl ScalingKind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ScaledJob => "scaled-job",
            Self::ScaledObject => "scaled-object",
        }
    }

    /// The kind of the Kubernetes object.
    #[must_use]
    pub fn object(self) -> &'static str {
        match self {
            Self::ScaledJob => "ScaledJob",
            Self::ScaledObject => "ScaledObject",
        }
    }
}

/// Which AWS it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aws<'a> {
    /// The services embedded in this program.
    Embedded,
    /// An endpoint that was given.
    Endpoint(&'a str),
    /// AWS itself.
    Real,
}
