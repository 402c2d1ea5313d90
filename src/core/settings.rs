//! What a command works on: flags over environment over what setup remembered over defaults, each with its origin.

mod key;
mod pick;
mod trigger;
mod world;

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
pub use key::{Choices, Key, Layer, Origin, given};
pub use pick::target;
use pick::{Pick, is_cluster_name, is_dns_label, is_image, is_plain, is_queue_name, is_strategy};
use serde::Serialize;
pub use trigger::TriggerKind;
pub use world::{Auth, AuthScope, Aws, Controller, ScalingKind, Target};

use super::{
    error::{Error, Result},
    stack::{Names, Place, StackName},
};

/// Everything a backend needs to know, resolved and valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the demo runs.
    pub target: Target,
    /// The stack.
    pub stack: StackName,
    /// Where state is kept, with one folder for each stack.
    pub state_dir: PathBuf,
    /// Partition, region and account.
    pub place: Place,
    /// The names of the stack's objects.
    pub names: Names,
    /// An AWS endpoint instead of the embedded service, or of the region's own.
    pub endpoint_url: Option<String>,
    /// Profile of AWS's configuration files.
    pub profile: Option<String>,
    /// Context of the kubeconfig; absent means EKS's own way in, or the current context.
    pub context: Option<String>,
    /// How pods prove to AWS who they are.
    pub auth: Auth,
    /// Which kind of object tells KEDA how to authenticate.
    pub auth_scope: AuthScope,
    /// What scales.
    pub controller: Controller,
    /// KEDA's release manifest: a URL or a file; absent means the pinned one.
    pub keda_manifest: Option<String>,
    /// SHA-256 of KEDA's release manifest, 64 hexadecimal digits.
    pub keda_manifest_sha256: Option<String>,
    /// Image of this program, in place of the article's images.
    pub image: Option<String>,
    /// When the stack may be torn down by `teardown --expired`.
    pub expires_at: Option<Timestamp>,
    /// How the queue is made.
    pub visibility_timeout: Duration,
    /// What is scaled.
    pub kind: ScalingKind,
    /// What it is scaled by.
    pub trigger: TriggerKind,
    /// How the ScaledJob or ScaledObject is made.
    pub scaling: Scaling,
    /// What setup should remember: every choice that is not a default.
    pub chosen: Choices,
}

/// The numbers of the ScaledJob or ScaledObject that setup makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scaling {
    /// What one job or replica is wanted for: messages of the queue, or shards, items, or the metric's value.
    pub queue_length: i64,
    /// Seconds between polls.
    pub polling_interval: i32,
    /// Seconds without activity after which a ScaledObject scales to its least.
    pub cooldown_period: i32,
    /// Jobs or replicas kept even without messages.
    pub min_replica_count: i32,
    /// Most jobs or replicas.
    pub max_replica_count: i32,
    /// `default`, `custom`, `accurate` or `eager`.
    pub strategy: String,
    /// Seconds of work per message.
    pub work_seconds: u32,
}

impl Settings {
    /// The name of the ScaledJob or ScaledObject.
    #[must_use]
    pub fn scaled(&self) -> &str {
        match self.kind {
            ScalingKind::ScaledJob => &self.names.scaled_job,
            ScalingKind::ScaledObject => &self.names.scaled_object,
        }
    }

