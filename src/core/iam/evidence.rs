//! What was found about one identity chain: plain documents and names, as AWS and Kubernetes show them.

use super::right::Right;
use crate::core::stack::Place;

/// Whose chain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// KEDA's operator, which reads what the trigger watches.
    Scaler,
    /// What sends.
    Producer,
    /// What receives.
    Consumer,
}

/// What was found about one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Whose it is.
    pub who: Who,
    /// Partition, region and account.
    pub place: Place,
    /// Namespace of the pod.
    pub namespace: String,
    /// Service account that the pod really runs as.
    pub service_account: String,
    /// What it uses, in a word.
    pub uses: &'static str,
    /// Everything that it must be allowed for that.
    pub rights: Vec<Right>,
    /// How the pod proves who it is.
    pub way: Way,
    /// The role that KEDA assumes afterwards, where the TriggerAuthentication says so.
    pub then: Option<Assumed>,
}

/// How a pod proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By a token of the cluster's issuer.
    WebIdentity {
        /// The role that the service account's annotation names.
        annotation: Option<String>,
        /// The cluster's issuer, with `https://`.
        issuer: String,
        /// The audiences of the issuer's provider in IAM; absent where there is no provider.
        audiences: Option<Vec<String>>,
        /// The role that the annotation names, or should name.
        role: Named,
    },
    /// By EKS Pod Identity.
    PodIdentity {
        /// The EKS cluster.
        cluster: String,
        /// Whether the agent runs on the nodes.
        has_agent: bool,
        /// ARN of the role that the service account's association names.
        association: Option<String>,
        /// The role that it names, or should name.
        role: Named,
    },
    /// By long-term keys in a Secret.
    Keys {
        /// The Secret.
        secret: String,
        /// Id of the key in it; absent where there is no such Secret or key.
        key: Option<String>,
        /// The user's active keys, by their ids.
        active: Vec<String>,
        /// The user.
        user: Named,
    },
}

/// A role or a user by name, and what IAM knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// What IAM knows; absent where it does not exist.
    pub found: Option<Entity>,
}

/// A role or a user as IAM shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entity {
    /// The trust policy; empty for a user.
    pub trust: String,
    /// Name and text of each attached and inline policy.
    pub policies: Vec<(String, String)>,
}

/// The role that KEDA assumes from its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumed {
    /// The role.
    pub role: Named,
    /// Sent along.
    pub external_id: Option<String>,
}
