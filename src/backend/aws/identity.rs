//! What IAM and EKS know of an identity, as the evidence from which a chain is judged. Changes nothing.

use aws_config::SdkConfig;

use super::error::{fault, is_absent};
use crate::core::{
    error::Result,
    iam::{Entity, Named},
    stack::Place,
};

/// Asks IAM and EKS about identities of one account.
pub struct Identities {
    iam: aws_sdk_iam::Client,
    eks: aws_sdk_eks::Client,
    place: Place,
}

impl Identities {
    /// The identities of `place`, asked with `config`.
    #[must_use]
    pub fn new(config: &SdkConfig, place: &Place) -> Self {
        Self { iam: aws_sdk_iam::Client::new(config), eks: aws_sdk_eks::Client::new(config), place: place.clone() }
    }

    /// The role called `name`: its trust policy, and every policy on it.
    ///
    /// # Errors
    /// When IAM cannot be asked; that there is no such role is an answer.
    pub async fn role(&self, name: &str) -> Result<Named> {
        let what = || format!("could not look at role `{name}`");
        let trust = match self.iam.get_role().role_name(name).send().await {
            Ok(answer) => answer.role.and_then(|role| role.assume_role_policy_document).unwrap_or_default(),
            Err(error) if is_absent(&error) => return Ok(Named { name: name.to_owned(), found: None }),
            Err(error) => return Err(fault(what(), &error)),
        };
        let mut policies = Vec::new();
        let mut pages = self.iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(|error| fault(what(), &error))?;
            policies.push(self.managed(policy.policy_arn().unwrap_or_default()).await?);
        }
        let mut pages = self.iam.list_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(|error| fault(what(), &error))?;
            let answer = self.iam.get_role_policy().role_name(name).policy_name(&policy).send().await;
            policies.push((policy, decoded(answer.map_err(|error| fault(what(), &error))?.policy_document())));
        }
        Ok(Named { name: name.to_owned(), found: Some(Entity { trust: decoded(&trust), policies }) })
    }

    /// The user called `name`, every policy on it, and the ids of its active keys.
    ///
    /// # Errors
    /// When IAM cannot be asked; that there is no such user is an answer.
    pub async fn user(&self, name: &str) -> Result<(Named, Vec<String>)> {
        let what = || format!("could not look at user `{name}`");
        let keys = match self.iam.list_access_keys().user_name(name).send().await {
            Ok(answer) => answer.access_key_metadata,
            Err(error) if is_absent(&error) => return Ok((Named { name: name.to_owned(), found: None }, Vec::new())),
            Err(error) => return Err(fault(what(), &error)),
        };
        let active = keys.into_iter().filter(|key| key.status.as_ref().is_some_and(|status| status.as_str() == "Active"));
        let active = active.filter_map(|key| key.access_key_id).collect();
        let mut policies = Vec::new();
        let mut pages = self.iam.list_attached_user_policies().user_name(name).into_paginator().items().send();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(|error| fault(what(), &error))?;
            policies.push(self.managed(policy.policy_arn().unwrap_or_default()).await?);
        }
        Ok((Named { name: name.to_owned(), found: Some(Entity { trust: String::new(), policies }) }, active))
    }

    /// The audiences of the provider of `issuer`; `None` where there is no provider.
    ///
    /// # Errors
    /// When IAM cannot be asked.
    pub async fn audiences(&self, issuer: &str) -> Result<Option<Vec<String>>> {
        let host = issuer.strip_prefix("https://").unwrap_or(issuer);
        let arn = self.place.iam_arn(&format!("oidc-provider/{host}"));
        match self.iam.get_open_id_connect_provider().open_id_connect_provider_arn(arn).send().await {
            Ok(answer) => Ok(Some(answer.client_id_list.unwrap_or_default())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(fault("could not look at the OIDC provider", &error)),
        }
    }

    /// ARN of the role that `cluster` gives to the service account, where there is an association.
    ///
    /// # Errors
    /// When EKS cannot be asked.
    pub async fn association(&self, cluster: &str, namespace: &str, service_account: &str) -> Result<Option<String>> {
        let what = "could not look at Pod Identity associations";
        let request = self.eks.list_pod_identity_associations().cluster_name(cluster).namespace(namespace).service_account(service_account);
        let listed = request.send().await.map_err(|error| fault(what, &error))?;
        let Some(id) = listed.associations().iter().find_map(|one| one.association_id()) else { return Ok(None) };
        let request = self.eks.describe_pod_identity_association().cluster_name(cluster).association_id(id);
        let answer = request.send().await.map_err(|error| fault(what, &error))?;
        Ok(answer.association.and_then(|one| one.role_arn))
    }

    /// Name and text of the managed policy with this ARN.
    async fn managed(&self, arn: &str) -> Result<(String, String)> {
        let what = || format!("could not look at policy `{arn}`");
        let policy = self.iam.get_policy().policy_arn(arn).send().await.map_err(|error| fault(what(), &error))?.policy;
        let version = policy.and_then(|policy| policy.default_version_id).unwrap_or_default();
        let answer = self.iam.get_policy_version().policy_arn(arn).version_id(version).send().await;
        let version = answer.map_err(|error| fault(what(), &error))?.policy_version;
        let text = version.and_then(|version| version.document).unwrap_or_default();
        Ok((arn.rsplit('/').next().unwrap_or(arn).to_owned(), decoded(&text)))
    }
}

fn decoded(document: &str) -> String {
    percent_encoding::percent_decode_str(document).decode_utf8_lossy().into_owned()
}