    /// Resolves `layers`, the strongest first, for `stack`.
    ///
    /// # Errors
    /// `Input`, naming the first field whose value cannot be used, the value, and where it came from.
    pub fn resolve(stack: StackName, state_dir: PathBuf, account: &str, layers: &[Layer]) -> Result<Self> {
        let pick = Pick { layers };
        let target = target(layers)?;
        let aws = pick.real_world(target)?;
        let account = aws.account.unwrap_or_else(|| account.to_owned());
        let queue =
            pick.text(Key::Queue, is_queue_name, "1 to 80 letters, digits, hyphens and underscores, with an optional .fifo ending")?;
        let dns_label = "a DNS label: lower-case letters, digits and inner hyphens, at most 63";
        let namespace = pick.text(Key::Namespace, is_dns_label, dns_label)?;
        let keda_namespace = pick.text(Key::KedaNamespace, is_dns_label, dns_label)?;
        let cluster = pick.text(Key::Cluster, is_cluster_name, "1 to 100 letters, digits, hyphens and underscores")?;
        let names = Names::new(&stack, &namespace, &keda_namespace, &cluster, &queue);
        if !is_queue_name(&names.dead_letter_queue) {
            return Err(Error::input(
                "queue",
                &queue,
                format!("the derived name `{}` is longer than 80 characters", names.dead_letter_queue),
            )
            .hint("choose a shorter --queue or --stack"));
        }
        let scaling = Scaling {
            queue_length: pick.number(Key::QueueLength, 1, i64::MAX)?,
            polling_interval: pick.number(Key::PollingInterval, 1, i64::from(i32::MAX))?.try_into().unwrap_or(i32::MAX),
            cooldown_period: pick.number(Key::CooldownPeriod, 0, i64::from(i32::MAX))?.try_into().unwrap_or(i32::MAX),
            min_replica_count: pick.number(Key::MinReplicaCount, 0, i64::from(i32::MAX))?.try_into().unwrap_or(i32::MAX),
            max_replica_count: pick.number(Key::MaxReplicaCount, 1, i64::from(i32::MAX))?.try_into().unwrap_or(i32::MAX),
            strategy: pick.text(Key::Strategy, is_strategy, "one of default, custom, accurate, eager")?,
            work_seconds: pick.number(Key::WorkSeconds, 0, 43_200)?.try_into().unwrap_or(0),
        };
        let kind = pick.kind()?;
        pick.bounds(kind, &scaling)?;
        let visibility = pick.number(Key::VisibilityTimeout, 0, 43_200)?;
        let hash = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let expires_at = pick.optional(Key::ExpiresAt, |text| text.parse::<Timestamp>().is_ok(), "a time such as 2030-01-02T15:04:05Z")?;
        Ok(Self {
            target,
            place: Place::new(&aws.region, &account),
            names,
            stack,
            state_dir,
            endpoint_url: aws.endpoint_url,
            profile: aws.profile,
            context: pick.optional(Key::Context, is_plain, "a context's name, without control characters")?,
            auth: pick.auth(target)?,
            auth_scope: pick.one_of(Key::AuthScope, "namespace, cluster")?,
            controller: pick.controller(target)?,
            keda_manifest: pick.optional(Key::KedaManifest, is_plain, "a URL or the path of a file")?,
            keda_manifest_sha256: pick.optional(Key::Sha256, hash, "64 hexadecimal digits")?.map(|text| text.to_lowercase()),
            image: pick.optional(Key::Image, is_image, "an image such as registry.example/kedactl:0.1.0")?,
            expires_at: expires_at.and_then(|text| text.parse().ok()),
            visibility_timeout: Duration::from_secs(visibility.unsigned_abs()),
            kind,
            trigger: pick.trigger()?,
            scaling,
            chosen: pick.chosen(target),
        })
    }

    /// Which AWS it is.
    #[must_use]
    pub fn aws(&self) -> Aws<'_> {
        match (&self.endpoint_url, self.target) {
            (Some(url), _) => Aws::Endpoint(url),
            (None, Target::Local) => Aws::Embedded,
            (None, Target::Cluster | Target::Eks) => Aws::Real,
        }
    }

    /// The EKS cluster behind the stack, where there is one: the embedded one, or the one that was named.
    #[must_use]
    pub fn eks_cluster(&self) -> Option<&str> {
        let named = self.target != Target::Cluster || self.chosen.contains_key(&Key::Cluster);
        named.then_some(self.names.cluster.as_str())
    }

    /// URL of the queue called `name`, at the endpoint in force.
    #[must_use]
    pub fn queue_url(&self, name: &str) -> String {
        match &self.endpoint_url {
            Some(endpoint) => format!("{}/{}/{name}", endpoint.trim_end_matches('/'), self.place.account),
            None => self.place.queue_url(name),
        }
    }

    /// Whether AWS is this machine: the embedded service, or an endpoint on a loopback address. Then nothing costs money.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        match self.aws() {
            Aws::Embedded => true,
            Aws::Real => false,
            Aws::Endpoint(url) => is_loopback(url),
        }
    }

    /// The folder of this stack's journal, objects, jobs and artifacts.
    #[must_use]
    pub fn stack_dir(&self) -> PathBuf {
        self.state_dir.join("stacks").join(self.stack.as_str())
    }
}

/// Whether `url` leads to this machine.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    let authority = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
