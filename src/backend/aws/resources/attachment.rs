//! One policy on one role. It bears no tag of its own: it is ours when the role is.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    super::error::{fault, is_absent},
    Shared, iam_stack,
};
use crate::core::{
    error::{Error, Kind, Result},
    managed::{Managed, not_ours},
    plan::{Difference, Observed, ResourceId},
};

/// One attachment.
pub(super) struct Attachment {
    pub(super) shared: Arc<Shared>,
    pub(super) policy: String,
    pub(super) role: String,
}

impl Attachment {
    fn what(&self, verb: &str) -> String {
        format!("could not {verb} policy `{}` and role `{}`", self.policy, self.role)
    }

    async fn is_attached(&self) -> Result<bool> {
        let arn = self.shared.policy_arn(&self.policy);
        let mut pages = self.shared.iam.list_attached_role_policies().role_name(&self.role).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            match policy {
                Ok(policy) if policy.policy_arn() == Some(arn.as_str()) => return Ok(true),
                Ok(_) => {}
                Err(error) if is_absent(&error) => return Ok(false),
                Err(error) => return Err(fault(self.what("look at"), &error)),
            }
        }
        Ok(false)
    }
}

#[async_trait]
impl Managed for Attachment {
    fn id(&self) -> ResourceId {
        ResourceId::new("iam attachment", format!("{} to {}", self.policy, self.role))
    }

    fn replaces(&self) -> Vec<String> {
        let arn = self.shared.policy_arn(&self.policy);
        vec![format!("aws iam attach-role-policy --role-name {} --policy-arn {arn}", self.role)]
    }

    async fn look(&self) -> Result<Observed> {
        let role = match self.shared.iam.get_role().role_name(&self.role).send().await {
            Ok(answer) => answer.role,
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        let Some(role) = role else { return Ok(Observed::Absent) };
        if not_ours(&self.shared.settings.stack, iam_stack(role.tags())).is_some() {
            return Ok(Observed::Foreign { why: format!("the role `{}` is not ours", self.role) });
        }
        Ok(if self.is_attached().await? { Observed::Ready } else { Observed::Absent })
    }

    async fn create(&self) -> Result<()> {
        let request = self.shared.iam.attach_role_policy().role_name(&self.role).policy_arn(self.shared.policy_arn(&self.policy));
        match request.send().await {
            Ok(_) => Ok(()),
            // Both were made a moment ago, and IAM is eventually consistent.
            Err(error) if is_absent(&error) => Err(Error { kind: Kind::Unavailable, ..fault(self.what("join"), &error) }),
            Err(error) => Err(fault(self.what("join"), &error)),
        }
    }

    async fn repair(&self, _differences: &[Difference]) -> Result<()> {
        self.create().await
    }

    async fn remove(&self) -> Result<()> {
        let request = self.shared.iam.detach_role_policy().role_name(&self.role).policy_arn(self.shared.policy_arn(&self.policy));
        request.send().await.map_err(|error| fault(self.what("part"), &error))?;
        Ok(())
    }
}
