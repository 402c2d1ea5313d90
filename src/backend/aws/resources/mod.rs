//! What a stack needs in AWS, one file for each kind.

mod attachment;
mod cluster;
mod issuer;
mod oidc;
mod policy;
mod queue;
mod role;

use std::sync::Arc;

use aws_config::SdkConfig;

use crate::core::{
    error::{Error, Result},
    ports::Resource,
    settings::Settings,
    stack::STACK_TAG,
    template::Template,
};

use attachment::Attachment;
use cluster::Cluster;
pub use issuer::Issuer;
use oidc::OidcProvider;
use policy::ManagedPolicy;
use queue::{QueueKind, WorkQueue};
use role::Role;

/// What every resource of a stack works with.
struct Shared {
    sqs: aws_sdk_sqs::Client,
    iam: aws_sdk_iam::Client,
    eks: aws_sdk_eks::Client,
    settings: Settings,
    issuer: Issuer,
}

/// The AWS resources of the stack that `settings` describe, in the order in which they are made.
#[must_use]
pub fn resources(config: &SdkConfig, settings: &Settings, issuer: &Issuer) -> Vec<Box<dyn Resource>> {
    let shared = Arc::new(Shared {
        sqs: aws_sdk_sqs::Client::new(config),
        iam: aws_sdk_iam::Client::new(config),
        eks: aws_sdk_eks::Client::new(config),
        settings: settings.clone(),
        issuer: issuer.clone(),
    });
    let names = &settings.names;
    let policy = |name: &str, template, file| -> Box<dyn Resource> {
        Box::new(ManagedPolicy { shared: shared.clone(), name: name.to_owned(), template, file })
    };
    let role = |name: &str, template, file| -> Box<dyn Resource> {
        Box::new(Role { shared: shared.clone(), name: name.to_owned(), template, file })
    };
    let attach = |policy: &str, role: &str| -> Box<dyn Resource> {
        Box::new(Attachment { shared: shared.clone(), policy: policy.to_owned(), role: role.to_owned() })
    };
    vec![
        Box::new(Cluster { shared: shared.clone() }),
        Box::new(OidcProvider { shared: shared.clone() }),
        Box::new(WorkQueue { shared: shared.clone(), kind: QueueKind::DeadLetter }),
        Box::new(WorkQueue { shared: shared.clone(), kind: QueueKind::Work }),
        policy(&names.scaler_policy, Template::ScalerPolicy, "keda-operator-policy.json"),
        policy(&names.producer_policy, Template::ProducerPolicy, "sqs-producer-policy.json"),
        policy(&names.consumer_policy, Template::ConsumerPolicy, "sqs-consumer-policy.json"),
        role(&names.operator_role, Template::OperatorTrust, "keda-operator-trust-policy.json"),
        role(&names.workload_role, Template::WorkloadTrust, "trust-policy.json"),
        attach(&names.scaler_policy, &names.operator_role),
        attach(&names.producer_policy, &names.workload_role),
        attach(&names.consumer_policy, &names.workload_role),
    ]
}

impl Shared {
    /// The stack tag as IAM has it.
    fn iam_tag(&self) -> Result<aws_sdk_iam::types::Tag> {
        aws_sdk_iam::types::Tag::builder()
            .key(STACK_TAG)
            .value(self.settings.stack.as_str())
            .build()
            .map_err(|error| Error::failed("could not write a tag", error))
    }

    /// The stack tag as the AWS CLI has it for IAM.
    fn cli_tag(&self) -> String {
        format!("--tags Key={STACK_TAG},Value={}", self.settings.stack)
    }

    /// ARN of the policy called `name`.
    fn policy_arn(&self, name: &str) -> String {
        self.settings.place.iam_arn(&format!("policy/{name}"))
    }
}

/// The value of the stack tag among IAM's `tags`.
fn iam_stack(tags: &[aws_sdk_iam::types::Tag]) -> Option<&str> {
    tags.iter().find(|tag| tag.key() == STACK_TAG).map(aws_sdk_iam::types::Tag::value)
}

/// A document as IAM gives it: percent-encoded.
fn decoded(document: Option<&str>) -> String {
    percent_encoding::percent_decode_str(document.unwrap_or_default()).decode_utf8_lossy().into_owned()
}
