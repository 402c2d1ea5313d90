//! An IAM user: who pods are where no cluster vouches for them. What hangs on it goes with it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    super::error::{fault, is_absent},
    Shared, iam_value, tags,
};
use crate::core::{
    error::Result,
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId},
    stack::{EXPIRES_TAG, STACK_TAG},
};

/// One user.
pub(super) struct User {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
}

impl User {
    fn what(&self, verb: &str) -> String {
        format!("could not {verb} user `{}`", self.name)
    }

    /// Takes off its keys and policies: it cannot be deleted otherwise.
    async fn strip(&self) -> Result<()> {
        let (iam, name) = (&self.shared.iam, &self.name);
        let mut pages = iam.list_access_keys().user_name(name).into_paginator().items().send();
        while let Some(key) = pages.next().await {
            let key = key.map_err(|error| fault(self.what("look at"), &error))?;
            let request = iam.delete_access_key().user_name(name).access_key_id(key.access_key_id().unwrap_or_default());
            request.send().await.map_err(|error| fault(self.what("delete a key of"), &error))?;
        }
        let mut pages = iam.list_attached_user_policies().user_name(name).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(|error| fault(self.what("look at"), &error))?;
            let request = iam.detach_user_policy().user_name(name).policy_arn(policy.policy_arn().unwrap_or_default());
            request.send().await.map_err(|error| fault(self.what("detach a policy from"), &error))?;
        }
        let mut pages = iam.list_user_policies().user_name(name).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(|error| fault(self.what("look at"), &error))?;
            let request = iam.delete_user_policy().user_name(name).policy_name(policy);
            request.send().await.map_err(|error| fault(self.what("delete an inline policy of"), &error))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Managed for User {
    fn id(&self) -> ResourceId {
        ResourceId::new("iam user", self.name.clone())
    }

    fn replaces(&self) -> Vec<String> {
        vec![format!("aws iam create-user --user-name {} {}", self.name, self.shared.cli_tag())]
    }

    async fn look(&self) -> Result<Observed> {
        let user = match self.shared.iam.get_user().user_name(&self.name).send().await {
            Ok(answer) => answer.user,
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        let Some(user) = user else { return Ok(Observed::Absent) };
        let foreign = not_ours(&self.shared.settings.stack, iam_value(user.tags(), STACK_TAG));
        Ok(foreign.unwrap_or_else(|| drifted(tags::differences(&self.shared.settings, |key| iam_value(user.tags(), key)))))
    }

    async fn create(&self) -> Result<()> {
        let request = self.shared.iam.create_user().user_name(&self.name).set_tags(Some(self.shared.iam_tags()?));
        request.send().await.map_err(|error| fault(self.what("create"), &error))?;
        Ok(())
    }

    async fn repair(&self, differences: &[Difference]) -> Result<()> {
        let (iam, name) = (&self.shared.iam, &self.name);
        match tags::change(differences) {
            tags::Change::Set => {
                let request = iam.tag_user().user_name(name).set_tags(Some(self.shared.iam_tags()?));
                request.send().await.map(drop).map_err(|error| fault(self.what("tag"), &error))
            }
            tags::Change::Unset => {
                let request = iam.untag_user().user_name(name).tag_keys(EXPIRES_TAG);
                request.send().await.map(drop).map_err(|error| fault(self.what("untag"), &error))
            }
            tags::Change::Keep => Ok(()),
        }
    }

    async fn remove(&self) -> Result<()> {
        self.strip().await?;
        let request = self.shared.iam.delete_user().user_name(&self.name);
        request.send().await.map_err(|error| fault(self.what("delete"), &error))?;
        Ok(())
    }
}
