//! One policy on one role or user. It bears no tag of its own: it is ours when the role or user is.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_iam::types::Tag;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    super::error::{fault, is_absent},
    Shared, iam_value, soon,
};
use crate::core::{
    error::{Error, Result},
    managed::{Managed, not_ours},
    plan::{Difference, Observed, ResourceId},
    stack::STACK_TAG,
};

/// What has the policy, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    Role(String),
    User(String),
}

impl Holder {
    fn word(&self) -> &'static str {
        if matches!(self, Self::Role(_)) { "role" } else { "user" }
    }

    fn name(&self) -> &str {
        match self {
            Self::Role(name) | Self::User(name) => name,
        }
    }
}

/// One attachment.
pub(super) struct Attachment {
    pub(super) shared: Arc<Shared>,
    pub(super) policy: String,
    pub(super) holder: Holder,
}

impl Attachment {
    fn what(&self, verb: &str) -> String {
        format!("could not {verb} policy `{}` and {} `{}`", self.policy, self.holder.word(), self.holder.name())
    }

    async fn is_attached(&self) -> Result<bool> {
        let (iam, arn) = (&self.shared.iam, self.shared.policy_arn(&self.policy));
        let attached = match &self.holder {
            Holder::Role(name) => {
                let pages = iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
                seen(pages.collect::<std::result::Result<Vec<_>, _>>().await)
            }
            Holder::User(name) => {
                let pages = iam.list_attached_user_policies().user_name(name).into_paginator().items().send();
                seen(pages.collect::<std::result::Result<Vec<_>, _>>().await)
            }
        };
        let attached = attached.map_err(|error| Error { what: self.what("look at"), ..error })?;
        Ok(attached.iter().any(|policy| policy.policy_arn() == Some(arn.as_str())))
    }

    /// The tags of the role or user; `None` when there is none.
    async fn tags(&self) -> Result<Option<Vec<Tag>>> {
        let iam = &self.shared.iam;
        let found = match &self.holder {
            Holder::Role(name) => {
                let answer = iam.get_role().role_name(name).send().await;
                seen(answer.map(|answer| answer.role.map(|role| role.tags.unwrap_or_default())))
            }
            Holder::User(name) => {
                let answer = iam.get_user().user_name(name).send().await;
                seen(answer.map(|answer| answer.user.map(|user| user.tags.unwrap_or_default())))
            }
        };
        found.map_err(|error| Error { what: self.what("look at"), ..error })
    }
}

/// What IAM answered; nothing where the thing is not there.
fn seen<T: Default, E>(answer: std::result::Result<T, SdkError<E, HttpResponse>>) -> Result<T>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Ok(answer) => Ok(answer),
        Err(error) if is_absent(&error) => Ok(T::default()),
        Err(error) => Err(fault("", &error)),
    }
}

#[async_trait]
impl Managed for Attachment {
    fn id(&self) -> ResourceId {
        ResourceId::new("iam attachment", format!("{} to {}", self.policy, self.holder.name()))
    }

    fn replaces(&self) -> Vec<String> {
        let arn = self.shared.policy_arn(&self.policy);
        let (word, name) = (self.holder.word(), self.holder.name());
        vec![format!("aws iam attach-{word}-policy --{word}-name {name} --policy-arn {arn}")]
    }

    async fn look(&self) -> Result<Observed> {
        let Some(tags) = self.tags().await? else { return Ok(Observed::Absent) };
        if not_ours(&self.shared.settings.stack, iam_value(&tags, STACK_TAG)).is_some() {
            return Ok(Observed::Foreign { why: format!("the {} `{}` is not ours", self.holder.word(), self.holder.name()) });
        }
        Ok(if self.is_attached().await? { Observed::Ready } else { Observed::Absent })
    }

    async fn create(&self) -> Result<()> {
        let (iam, arn) = (&self.shared.iam, self.shared.policy_arn(&self.policy));
        let joined = match &self.holder {
            Holder::Role(name) => {
                iam.attach_role_policy().role_name(name).policy_arn(arn).send().await.map(drop).map_err(|e| fault("", &e))
            }
            Holder::User(name) => {
                iam.attach_user_policy().user_name(name).policy_arn(arn).send().await.map(drop).map_err(|e| fault("", &e))
            }
        };
        // Both were made a moment ago, and IAM is eventually consistent.
        joined.map_err(|error| soon(Error { what: self.what("join"), ..error }, &["NoSuchEntity"]))
    }

    async fn repair(&self, _differences: &[Difference]) -> Result<()> {
        self.create().await
    }

    async fn remove(&self) -> Result<()> {
        let (iam, arn) = (&self.shared.iam, self.shared.policy_arn(&self.policy));
        let parted = match &self.holder {
            Holder::Role(name) => {
                iam.detach_role_policy().role_name(name).policy_arn(arn).send().await.map(drop).map_err(|e| fault("", &e))
            }
            Holder::User(name) => {
                iam.detach_user_policy().user_name(name).policy_arn(arn).send().await.map(drop).map_err(|e| fault("", &e))
            }
        };
        parted.map_err(|error| Error { what: self.what("part"), ..error })
    }
}
