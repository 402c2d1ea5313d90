//! A flag for every setting that setup takes and remembers.

use kedactl::core::settings::{Choices, Key};

/// One flag for each [`Key`]; the values are judged in one place, with those of the other layers.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Settings, remembered for later commands")]
pub(crate) struct SettingFlags {
    /// Where: local, cluster or eks [default: local; eks with --cluster, cluster with --context]
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// AWS region [default: the environment's or the profile's; us-east-1 on the local target]
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Profile of AWS's configuration files
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// AWS account [default: the credentials' own]
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// An AWS endpoint instead of the embedded service or the region's own
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// EKS cluster [default on the local target: kedactl]
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Context of the kubeconfig [default: EKS's own way in, or the current context]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Kubernetes namespace of the workload [default: default]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Kubernetes namespace of KEDA [default: keda]
    #[arg(long, value_name = "NAME")]
    keda_namespace: Option<String>,
    /// How pods prove to AWS who they are: irsa, pod-identity or secret [default: irsa; secret without an EKS cluster]
    #[arg(long, value_name = "MODE")]
    auth: Option<String>,
    /// Where KEDA's way to authenticate is good: namespace or cluster [default: namespace]
    #[arg(long, value_name = "SCOPE")]
    auth_scope: Option<String>,
    /// What scales: auto, helm, manifest, existing or in-process [default: auto]
    #[arg(long, value_name = "HOW")]
    controller: Option<String>,
    /// KEDA's release manifest, a URL or a file [default: the pinned release]
    #[arg(long, value_name = "PLACE")]
    keda_manifest: Option<String>,
    /// SHA-256 that KEDA's release manifest must have
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// This program's own image, in place of the article's images
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// When `teardown --expired` may remove the stack
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// What is scaled: scaled-job, or scaled-object with its Deployment [default: scaled-job]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// What it is scaled by: aws-sqs-queue, aws-kinesis-stream, aws-dynamodb, aws-dynamodb-streams or aws-cloudwatch, or short: sqs,
    /// kinesis, dynamodb, dynamodb-streams, cloudwatch [default: aws-sqs-queue]
    #[arg(long, value_name = "NAME")]
    trigger: Option<String>,
    /// The work queue, a FIFO queue if it ends in .fifo [default: test-queue]
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// The trigger's target: messages per job or replica; shards, items, or the metric's value with another --trigger [default: 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    queue_length: Option<String>,
    /// Seconds between two polls of the scaler [default: 10]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    polling_interval: Option<String>,
    /// Seconds without a message until a ScaledObject scales to its least [default: 30; KEDA's own is 300]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    cooldown_period: Option<String>,
    /// Jobs or replicas kept even without messages [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    min_replica_count: Option<String>,
    /// Most jobs or replicas at once [default: 100]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_replica_count: Option<String>,
    /// Scaling strategy of a ScaledJob: default, custom, accurate or eager [default: default]
    #[arg(long, value_name = "NAME")]
    strategy: Option<String>,
    /// Seconds of work on each message [default: 30]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    work_seconds: Option<String>,
    /// Seconds for which a received message is hidden [default: 60]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    visibility_timeout: Option<String>,
}

impl SettingFlags {
    /// The flags that were given.
    pub(crate) fn choices(self) -> Choices {
        let given = [
            (Key::Target, self.target),
            (Key::Region, self.region),
            (Key::Profile, self.profile),
            (Key::Account, self.account),
            (Key::EndpointUrl, self.endpoint_url),
            (Key::Cluster, self.cluster),
            (Key::Context, self.context),
            (Key::Namespace, self.namespace),
            (Key::KedaNamespace, self.keda_namespace),
            (Key::Auth, self.auth),
            (Key::AuthScope, self.auth_scope),
            (Key::Controller, self.controller),
            (Key::KedaManifest, self.keda_manifest),
            (Key::Sha256, self.sha256),
            (Key::Image, self.image),
            (Key::ExpiresAt, self.expires_at),
            (Key::Kind, self.kind),
            (Key::Trigger, self.trigger),
            (Key::Queue, self.queue),
            (Key::QueueLength, self.queue_length),
            (Key::PollingInterval, self.polling_interval),
            (Key::CooldownPeriod, self.cooldown_period),
            (Key::MinReplicaCount, self.min_replica_count),
            (Key::MaxReplicaCount, self.max_replica_count),
            (Key::Strategy, self.strategy),
            (Key::WorkSeconds, self.work_seconds),
            (Key::VisibilityTimeout, self.visibility_timeout),
        ];
        given.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: SettingFlags,
    }

    #[test]
    fn every_setting_has_a_flag_of_its_name() {
        let arguments = Key::ALL.iter().map(|key| format!("--{}={}", key.name(), key.name()));
        let line = Line::try_parse_from(["x".to_owned()].into_iter().chain(arguments)).expect("parsed");
        let expected: Choices = Key::ALL.iter().map(|key| (*key, key.name().to_owned())).collect();
        assert_eq!(line.flags.choices(), expected);
    }
}
