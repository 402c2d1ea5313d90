//! Every setting by name, and the layers that give values.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::core::stack::KEDA_NAMESPACE;

/// Which layer a value came from; used in errors, so that a person knows where to correct it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A flag of this command.
    Flag,
    /// An environment variable.
    Environment,
    /// What the stack's setup remembered.
    Remembered,
    /// What `kedactl target` chose for the stack.
    Chosen,
    /// AWS's own variables and configuration files, or what AWS answered.
    Aws,
    /// The article's own value.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "from a flag",
            Self::Environment => "from the environment",
            Self::Remembered => "remembered by setup",
            Self::Chosen => "chosen by `kedactl target`",
            Self::Aws => "from AWS's own configuration",
            Self::Default => "the default",
        })
    }
}

/// Every setting that `setup` takes and remembers, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// Where the demo runs.
    Target,
    /// AWS region.
    Region,
    /// Profile of AWS's configuration files.
    Profile,
    /// AWS account: twelve digits.
    Account,
    /// An AWS endpoint instead of the embedded service, or of the region's own.
    EndpointUrl,
    /// EKS cluster.
    Cluster,
    /// Context of the kubeconfig.
    Context,
    /// Kubernetes namespace of the workload.
    Namespace,
    /// Kubernetes namespace of KEDA.
    KedaNamespace,
    /// How pods prove to AWS who they are.
    Auth,
    /// Which kind of object tells KEDA how to authenticate.
    AuthScope,
    /// What scales.
    Controller,
    /// KEDA's release manifest: a URL or a file.
    KedaManifest,
    /// SHA-256 of KEDA's release manifest.
    Sha256,
    /// Image of this program, in place of the article's images.
    Image,
    /// When the stack may be torn down by `teardown --expired`.
    ExpiresAt,
    /// What is scaled: jobs, or the replicas of a Deployment.
    Kind,
    /// KEDA's trigger: what it is scaled by.
    Trigger,
    /// The work queue, before the stack's prefix.
    Queue,
    /// The trigger's target: messages per job or replica, or shards, items, or the metric's value.
    QueueLength,
    /// Seconds between polls.
    PollingInterval,
    /// Seconds without activity after which a ScaledObject scales to its least.
    CooldownPeriod,
    /// Jobs or replicas kept even without messages.
    MinReplicaCount,
    /// Most jobs or replicas.
    MaxReplicaCount,
    /// Scaling strategy.
    Strategy,
    /// The consumer's work: seconds of sleep.
    WorkSeconds,
    /// The queue's visibility timeout in seconds.
    VisibilityTimeout,
}

impl Key {
    /// All keys, in the order in which help lists them.
    pub const ALL: [Self; 27] = [
        Self::Target,
        Self::Region,
        Self::Profile,
        Self::Account,
        Self::EndpointUrl,
        Self::Cluster,
        Self::Context,
        Self::Namespace,
        Self::KedaNamespace,
        Self::Auth,
        Self::AuthScope,
        Self::Controller,
        Self::KedaManifest,
        Self::Sha256,
        Self::Image,
        Self::ExpiresAt,
        Self::Kind,
        Self::Trigger,
        Self::Queue,
        Self::QueueLength,
        Self::PollingInterval,
        Self::CooldownPeriod,
        Self::MinReplicaCount,
        Self::MaxReplicaCount,
        Self::Strategy,
        Self::WorkSeconds,
        Self::VisibilityTimeout,
    ];

    /// The flag's name without dashes, which is also the name in the remembered file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Region => "region",
            Self::Profile => "profile",
            Self::Account => "account",
            Self::EndpointUrl => "endpoint-url",
            Self::Cluster => "cluster",
            Self::Context => "context",
            Self::Namespace => "namespace",
            Self::KedaNamespace => "keda-namespace",
            Self::Auth => "auth",
            Self::AuthScope => "auth-scope",
            Self::Controller => "controller",
            Self::KedaManifest => "keda-manifest",
            Self::Sha256 => "sha256",
            Self::Image => "image",
            Self::ExpiresAt => "expires-at",
            Self::Kind => "kind",
            Self::Trigger => "trigger",
            Self::Queue => "queue",
            Self::QueueLength => "queue-length",
            Self::PollingInterval => "polling-interval",
            Self::CooldownPeriod => "cooldown-period",
            Self::MinReplicaCount => "min-replica-count",
            Self::MaxReplicaCount => "max-replica-count",
            Self::Strategy => "strategy",
            Self::WorkSeconds => "work-seconds",
            Self::VisibilityTimeout => "visibility-timeout",
        }
    }

    /// The article's value, or the usual one, where there is one.
    #[must_use]
    pub fn default_value(self) -> Option<&'static str> {
        Some(match self {
            Self::Target => "local",
            Self::Region => "us-east-1",
            Self::Profile
            | Self::Account
            | Self::EndpointUrl
            | Self::Context
            | Self::Auth
            | Self::KedaManifest
            | Self::Sha256
            | Self::Image
            | Self::ExpiresAt => return None,
            Self::Cluster => "kedactl",
            Self::KedaNamespace => KEDA_NAMESPACE,
            Self::AuthScope => "namespace",
            Self::Controller => "auto",
            Self::Namespace | Self::Strategy => "default",
            Self::Kind => "scaled-job",
            Self::Trigger => "aws-sqs-queue",
            Self::Queue => "test-queue",
            Self::QueueLength => "1",
            Self::PollingInterval => "10",
            Self::MinReplicaCount => "0",
            Self::MaxReplicaCount => "100",
            Self::CooldownPeriod | Self::WorkSeconds => "30",
            Self::VisibilityTimeout => "60",
        })
    }
}

/// The values that one layer of settings gives, as text.
pub type Choices = BTreeMap<Key, String>;
/// One layer of settings, with where it came from.
pub type Layer = (Origin, Choices);

/// The value that the strongest of `layers` gives for `key`, and which one that is; `None` when none does.
#[must_use]
pub fn given(layers: &[Layer], key: Key) -> Option<(String, Origin)> {
    layers.iter().find_map(|(origin, choices)| choices.get(&key).map(|text| (text.clone(), *origin)))
}
