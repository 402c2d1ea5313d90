//! The IAM OIDC provider: makes IAM believe the tokens of the cluster. Shared by stacks.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    super::error::{fault, is_absent},
    Shared, iam_value,
};
use crate::core::{
    error::{Kind, Result},
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId, Scope},
    stack::{AUDIENCE, STACK_TAG},
};

/// The provider.
pub(super) struct OidcProvider {
    pub(super) shared: Arc<Shared>,
}

impl OidcProvider {
    async fn arn(&self) -> Result<String> {
        let issuer = self.shared.issuer.url().await?;
        Ok(self.shared.settings.place.iam_arn(&format!("oidc-provider/{}", host(&issuer))))
    }

    fn what(&self, verb: &str) -> String {
        format!("could not {verb} OIDC provider `{}`", host(self.shared.issuer.known()))
    }
}

fn host(issuer: &str) -> &str {
    issuer.strip_prefix("https://").unwrap_or(issuer)
}

#[async_trait]
impl Managed for OidcProvider {
    fn id(&self) -> ResourceId {
        ResourceId::new("oidc provider", host(self.shared.issuer.known()))
    }

    fn scope(&self) -> Scope {
        Scope::Shared
    }

    fn replaces(&self) -> Vec<String> {
        let (issuer, tag) = (self.shared.issuer.known(), self.shared.cli_tag());
        vec![format!("aws iam create-open-id-connect-provider --url {issuer} --client-id-list {AUDIENCE} {tag}")]
    }

    async fn look(&self) -> Result<Observed> {
        let arn = match self.arn().await {
            Ok(arn) => arn,
            // It went with the cluster, as far as one can tell.
            Err(error) if error.kind == Kind::Input || error.kind == Kind::NotFound => return Ok(Observed::Absent),
            Err(error) => return Err(error),
        };
        let request = self.shared.iam.get_open_id_connect_provider().open_id_connect_provider_arn(arn);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_absent(&error) => return Ok(Observed::Absent),
            Err(error) => return Err(fault(self.what("look at"), &error)),
        };
        if let Some(foreign) = not_ours(&self.shared.settings.stack, iam_value(answer.tags(), STACK_TAG)) {
            return Ok(foreign);
        }
        let audiences = answer.client_id_list();
        if audiences.iter().any(|audience| audience == AUDIENCE) {
            return Ok(Observed::Ready);
        }
        Ok(drifted(vec![Difference { field: "ClientIDList".into(), actual: audiences.join(","), wanted: AUDIENCE.into() }]))
    }

    async fn create(&self) -> Result<()> {
        let request = self.shared.iam.create_open_id_connect_provider().url(self.shared.issuer.url().await?);
        let request = request.client_id_list(AUDIENCE).tags(self.shared.iam_tag()?);
        request.send().await.map_err(|error| fault(self.what("create"), &error))?;
        Ok(())
    }

    async fn repair(&self, _differences: &[Difference]) -> Result<()> {
        let request = self.shared.iam.add_client_id_to_open_id_connect_provider();
        let request = request.open_id_connect_provider_arn(self.arn().await?).client_id(AUDIENCE);
        request.send().await.map_err(|error| fault(self.what("update"), &error))?;
        Ok(())
    }

    async fn remove(&self) -> Result<()> {
        let request = self.shared.iam.delete_open_id_connect_provider().open_id_connect_provider_arn(self.arn().await?);
        request.send().await.map_err(|error| fault(self.what("delete"), &error))?;
        Ok(())
    }
}
