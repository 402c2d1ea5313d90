//! Which parameter of a trigger's metadata says how much one job is wanted for, by type.

use crate::core::keda::manifest::Trigger;

/// What a trigger's value is measured by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// What one job is wanted for.
    pub value: f64,
    /// The trigger is active above this.
    pub activation: f64,
}

/// Types, the parameters of their target in the order in which they are looked for, and the target where none is given.
const PARAMETERS: [(&str, &[&str], Option<f64>); 60] = [
    ("activemq", &["targetQueueSize"], Some(10.0)),
    ("apache-kafka", &["lagThreshold"], Some(10.0)),
    ("arangodb", &["queryValue"], None),
    ("artemis-queue", &["queueLength"], Some(10.0)),
    ("aws-cloudwatch", &["targetMetricValue"], None),
    ("aws-dynamodb", &["targetValue"], None),
    ("aws-dynamodb-streams", &["shardCount"], Some(2.0)),
    ("aws-kinesis-stream", &["shardCount"], Some(2.0)),
    ("aws-sqs-queue", &["queueLength"], Some(5.0)),
    ("azure-app-insights", &["targetValue"], None),
    ("azure-blob", &["blobCount"], Some(5.0)),
    ("azure-data-explorer", &["threshold"], None),
    ("azure-eventhub", &["unprocessedEventThreshold"], Some(64.0)),
    ("azure-log-analytics", &["threshold"], None),
    ("azure-monitor", &["targetValue"], None),
    ("azure-pipelines", &["targetPipelinesQueueLength"], Some(1.0)),
    ("azure-queue", &["queueLength"], Some(5.0)),
    ("azure-servicebus", &["messageCount"], Some(5.0)),
    ("beanstalkd", &["value"], None),
    ("cassandra", &["targetQueryValue"], None),
    ("couchdb", &["queryValue"], None),
    ("cpu", &["value"], None),
    ("cron", &[], Some(1.0)),
    ("datadog", &["queryValue", "targetValue"], None),
    ("dynatrace", &["threshold"], None),
    ("elasticsearch", &["targetValue"], None),
    ("etcd", &["value"], None),
    ("gcp-cloudtasks", &["value"], Some(100.0)),
    ("gcp-pubsub", &["value", "subscriptionSize"], Some(10.0)),
    ("gcp-stackdriver", &["targetValue"], Some(5.0)),
    ("gcp-storage", &["targetObjectCount"], Some(100.0)),
    ("github-runner", &["targetWorkflowQueueLength"], Some(1.0)),
    ("graphite", &["threshold"], None),
    ("huawei-cloudeye", &["targetMetricValue"], None),
    ("ibmmq", &["queueDepth"], Some(20.0)),
    ("influxdb", &["thresholdValue"], None),
    ("kafka", &["lagThreshold"], Some(10.0)),
    ("kubernetes-workload", &["value"], None),
    ("liiklus", &["lagThreshold"], Some(10.0)),
    ("loki", &["threshold"], None),
    ("memory", &["value"], None),
    ("metrics-api", &["targetValue"], None),
    ("mongodb", &["queryValue"], None),
    ("mssql", &["targetValue"], None),
    ("mysql", &["queryValue"], None),
    ("nats-jetstream", &["lagThreshold"], Some(10.0)),
    ("new-relic", &["threshold"], None),
    ("nsq", &["depthThreshold"], Some(10.0)),
    ("postgresql", &["targetQueryValue"], None),
    ("predictkube", &["threshold"], None),
    ("prometheus", &["threshold"], None),
    ("pulsar", &["msgBacklogThreshold", "msgBacklog"], Some(10.0)),
    ("rabbitmq", &["value", "queueLength"], None),
    ("redis", &["listLength"], Some(5.0)),
    ("redis-cluster", &["listLength"], Some(5.0)),
    ("redis-sentinel", &["listLength"], Some(5.0)),
    ("redis-streams", &["pendingEntriesCount", "streamLength", "lagCount"], Some(5.0)),
    ("solr", &["targetQueryValue"], None),
    ("stan", &["lagThreshold"], Some(10.0)),
    ("temporal", &["targetQueueSize"], Some(5.0)),
];

/// The target that `trigger`'s metadata tells, if its type's parameter is known here.
#[must_use]
pub fn target_of(trigger: &Trigger) -> Option<Target> {
    let (_, names, default) = PARAMETERS.iter().find(|(kind, ..)| *kind == trigger.kind)?;
    let number = |name: &str| trigger.metadata.get(name)?.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let given = names.iter().find_map(|name| Some((*name, number(name)?)));
    let (name, value) = given.or_else(|| default.map(|value| (names.first().copied().unwrap_or_default(), value)))?;
    Some(Target { value, activation: number(&activation(name)).unwrap_or(0.0) })
}

/// `activationLagThreshold` beside `lagThreshold`.
fn activation(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    format!("activation{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::keda::{manifest::TRIGGER_TYPES, number::short};

    fn trigger(kind: &str, pairs: &[(&str, &str)]) -> Trigger {
        let metadata = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Trigger { kind: kind.to_owned(), metadata, ..Trigger::default() }
    }

    #[test]
    fn the_targets_of_types_come_from_their_own_parameters() {
        let kafka = target_of(&trigger("kafka", &[("lagThreshold", "50"), ("activationLagThreshold", "5")])).expect("known");
        assert_eq!([kafka.value, kafka.activation].map(short), ["50", "5"]);
        assert_eq!(short(target_of(&trigger("redis", &[])).expect("a default").value), "5");
        assert_eq!(target_of(&trigger("prometheus", &[])), None);
        assert_eq!(short(target_of(&trigger("redis-streams", &[("lagCount", "7")])).expect("known").value), "7");
    }

    #[test]
    fn each_type_is_one_that_keda_knows_and_there_once() {
        assert!(PARAMETERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(PARAMETERS.iter().all(|(kind, ..)| TRIGGER_TYPES.contains(kind)));
    }
}
