//! An EKS Pod Identity association: the pods of one service account get one role's credentials.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_eks::types::PodIdentityAssociation;

use super::{
    super::error::{fault, is_absent},
    Shared, soon, tags,
};
use crate::core::{
    error::Result,
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId},
    stack::{EXPIRES_TAG, STACK_TAG},
};

/// The field of an association that names the role.
const ROLE: &str = "roleArn";

/// The association of one service account.
pub(super) struct Association {
    pub(super) shared: Arc<Shared>,
    pub(super) namespace: String,
    pub(super) service_account: String,
    pub(super) role: String,
}

impl Association {
    fn what(&self, verb: &str) -> String {
        format!("could not {verb} the pod identity association of `{}/{}`", self.namespace, self.service_account)
    }

    fn cluster(&self) -> &str {
        &self.shared.settings.names.cluster
    }

    fn role_arn(&self) -> String {
        self.shared.settings.place.iam_arn(&format!("role/{}", self.role))
    }

    /// The association as it is; `None` where it or the cluster is not.
    async fn find(&self) -> Result<Option<PodIdentityAssociation>> {
        let eks = &self.shared.eks;
        let request = eks.list_pod_identity_associations().cluster_name(self.cluster()).namespace(&self.namespace);
        let listed = match request.service_account(&self.service_account).send().await {
            Ok(answer) => answer.associations.unwrap_or_default(),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        let Some(id) = listed.into_iter().find_map(|one| one.association_id) else { return Ok(None) };
        match eks.describe_pod_identity_association().cluster_name(self.cluster()).association_id(id).send().await {
            Ok(answer) => Ok(answer.association),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(fault(self.what("look at"), &error)),
        }
    }

    async fn retag(&self, arn: &str, change: tags::Change) -> Result<()> {
        let eks = &self.shared.eks;
        match change {
            tags::Change::Set => {
                let wanted = tags::wanted(&self.shared.settings).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
                let request = eks.tag_resource().resource_arn(arn).set_tags(Some(wanted));
                request.send().await.map(drop).map_err(|error| fault(self.what("tag"), &error))
            }
            tags::Change::Unset => {
                let request = eks.untag_resource().resource_arn(arn).tag_keys(EXPIRES_TAG);
                request.send().await.map(drop).map_err(|error| fault(self.what("untag"), &error))
            }
            tags::Change::Keep => Ok(()),
        }
    }
}

#[async_trait]
impl Managed for Association {
    fn id(&self) -> ResourceId {
        ResourceId::new("pod identity association", format!("{}/{}", self.namespace, self.service_account))
    }

    fn replaces(&self) -> Vec<String> {
        let tags: Vec<String> = tags::wanted(&self.shared.settings).iter().map(|(key, value)| format!("{key}={value}")).collect();
        vec![format!(
            "aws eks create-pod-identity-association --cluster-name {} --namespace {} --service-account {} --role-arn {} --tags {}",
            self.cluster(),
            self.namespace,
            self.service_account,
            self.role_arn(),
            tags.join(",")
        )]
    }

    async fn look(&self) -> Result<Observed> {
        let Some(found) = self.find().await? else { return Ok(Observed::Absent) };
        let tags = found.tags.unwrap_or_default();
        let tag = |key: &str| tags.get(key).map(String::as_str);
        if let Some(foreign) = not_ours(&self.shared.settings.stack, tag(STACK_TAG)) {
            return Ok(foreign);
        }
        let mut differences = tags::differences(&self.shared.settings, tag);
        let (actual, wanted) = (found.role_arn.unwrap_or_default(), self.role_arn());
        if actual != wanted {
            differences.push(Difference { field: ROLE.to_owned(), actual, wanted });
        }
        Ok(drifted(differences))
    }

    async fn create(&self) -> Result<()> {
        let wanted = tags::wanted(&self.shared.settings).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let request = self.shared.eks.create_pod_identity_association().cluster_name(self.cluster()).namespace(&self.namespace);
        let request = request.service_account(&self.service_account).role_arn(self.role_arn()).set_tags(Some(wanted));
        // A role that was made a moment ago is not one yet.
        let failed = |error| soon(fault(self.what("create"), &error), &["InvalidParameterException"]);
        request.send().await.map(drop).map_err(failed)
    }

    async fn repair(&self, differences: &[Difference]) -> Result<()> {
        let Some(found) = self.find().await? else { return self.create().await };
        self.retag(found.association_arn().unwrap_or_default(), tags::change(differences)).await?;
        if !tags::is_more(differences) {
            return Ok(());
        }
        let request = self.shared.eks.update_pod_identity_association().cluster_name(self.cluster());
        let request = request.set_association_id(found.association_id).role_arn(self.role_arn());
        let failed = |error| soon(fault(self.what("update"), &error), &["InvalidParameterException"]);
        request.send().await.map(drop).map_err(failed)
    }

    async fn remove(&self) -> Result<()> {
        let Some(found) = self.find().await? else { return Ok(()) };
        let request = self.shared.eks.delete_pod_identity_association().cluster_name(self.cluster());
        request.set_association_id(found.association_id).send().await.map_err(|error| fault(self.what("delete"), &error))?;
        Ok(())
    }
}
