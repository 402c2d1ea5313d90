//! A customer-managed IAM policy: its default version is what a template says, or whoever needs it.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_iam::types::PolicyVersion;

use super::{
    super::error::{fault, is_absent},
    Shared, Wording, decoded, iam_value, tags,
};
use crate::core::{
    drift::document_differences,
    error::Result,
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId},
    stack::{EXPIRES_TAG, STACK_TAG},
    template::Facts,
};

/// IAM keeps at most this many versions of a policy.
const MOST_VERSIONS: usize = 5;

/// One policy.
pub(super) struct ManagedPolicy {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    pub(super) wording: Wording,
    pub(super) file: &'static str,
}

impl ManagedPolicy {
    fn arn(&self) -> String {
        self.shared.policy_arn(&self.name)
    }

    fn what(&self, verb: &str) -> String {
        format!("could not {verb} policy `{}`", self.name)
    }

    fn document(&self) -> Result<String> {
        match &self.wording {
            Wording::Written(text) => Ok(text.clone()),
            Wording::Template(template) => template.render(&Facts::new(&self.shared.settings, self.shared.issuer.known())),
        }
    }

    /// Versions other than the default, the oldest first.
    async fn spare_versions(&self) -> Result<Vec<PolicyVersion>> {
        let answer = self.shared.iam.list_policy_versions().policy_arn(self.arn()).send().await;
        let mut versions = answer.map_err(|error| fault(self.what("look at"), &error))?.versions.unwrap_or_default();
        versions.retain(|version| !version.is_default_version());
        versions.sort_by_key(|version| version.create_date().map(aws_smithy_types::DateTime::as_nanos));
        Ok(versions)
    }

    async fn retag(&self, differences: &[Difference]) -> Result<()> {
        let iam = &self.shared.iam;
        match tags::change(differences) {
            tags::Change::Set => {
                let request = iam.tag_policy().policy_arn(self.arn()).set_tags(Some(self.shared.iam_tags()?));
                request.send().await.map(drop).map_err(|error| fault(self.what("tag"), &error))
            }
            tags::Change::Unset => {
                let request = iam.untag_policy().policy_arn(self.arn()).tag_keys(EXPIRES_TAG);
                request.send().await.map(drop).map_err(|error| fault(self.what("untag"), &error))
            }
            tags::Change::Keep => Ok(()),
        }
    }

    async fn delete_version(&self, version: &PolicyVersion) -> Result<()> {
        let request = self.shared.iam.delete_policy_version().policy_arn(self.arn());
        match request.version_id(version.version_id().unwrap_or_default()).send().await {
            Err(error) if !is_absent(&error) => Err(fault(self.what("delete an old version of"), &error)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Managed for ManagedPolicy {
    fn id(&self) -> ResourceId {
        ResourceId::new("iam policy", self.name.clone())
    }

    fn replaces(&self) -> Vec<String> {
        let (name, file, tag) = (&self.name, self.file, self.shared.cli_tag());
        vec![format!("aws iam create-policy --policy-name {name} --policy-document file://{file} {tag}")]
    }

    async fn look(&self) -> Result<Observed> {
        let policy = match self.shared.iam.get_policy().policy_arn(self.arn()).send().await {
            Ok(answer) => answer.policy,
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        let Some(policy) = policy else { return Ok(Observed::Absent) };
        if let Some(foreign) = not_ours(&self.shared.settings.stack, iam_value(policy.tags(), STACK_TAG)) {
            return Ok(foreign);
        }
        let request = self.shared.iam.get_policy_version().policy_arn(self.arn());
        let version = match request.version_id(policy.default_version_id().unwrap_or("v1")).send().await {
            Ok(answer) => answer.policy_version,
            Err(error) if is_absent(&error) => return Ok(Observed::Absent),
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        let actual = decoded(version.as_ref().and_then(PolicyVersion::document));
        let mut differences = document_differences(&self.document()?, &actual);
        differences.extend(tags::differences(&self.shared.settings, |key| iam_value(policy.tags(), key)));
        Ok(drifted(differences))
    }

    async fn create(&self) -> Result<()> {
        let request = self.shared.iam.create_policy().policy_name(&self.name);
        let request = request.policy_document(self.document()?).set_tags(Some(self.shared.iam_tags()?));
        request.send().await.map_err(|error| fault(self.what("create"), &error))?;
        Ok(())
    }

    async fn repair(&self, differences: &[Difference]) -> Result<()> {
        self.retag(differences).await?;
        if !tags::is_more(differences) {
            return Ok(());
        }
        let spare = self.spare_versions().await?;
        for version in spare.iter().take((spare.len() + 2).saturating_sub(MOST_VERSIONS)) {
            self.delete_version(version).await?;
        }
        let request = self.shared.iam.create_policy_version().policy_arn(self.arn());
        let request = request.policy_document(self.document()?).set_as_default(true);
        request.send().await.map_err(|error| fault(self.what("update"), &error))?;
        Ok(())
    }

    async fn remove(&self) -> Result<()> {
        for version in self.spare_versions().await? {
            self.delete_version(&version).await?;
        }
        let request = self.shared.iam.delete_policy().policy_arn(self.arn());
        request.send().await.map_err(|error| fault(self.what("delete"), &error))?;
        Ok(())
    }
}
