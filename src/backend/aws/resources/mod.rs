//! What a stack needs in AWS, one file for each kind.

mod access_key;
mod association;
mod attachment;
mod cluster;
mod issuer;
mod oidc;
mod pending;
mod policy;
mod queue;
mod role;
mod stream;
mod table;
mod tags;
mod trial;
mod user;

use std::sync::Arc;

use aws_config::SdkConfig;

use crate::core::{
    error::{Error, Kind, Result},
    ports::{Objects, Resource},
    settings::{Auth, Settings, Target},
    source::Source,
    stack::{KEDA_SERVICE_ACCOUNT, STACK_TAG},
    template::Template,
};

use access_key::AccessKey;
use association::Association;
use attachment::{Attachment, Holder};
use cluster::Cluster;
pub use issuer::{Discover, Issuer, no_issuer};
use oidc::OidcProvider;
use policy::ManagedPolicy;
use queue::{QueueKind, WorkQueue};
use role::Role;
use stream::Stream;
use table::Table;
pub use trial::trial;
use user::User;

/// What every resource of a stack works with.
struct Shared {
    sqs: aws_sdk_sqs::Client,
    iam: aws_sdk_iam::Client,
    eks: aws_sdk_eks::Client,
    kinesis: aws_sdk_kinesis::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    settings: Settings,
    issuer: Issuer,
}

/// Where the text of a policy or of a trust comes from.
enum Wording {
    /// A template, filled in with the stack's facts.
    Template(Template),
    /// Whoever needs it wrote it: JSON.
    Written(String),
}

/// Where the Secrets of long-term keys are: the namespaces of those who read them.
#[derive(Clone)]
pub struct Secrets {
    /// Beside KEDA's TriggerAuthentication, or in KEDA's own namespace for a `ClusterTriggerAuthentication`.
    pub scaler: Arc<dyn Objects>,
    /// The workload's namespace.
    pub workload: Arc<dyn Objects>,
}

/// The AWS resources of the stack that `settings` describe, in the order in which they are made; [`keys`] follow when the
/// namespaces of their Secrets are there.
#[must_use]
pub fn resources(config: &SdkConfig, settings: &Settings, issuer: &Issuer) -> Vec<Box<dyn Resource>> {
    let shared = Arc::new(Shared::new(config, settings, issuer));
    let mut all: Vec<Box<dyn Resource>> = Vec::new();
    // A cluster that somebody else made is neither made nor deleted.
    if settings.target == Target::Local {
        all.push(Box::new(Cluster { shared: shared.clone() }));
    }
    if settings.auth == Auth::Irsa {
        all.push(Box::new(OidcProvider { shared: shared.clone() }));
    }
    for kind in [QueueKind::DeadLetter, QueueKind::Work] {
        all.push(Box::new(WorkQueue { shared: shared.clone(), kind }));
    }
    all.extend(settings.source().map(|source| source_of(shared.clone(), source)));
    let names = &settings.names;
    for (name, template, file) in [
        (&names.scaler_policy, Template::ScalerPolicy, "keda-operator-policy.json"),
        (&names.producer_policy, Template::ProducerPolicy, "sqs-producer-policy.json"),
        (&names.consumer_policy, Template::ConsumerPolicy, "sqs-consumer-policy.json"),
    ] {
        all.push(Box::new(ManagedPolicy { shared: shared.clone(), name: name.clone(), wording: Wording::Template(template), file }));
    }
    all.extend(if settings.auth == Auth::Secret { users(&shared) } else { roles(&shared) });
    all
}

/// What `source` is in AWS, as an object of the stack that `settings` describe.
#[must_use]
pub fn source(config: &SdkConfig, settings: &Settings, issuer: &Issuer, source: &Source) -> Box<dyn Resource> {
    source_of(Arc::new(Shared::new(config, settings, issuer)), source.clone())
}

fn source_of(shared: Arc<Shared>, source: Source) -> Box<dyn Resource> {
    match source {
        Source::Queue { name } => Box::new(WorkQueue { shared, kind: QueueKind::Source(name) }),
        Source::Stream { name, shards } => Box::new(Stream { shared, name, shards }),
        Source::Table { name, shape } => Box::new(Table { shared, name, shape }),
    }
}

/// The two roles, and where pods get them by association, the associations.
fn roles(shared: &Arc<Shared>) -> Vec<Box<dyn Resource>> {
    let names = &shared.settings.names;
    let role = |name: &str, template, file| -> Box<dyn Resource> {
        let (path, wording) = ("/".to_owned(), Wording::Template(template));
        Box::new(Role { shared: shared.clone(), name: name.to_owned(), path, wording, file })
    };
    let mut all = vec![
        role(&names.operator_role, Template::OperatorTrust, "keda-operator-trust-policy.json"),
        role(&names.workload_role, Template::WorkloadTrust, "trust-policy.json"),
    ];
    all.extend(attachments(shared, Holder::Role));
    if shared.settings.auth == Auth::PodIdentity {
        let associations = [
            (names.keda_namespace.as_str(), KEDA_SERVICE_ACCOUNT, &names.operator_role),
            (&names.namespace, &names.service_account, &names.workload_role),
        ];
        for (namespace, service_account, role) in associations {
            let (namespace, service_account) = (namespace.to_owned(), service_account.to_owned());
            all.push(Box::new(Association { shared: shared.clone(), namespace, service_account, role: role.clone() }));
        }
    }
    all
}

