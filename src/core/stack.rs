//! A stack's name, and every other name, ARN, tag and label that follows from it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::{Error, Result};

/// The stack that commands use when none is named; its objects bear the article's own names.
pub const DEFAULT_STACK: &str = "demo";
/// Tag key on every AWS object, and label key's counterpart on every Kubernetes object.
pub const STACK_TAG: &str = "kedactl:stack";
/// The tag that says when an object's stack expires: RFC 3339, UTC.
pub const EXPIRES_TAG: &str = "kedactl:expires-at";
/// Label that every Kubernetes object of a stack carries.
pub const STACK_LABEL: &str = "kedactl.dev/stack";
/// Annotation that says when an object's stack expires: RFC 3339, UTC.
pub const EXPIRES_ANNOTATION: &str = "kedactl.dev/expires-at";
/// Label that says who manages a Kubernetes object.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY_LABEL`].
pub const MANAGED_BY: &str = "kedactl";
/// The audience of every web identity token for AWS.
pub const AUDIENCE: &str = "sts.amazonaws.com";
/// KEDA's namespace, as its chart names it.
pub const KEDA_NAMESPACE: &str = "keda";
/// The CloudWatch metric of a stack, in the namespace [`Names::metric_namespace`].
pub const BACKLOG_METRIC: &str = "Backlog";
/// The one dimension of [`BACKLOG_METRIC`]; its value is the stack's name.
pub const BACKLOG_DIMENSION: &str = "Stack";
/// The partition key of a stack's table, a string.
pub const TABLE_KEY: &str = "pk";
/// The sort key of a stack's table, a string.
pub const TABLE_SORT_KEY: &str = "sk";
/// The partition of a stack's table whose items count: a query has one.
pub const TABLE_PARTITION: &str = "pending";
/// The service account KEDA's operator runs as.
pub const KEDA_SERVICE_ACCOUNT: &str = "keda-operator";

/// A stack's name: 1 to 32 lower-case letters, digits and inner hyphens, starting with a letter.
///
/// The limit leaves room for the longest derived name within IAM's 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(String);

impl StackName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the stack of the article's own names.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.0 == DEFAULT_STACK
    }

    /// `base` for the default stack, `<stack>-<base>` for any other.
    #[must_use]
    pub fn derive(&self, base: &str) -> String {
        if self.is_default() { base.to_owned() } else { format!("{}-{base}", self.0) }
    }
}

impl Default for StackName {
    fn default() -> Self {
        Self(DEFAULT_STACK.to_owned())
    }
}

impl FromStr for StackName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let valid =
            text.len() <= 32 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(inner) && !text.ends_with('-');
        if valid {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::input(
            "stack name",
            text,
            "1 to 32 lower-case letters, digits and hyphens, starting with a letter and not ending in a hyphen",
        )
        .hint("choose another name, such as `--stack demo`"))
    }
}

