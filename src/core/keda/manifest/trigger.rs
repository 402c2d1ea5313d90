//! Triggers: what a ScaledJob or a ScaledObject watches.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{field::Field, node::nearest};
use crate::core::{
    error::{Error, Kind, Result},
    keda::trigger::{metric_type::MetricType, resource::RESOURCE_TRIGGERS},
};

/// The types KEDA knows.
pub const TRIGGER_TYPES: [&str; 71] = [
    "activemq",
    "apache-kafka",
    "arangodb",
    "artemis-queue",
    "aws-cloudwatch",
    "aws-dynamodb",
    "aws-dynamodb-streams",
    "aws-kinesis-stream",
    "aws-sqs-queue",
    "azure-app-insights",
    "azure-blob",
    "azure-data-explorer",
    "azure-eventhub",
    "azure-log-analytics",
    "azure-monitor",
    "azure-pipelines",
    "azure-queue",
    "azure-servicebus",
    "beanstalkd",
    "cassandra",
    "couchdb",
    "cpu",
    "cron",
    "datadog",
    "dynatrace",
    "elasticsearch",
    "etcd",
    "external",
    "external-push",
    "forgejo-runner",
    "gcp-cloudtasks",
    "gcp-pubsub",
    "gcp-stackdriver",
    "gcp-storage",
    "github-runner",
    "graphite",
    "huawei-cloudeye",
    "ibmmq",
    "influxdb",
    "kafka",
    "kubernetes-resource",
    "kubernetes-workload",
    "liiklus",
    "loki",
    "memory",
    "metrics-api",
    "mongodb",
    "mssql",
    "mysql",
    "nats-jetstream",
    "new-relic",
    "nsq",
    "openstack-metric",
    "openstack-swift",
    "postgresql",
    "predictkube",
    "prometheus",
    "pulsar",
    "rabbitmq",
    "redis",
    "redis-cluster",
    "redis-cluster-streams",
    "redis-sentinel",
    "redis-sentinel-streams",
    "redis-streams",
    "selenium-grid",
    "solace-event-queue",
    "solr",
    "splunk",
    "stan",
    "temporal",
];

/// Types that refuse `useCachedMetrics`.
pub const CACHE_REFUSING_TYPES: [&str; 3] = ["cpu", "memory", "cron"];

/// Types whose value is a number of shards: it does not fall when records are read.
const SHARD_COUNTING_TYPES: [&str; 2] = ["aws-dynamodb-streams", "aws-kinesis-stream"];

/// The fields of a trigger; `metricType` is known, but an error on a ScaledJob.
const FIELDS: [&str; 6] = ["type", "name", "metadata", "authenticationRef", "metricType", "useCachedMetrics"];

/// One trigger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// The scaler's name, such as `aws-sqs-queue`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A name of its own, unique within the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The scaler's parameters, all of them text.
    pub metadata: BTreeMap<String, String>,
    /// Where its credentials come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_ref: Option<AuthenticationRef>,
    /// How value and target become replicas; only a ScaledObject's trigger has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_type: Option<MetricType>,
    /// Whether the HPA reads the value of the last poll. Ignored on a ScaledJob, with a warning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub use_cached_metrics: bool,
}

/// The object that holds a trigger's credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuthenticationRef {
    /// Its name.
    pub name: String,
    /// `TriggerAuthentication`, the default, or `ClusterTriggerAuthentication`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl Trigger {
    /// Whether its value is a number of shards, so that it never falls by itself.
    #[must_use]
    pub fn counts_shards(&self) -> bool {
        SHARD_COUNTING_TYPES.contains(&self.kind.as_str())
    }

    /// Whether its metric is of the pods themselves, so that KEDA reads nothing.
    #[must_use]
    pub fn is_resource(&self) -> bool {
        RESOURCE_TRIGGERS.contains(&self.kind.as_str())
    }

    pub(super) fn read(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let kind = field.required("type", "a trigger names its type, such as aws-sqs-queue")?;
        known_type(&kind)?;
        let metadata = field.required("metadata", "a trigger has parameters")?.texts()?;
        field.note_unknown(&FIELDS, warnings)?;
        let use_cached_metrics = field.get("useCachedMetrics").map(|child| child.boolean()).transpose()?.unwrap_or(false);
        let metric_type = match field.get("metricType") {
            Some(child) if !child.text()?.is_empty() => MetricType::from_name(child.one_of(&MetricType::NAMES)?),
            _ => None,
        };
        Ok(Self {
            kind: kind.text()?.to_owned(),
            name: field.get("name").map(|child| child.text().map(str::to_owned)).transpose()?,
            metadata,
            authentication_ref: field.get("authenticationRef").map(|child| AuthenticationRef::read(&child, warnings)).transpose()?,
            metric_type,
            use_cached_metrics,
        })
    }
}

impl AuthenticationRef {
    fn read(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let name = field.required("name", "an authenticationRef names a TriggerAuthentication")?.text()?.to_owned();
        let kinds = ["TriggerAuthentication", "ClusterTriggerAuthentication"];
        let kind = field.get("kind").map(|kind| kind.one_of(&kinds).map(str::to_owned)).transpose()?;
        field.note_unknown(&["name", "kind"], warnings)?;
        Ok(Self { name, kind })
    }
}

fn known_type(field: &Field<'_>) -> Result<()> {
    let kind = field.text()?;
    if TRIGGER_TYPES.contains(&kind) {
        return Ok(());
    }
    let error = field.error(format!("no such trigger type; KEDA knows {}", TRIGGER_TYPES.join(", ")));
    Err(match nearest(kind, &TRIGGER_TYPES) {
        Some(name) => error.hint(format!("did you mean `{name}`?")),
        None => error.hint("this demo's trigger is `aws-sqs-queue`"),
    })
}

/// The rules of KEDA's admission webhook: at least one trigger, no cached metrics where they cannot be, unique names.
///
/// # Errors
/// `Input`, naming the trigger.
pub fn validate_triggers(triggers: &[Trigger]) -> Result<()> {
    let refuse = |what: String, why: String| Err(Error::new(Kind::Input, what, why));
    if triggers.is_empty() {
        return refuse("invalid spec.triggers `[]`".to_owned(), "at least one trigger is needed".to_owned());
    }
    for (index, trigger) in triggers.iter().enumerate() {
        if trigger.use_cached_metrics && CACHE_REFUSING_TYPES.contains(&trigger.kind.as_str()) {
            let what = format!("invalid spec.triggers[{index}].useCachedMetrics `true`");
            return refuse(what, format!("a `{}` trigger has no metrics to cache", trigger.kind));
        }
        let name = trigger.name.as_deref().unwrap_or_default();
        let same = triggers[..index].iter().position(|other| !name.is_empty() && other.name.as_deref() == Some(name));
        if let Some(first) = same {
            let what = format!("invalid spec.triggers[{index}].name `{name}`");
            return refuse(what, format!("names are unique, and spec.triggers[{first}] has this one"));
        }
    }
    Ok(())
}