/// The two users. They are called as the roles are elsewhere.
fn users(shared: &Arc<Shared>) -> Vec<Box<dyn Resource>> {
    let names = &shared.settings.names;
    let user = |name: &String| -> Box<dyn Resource> { Box::new(User { shared: shared.clone(), name: name.clone() }) };
    let mut all = vec![user(&names.operator_role), user(&names.workload_role)];
    all.extend(attachments(shared, Holder::User));
    all
}

/// A key of each user, in a Secret of the cluster; none where there are roles.
#[must_use]
pub fn keys(config: &SdkConfig, settings: &Settings, issuer: &Issuer, secrets: &Secrets) -> Vec<Box<dyn Resource>> {
    if settings.auth != Auth::Secret {
        return Vec::new();
    }
    let shared = Arc::new(Shared::new(config, settings, issuer));
    let names = &settings.names;
    vec![
        Box::new(AccessKey {
            shared: shared.clone(),
            user: names.operator_role.clone(),
            template: Template::ScalerSecret,
            fields: ["awsAccessKeyID", "awsSecretAccessKey"],
            objects: secrets.scaler.clone(),
            secret: names.scaler_secret.clone(),
        }),
        Box::new(AccessKey {
            shared,
            user: names.workload_role.clone(),
            template: Template::WorkloadSecret,
            fields: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
            objects: secrets.workload.clone(),
            secret: names.workload_secret.clone(),
        }),
    ]
}

fn attachments(shared: &Arc<Shared>, holder: fn(String) -> Holder) -> Vec<Box<dyn Resource>> {
    let names = &shared.settings.names;
    let pairs = [
        (&names.scaler_policy, &names.operator_role),
        (&names.producer_policy, &names.workload_role),
        (&names.consumer_policy, &names.workload_role),
    ];
    let attach = |(policy, name): (&String, &String)| -> Box<dyn Resource> {
        Box::new(Attachment { shared: shared.clone(), policy: policy.clone(), holder: holder(name.clone()) })
    };
    pairs.into_iter().map(attach).collect()
}

impl Shared {
    fn new(config: &SdkConfig, settings: &Settings, issuer: &Issuer) -> Self {
        Self {
            sqs: aws_sdk_sqs::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            eks: aws_sdk_eks::Client::new(config),
            kinesis: aws_sdk_kinesis::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            settings: settings.clone(),
            issuer: issuer.clone(),
        }
    }

    /// The stack tag alone, as IAM has it: what stacks share does not expire with one of them.
    fn iam_tag(&self) -> Result<aws_sdk_iam::types::Tag> {
        iam_tag(STACK_TAG, self.settings.stack.as_str())
    }

    /// The stack's tags as IAM has them.
    fn iam_tags(&self) -> Result<Vec<aws_sdk_iam::types::Tag>> {
        tags::wanted(&self.settings).iter().map(|(key, value)| iam_tag(key, value)).collect()
    }

    /// The stack's tags as the AWS CLI has them for IAM.
    fn cli_tag(&self) -> String {
        let tags: Vec<String> = tags::wanted(&self.settings).iter().map(|(key, value)| format!("Key={key},Value={value}")).collect();
        format!("--tags {}", tags.join(" "))
    }

    /// ARN of the policy called `name`.
    fn policy_arn(&self, name: &str) -> String {
        self.settings.place.iam_arn(&format!("policy/{name}"))
    }
}

fn iam_tag(key: &str, value: &str) -> Result<aws_sdk_iam::types::Tag> {
    let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value).build();
    tag.map_err(|error| Error::failed("could not write a tag", error))
}

/// The value of the tag called `key` among IAM's `tags`.
fn iam_value<'a>(tags: &'a [aws_sdk_iam::types::Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key() == key).map(aws_sdk_iam::types::Tag::value)
}

/// `error`, as one that passes when it has one of `codes`: IAM is eventually consistent, and what these codes complain of
/// was made a moment ago.
fn soon(error: Error, codes: &[&str]) -> Error {
    let passes = error.code.as_deref().is_some_and(|code| codes.contains(&code));
    if passes { Error { kind: Kind::Unavailable, ..error } } else { error }
}

/// A document as IAM gives it: percent-encoded.
fn decoded(document: Option<&str>) -> String {
    percent_encoding::percent_decode_str(document.unwrap_or_default()).decode_utf8_lossy().into_owned()
}