impl TryFrom<String> for StackName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<StackName> for String {
    fn from(name: StackName) -> Self {
        name.0
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a stack lives in AWS: partition, region, account; enough to write every ARN and URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// For example `us-east-1`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

impl Place {
    /// The place of `account` in `region`, with the partition that the region belongs to.
    #[must_use]
    pub fn new(region: &str, account: &str) -> Self {
        let partition = match region {
            r if r.starts_with("cn-") => "aws-cn",
            r if r.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        Self { partition: partition.into(), region: region.into(), account: account.into() }
    }

    /// The DNS suffix of the partition's endpoints.
    #[must_use]
    pub fn dns_suffix(&self) -> &'static str {
        if self.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" }
    }

    /// ARN of an IAM object, for example `iam_arn("role/keda-operator")`.
    #[must_use]
    pub fn iam_arn(&self, path: &str) -> String {
        format!("arn:{}:iam::{}:{path}", self.partition, self.account)
    }

    /// ARN of the queue called `name`.
    #[must_use]
    pub fn queue_arn(&self, name: &str) -> String {
        format!("arn:{}:sqs:{}:{}:{name}", self.partition, self.region, self.account)
    }

    /// URL of the queue called `name`, as SQS itself makes it.
    #[must_use]
    pub fn queue_url(&self, name: &str) -> String {
        format!("https://sqs.{}.{}/{}/{name}", self.region, self.dns_suffix(), self.account)
    }

    /// ARN of the Kinesis stream called `name`.
    #[must_use]
    pub fn stream_arn(&self, name: &str) -> String {
        format!("arn:{}:kinesis:{}:{}:stream/{name}", self.partition, self.region, self.account)
    }

    /// ARN of the DynamoDB table called `name`.
    #[must_use]
    pub fn table_arn(&self, name: &str) -> String {
        format!("arn:{}:dynamodb:{}:{}:table/{name}", self.partition, self.region, self.account)
    }

    /// ARN of the EKS cluster called `name`.
    #[must_use]
    pub fn cluster_arn(&self, name: &str) -> String {
        format!("arn:{}:eks:{}:{}:cluster/{name}", self.partition, self.region, self.account)
    }

    /// The OIDC issuer that the embedded EKS gives to cluster `name`, with `https://`.
    ///
    /// A real cluster's issuer is read from `DescribeCluster`; the embedded one derives it, so that
    /// a plan can name it before the cluster exists.
    #[must_use]
    pub fn embedded_issuer(&self, name: &str) -> String {
        let digest = Sha256::digest(self.cluster_arn(name).as_bytes());
        let half = u128::from_be_bytes(std::array::from_fn(|index| digest[index]));
        format!("https://oidc.eks.{}.{}/id/{half:032X}", self.region, self.dns_suffix())
    }
}

/// Every name of a stack's objects; nothing here is random or remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// The stack these names belong to.
    pub stack: StackName,
    /// Kubernetes namespace of the workload.
    pub namespace: String,
    /// Kubernetes namespace of KEDA.
    pub keda_namespace: String,
    /// EKS cluster.
    pub cluster: String,
    /// The work queue.
    pub queue: String,
    /// Its dead-letter queue.
    pub dead_letter_queue: String,
    /// Role that KEDA's operator (or the in-process scaler) uses.
    pub operator_role: String,
    /// Role of the producer's and consumer's service account.
    pub workload_role: String,
    /// Policy: read what the trigger watches.
    pub scaler_policy: String,
    /// Policy: send.
    pub producer_policy: String,
    /// Policy: receive, extend, delete.
    pub consumer_policy: String,
    /// The workload's service account.
    pub service_account: String,
    /// KEDA's TriggerAuthentication.
    pub trigger_auth: String,
    /// KEDA's ScaledJob.
    pub scaled_job: String,
    /// KEDA's ScaledObject.
    pub scaled_object: String,
    /// The Deployment that the ScaledObject scales.
    pub deployment: String,
    /// Secret of the scaler's keys `awsAccessKeyID` and `awsSecretAccessKey`, where [`super::settings::Auth::Secret`] is
    /// used: in the workload's namespace, or in KEDA's for a `ClusterTriggerAuthentication`.
    pub scaler_secret: String,
    /// Secret of the pods' keys `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, likewise; in the workload's namespace.
    pub workload_secret: String,
    /// `ConfigMap` of the consumer's script.
    pub consumer_script: String,
    /// The result analyzer's Deployment.
    pub analyzer: String,
    /// The result analyzer's Service.
    pub analyzer_service: String,
    /// What the names of the producer's Jobs begin with, before a hyphen.
    pub producer: String,
    /// The Kinesis stream, where that is the trigger's source.
    pub stream: String,
    /// The DynamoDB table, where it or its stream is the trigger's source.
    pub table: String,
    /// The namespace of the CloudWatch metric [`BACKLOG_METRIC`], where that is the trigger's source.
    pub metric_namespace: String,
}

impl Names {
    /// The names of `stack`'s objects around the queue called `queue` (before the stack's prefix).
    #[must_use]
    pub fn new(stack: &StackName, namespace: &str, keda_namespace: &str, cluster: &str, queue: &str) -> Self {
        let queue = stack.derive(queue);
        let dead_letter_queue = match queue.strip_suffix(".fifo") {
            Some(stem) => format!("{stem}-dlq.fifo"),
            None => format!("{queue}-dlq"),
        };
        Self {
            stack: stack.clone(),
            namespace: namespace.to_owned(),
            keda_namespace: keda_namespace.to_owned(),
            cluster: cluster.to_owned(),
            dead_letter_queue,
            queue,
            operator_role: stack.derive("keda-operator"),
            workload_role: stack.derive("video-workload"),
            scaler_policy: stack.derive("keda-scaler"),
            producer_policy: stack.derive("sqs-producer"),
            consumer_policy: stack.derive("sqs-consumer"),
            service_account: stack.derive("aws-sqs"),
            trigger_auth: stack.derive("keda-trigger-auth-aws-credentials"),
            scaled_job: stack.derive("video-processor"),
            scaled_object: stack.derive("video-processor"),
            deployment: stack.derive("video-processor"),
            scaler_secret: stack.derive("keda-trigger-auth-aws-credentials"),
            workload_secret: stack.derive("aws-sqs-credentials"),
            consumer_script: stack.derive("sqs-consumer"),
            analyzer: stack.derive("result-analyzer"),
            analyzer_service: stack.derive("result-analyzer-service"),
            producer: stack.derive("sqs-producer"),
            stream: stack.derive("test-stream"),
            table: stack.derive("test-table"),
            metric_namespace: format!("kedactl/{stack}"),
        }
    }
}

/// Whether the queue called `name` is a FIFO queue: SQS tells by the ending.
#[must_use]
pub fn is_fifo(name: &str) -> bool {
    name.strip_suffix(".fifo").is_some()
}

/// The subject of a service account's token: `system:serviceaccount:<namespace>:<name>`.
#[must_use]
pub fn subject(namespace: &str, service_account: &str) -> String {
    format!("system:serviceaccount:{namespace}:{service_account}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_stack_bears_the_articles_names() {
        let names = Names::new(&StackName::default(), "default", "keda", "demo", "test-queue");
        assert_eq!(names.queue, "test-queue");
        assert_eq!(names.operator_role, "keda-operator");
        assert_eq!(names.service_account, "aws-sqs");
        assert_eq!(names.scaled_job, "video-processor");
    }

    #[test]
    fn another_stack_prefixes_every_name() {
        let stack: StackName = "orders".parse().expect("valid");
        let names = Names::new(&stack, "default", "keda", "demo", "jobs.fifo");
        assert_eq!(names.queue, "orders-jobs.fifo");
        assert_eq!(names.dead_letter_queue, "orders-jobs-dlq.fifo");
        assert_eq!(names.workload_role, "orders-video-workload");
    }

    #[test]
    fn illegal_stack_names_are_refused() {
        for bad in ["", "-a", "a-", "A", "ünder", "a b", &"a".repeat(33)] {
            let error = bad.parse::<StackName>().expect_err(bad);
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("stack name"));
        }
    }

    #[test]
    fn china_and_govcloud_have_their_own_partition() {
        assert_eq!(Place::new("cn-north-1", "1").queue_url("q"), "https://sqs.cn-north-1.amazonaws.com.cn/1/q");
        assert_eq!(Place::new("us-gov-west-1", "1").queue_arn("q"), "arn:aws-us-gov:sqs:us-gov-west-1:1:q");
    }
}
