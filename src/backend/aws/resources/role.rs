//! An IAM role: who may become it is what a template says, or whoever needs it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    super::error::{fault, is_absent},
    Shared, Wording, decoded, iam_value, soon, tags,
};
use crate::core::{
    drift::document_differences,
    error::{Kind, Result},
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId},
    settings::Auth,
    stack::{EXPIRES_TAG, STACK_TAG},
    template::Facts,
};

/// What IAM says of a trust policy whose principal was made a moment ago.
const NEW_PRINCIPAL: &[&str] = &["MalformedPolicyDocument"];

/// One role.
pub(super) struct Role {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    /// `/` where it has none.
    pub(super) path: String,
    pub(super) wording: Wording,
    pub(super) file: &'static str,
}

impl Role {
    fn what(&self, verb: &str) -> String {
        format!("could not {verb} role `{}`", self.name)
    }

    async fn trust(&self) -> Result<String> {
        let template = match &self.wording {
            Wording::Written(text) => return Ok(text.clone()),
            Wording::Template(template) => template,
        };
        let issuer = if self.shared.settings.auth == Auth::Irsa { self.shared.issuer.url().await? } else { String::new() };
        template.render(&Facts::new(&self.shared.settings, &issuer))
    }

    async fn retag(&self, differences: &[Difference]) -> Result<()> {
        let (iam, name) = (&self.shared.iam, &self.name);
        match tags::change(differences) {
            tags::Change::Set => {
                let request = iam.tag_role().role_name(name).set_tags(Some(self.shared.iam_tags()?));
                request.send().await.map(drop).map_err(|error| fault(self.what("tag"), &error))
            }
            tags::Change::Unset => {
                let request = iam.untag_role().role_name(name).tag_keys(EXPIRES_TAG);
                request.send().await.map(drop).map_err(|error| fault(self.what("untag"), &error))
            }
            tags::Change::Keep => Ok(()),
        }
    }

    /// Takes off whatever else was put on our role: it cannot be deleted otherwise.
    async fn strip(&self) -> Result<()> {
        let (iam, name) = (&self.shared.iam, &self.name);
        let mut pages = iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(|error| fault(self.what("look at"), &error))?;
            let request = iam.detach_role_policy().role_name(name).policy_arn(policy.policy_arn().unwrap_or_default());
            request.send().await.map_err(|error| fault(self.what("detach a policy from"), &error))?;
        }
        let mut pages = iam.list_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(|error| fault(self.what("look at"), &error))?;
            let request = iam.delete_role_policy().role_name(name).policy_name(policy);
            request.send().await.map_err(|error| fault(self.what("delete an inline policy of"), &error))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Managed for Role {
    fn id(&self) -> ResourceId {
        ResourceId::new("iam role", self.name.clone())
    }

    fn replaces(&self) -> Vec<String> {
        let (name, file, tag) = (&self.name, self.file, self.shared.cli_tag());
        let path = if self.path == "/" { String::new() } else { format!(" --path {}", self.path) };
        vec![format!("aws iam create-role --role-name {name}{path} --assume-role-policy-document file://{file} {tag}")]
    }

    async fn look(&self) -> Result<Observed> {
        let role = match self.shared.iam.get_role().role_name(&self.name).send().await {
            Ok(answer) => answer.role,
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        let Some(role) = role else { return Ok(Observed::Absent) };
        if let Some(foreign) = not_ours(&self.shared.settings.stack, iam_value(role.tags(), STACK_TAG)) {
            return Ok(foreign);
        }
        let actual = decoded(role.assume_role_policy_document());
        let mut differences = match self.trust().await {
            Ok(wanted) => document_differences(&wanted, &actual),
            // Whom it should trust went with the cluster: it can still be removed.
            Err(error) if error.kind == Kind::Input || error.kind == Kind::NotFound => {
                vec![Difference { field: "trust policy".into(), actual: "set".into(), wanted: format!("unknown: {error}") }]
            }
            Err(error) => return Err(error),
        };
        differences.extend(tags::differences(&self.shared.settings, |key| iam_value(role.tags(), key)));
        Ok(drifted(differences))
    }

    async fn create(&self) -> Result<()> {
        let request = self.shared.iam.create_role().role_name(&self.name).path(&self.path);
        let request = request.assume_role_policy_document(self.trust().await?).set_tags(Some(self.shared.iam_tags()?));
        request.send().await.map_err(|error| soon(fault(self.what("create"), &error), NEW_PRINCIPAL))?;
        Ok(())
    }

    async fn repair(&self, differences: &[Difference]) -> Result<()> {
        self.retag(differences).await?;
        if !tags::is_more(differences) {
            return Ok(());
        }
        let request = self.shared.iam.update_assume_role_policy().role_name(&self.name);
        let request = request.policy_document(self.trust().await?);
        request.send().await.map_err(|error| soon(fault(self.what("update"), &error), NEW_PRINCIPAL))?;
        Ok(())
    }

    async fn remove(&self) -> Result<()> {
        self.strip().await?;
        let request = self.shared.iam.delete_role().role_name(&self.name);
        request.send().await.map_err(|error| fault(self.what("delete"), &error))?;
        Ok(())
    }
}
