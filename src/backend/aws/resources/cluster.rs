//! The EKS cluster's record, with the OIDC issuer that roles trust. Shared by stacks.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_eks::types::VpcConfigRequest;

use super::{
    super::error::{fault, is_absent},
    Shared,
};
use crate::core::{
    error::Result,
    managed::{Managed, not_ours},
    plan::{Difference, Observed, ResourceId, Scope},
    stack::STACK_TAG,
};

/// The cluster.
pub(super) struct Cluster {
    pub(super) shared: Arc<Shared>,
}

impl Cluster {
    fn name(&self) -> &str {
        &self.shared.settings.names.cluster
    }

    fn role_arn(&self) -> String {
        self.shared.settings.place.iam_arn("role/eks-cluster")
    }
}

#[async_trait]
impl Managed for Cluster {
    fn id(&self) -> ResourceId {
        ResourceId::new("eks cluster", self.name())
    }

    fn scope(&self) -> Scope {
        Scope::Shared
    }

    fn replaces(&self) -> Vec<String> {
        let (name, stack) = (self.name(), &self.shared.settings.stack);
        vec![format!(
            "aws eks create-cluster --name {name} --role-arn {} --resources-vpc-config '{{}}' --tags {STACK_TAG}={stack}",
            self.role_arn()
        )]
    }

    async fn look(&self) -> Result<Observed> {
        let answer = match self.shared.eks.describe_cluster().name(self.name()).send().await {
            Ok(answer) => answer,
            Err(error) if is_absent(&error) => return Ok(Observed::Absent),
            Err(error) => return Err(fault(format!("could not look at cluster `{}`", self.name()), &error)),
        };
        let tags = answer.cluster.and_then(|cluster| cluster.tags).unwrap_or_default();
        Ok(not_ours(&self.shared.settings.stack, tags.get(STACK_TAG).map(String::as_str)).unwrap_or(Observed::Ready))
    }

    async fn create(&self) -> Result<()> {
        let request = self.shared.eks.create_cluster().name(self.name()).role_arn(self.role_arn());
        let request = request.resources_vpc_config(VpcConfigRequest::builder().build());
        let request = request.tags(STACK_TAG, self.shared.settings.stack.as_str());
        request.send().await.map_err(|error| fault(format!("could not create cluster `{}`", self.name()), &error))?;
        Ok(())
    }

    async fn repair(&self, _differences: &[Difference]) -> Result<()> {
        Ok(())
    }

    async fn remove(&self) -> Result<()> {
        let request = self.shared.eks.delete_cluster().name(self.name());
        request.send().await.map_err(|error| fault(format!("could not delete cluster `{}`", self.name()), &error))?;
        Ok(())
    }
}
