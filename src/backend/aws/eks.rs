//! One EKS cluster as the demo finds it: whether it is ready, where its API is, and whom its tokens are from.

use aws_config::SdkConfig;
use aws_sdk_eks::types::{Cluster, ClusterStatus};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::error::{fault, is_absent};
use crate::core::error::{Error, Kind, Result};

/// The add-on without which EKS Pod Identity gives no pod any credentials.
const AGENT: &str = "eks-pod-identity-agent";

/// EKS's code for a cluster that does not exist.
const NO_CLUSTER: &str = "ResourceNotFoundException";

/// Whether `error` says that the EKS cluster does not exist.
#[must_use]
pub fn is_gone(error: &Error) -> bool {
    error.code.as_deref() == Some(NO_CLUSTER)
}

/// What is known of an EKS cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksCluster {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Kubernetes' version, such as `1.33`.
    pub version: String,
    /// URL of the API server.
    pub endpoint: String,
    /// The API server's certificate authority, PEM.
    pub authority: Vec<u8>,
    /// The OIDC issuer with `https://`; absent where the cluster has none.
    pub issuer: Option<String>,
    /// `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`: where it is written which IAM identity may do what.
    pub authentication: String,
}

/// The cluster called `name`, which must be `ACTIVE`.
///
/// # Errors
/// `Input` when there is none, naming those that there are; `Busy` while it is made or updated; `Failed` when it will not
/// be ready by itself; `Denied` when EKS refuses.
pub async fn describe(config: &SdkConfig, name: &str) -> Result<EksCluster> {
    let eks = aws_sdk_eks::Client::new(config);
    let region = config.region().map_or_else(String::new, ToString::to_string);
    match eks.describe_cluster().name(name).send().await {
        Ok(answer) => read(name, answer.cluster),
        Err(error) if is_absent(&error) => Err(not_found(name, &region, &names(&eks).await)),
        Err(error) => Err(fault(format!("could not look at EKS cluster `{name}`"), &error)),
    }
}

/// Whether the agent of EKS Pod Identity is installed as an add-on of the cluster called `name`.
///
/// # Errors
/// When EKS cannot be asked.
pub async fn has_pod_identity_agent(config: &SdkConfig, name: &str) -> Result<bool> {
    match aws_sdk_eks::Client::new(config).describe_addon().cluster_name(name).addon_name(AGENT).send().await {
        Ok(_) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(fault(format!("could not look at the add-on {AGENT} of EKS cluster `{name}`"), &error)),
    }
}

/// The command that installs the agent.
#[must_use]
pub fn agent_command(name: &str) -> String {
    format!("aws eks create-addon --cluster-name {name} --addon-name {AGENT}")
}

/// The clusters that there are; none when EKS does not say.
async fn names(eks: &aws_sdk_eks::Client) -> Vec<String> {
    let pages = eks.list_clusters().into_paginator().items().send();
    pages.collect::<std::result::Result<Vec<_>, _>>().await.unwrap_or_default()
}

fn not_found(name: &str, region: &str, others: &[String]) -> Error {
    let why = match others {
        [] => format!("there is no EKS cluster in {region}"),
        _ => format!("there is no such EKS cluster in {region}; there are: {}", others.join(", ")),
    };
    Error::input("--cluster", name, why)
        .code(NO_CLUSTER)
        .hint("`aws eks list-clusters` has the names; --region and --profile say where to look")
}

fn read(name: &str, cluster: Option<Cluster>) -> Result<EksCluster> {
    let what = || format!("could not use EKS cluster `{name}`");
    let cluster = cluster.ok_or_else(|| Error::failed(what(), "EKS says nothing about it"))?;
    check(name, cluster.status())?;
    let data = cluster.certificate_authority.and_then(|authority| authority.data).unwrap_or_default();
    let authority = STANDARD.decode(data).map_err(|error| Error::failed(what(), format!("its certificate cannot be read: {error}")))?;
    let endpoint = cluster.endpoint.ok_or_else(|| Error::failed(what(), "EKS names no endpoint of it"))?;
    let mode = cluster.access_config.and_then(|access| access.authentication_mode);
    Ok(EksCluster {
        name: name.to_owned(),
        arn: cluster.arn.unwrap_or_default(),
        version: cluster.version.unwrap_or_default(),
        endpoint,
        authority,
        issuer: cluster.identity.and_then(|identity| identity.oidc?.issuer),
        authentication: mode.map_or_else(|| "CONFIG_MAP".to_owned(), |mode| mode.as_str().to_owned()),
    })
}

fn check(name: &str, status: Option<&ClusterStatus>) -> Result<()> {
    let status = status.unwrap_or(&ClusterStatus::Active);
    let fault = |kind| Error::new(kind, format!("could not use EKS cluster `{name}`"), format!("it is {status}"));
    match status {
        ClusterStatus::Active => Ok(()),
        ClusterStatus::Creating | ClusterStatus::Pending | ClusterStatus::Updating => {
            Err(fault(Kind::Busy).hint(format!("wait for it: `aws eks wait cluster-active --name {name}`")))
        }
        _ => Err(fault(Kind::Failed).hint(format!("`aws eks describe-cluster --name {name}` says why; choose another --cluster"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> aws_sdk_eks::types::builders::ClusterBuilder {
        Cluster::builder().name("demo").arn("arn:aws:eks:us-east-1:123456789012:cluster/demo").endpoint("https://x").version("1.33")
    }

    #[test]
    fn only_an_active_cluster_serves() {
        let kind = |status| read("demo", Some(cluster().status(status).build())).map(drop).map_err(|error| error.kind);
        assert_eq!(kind(ClusterStatus::Active), Ok(()));
        assert_eq!(kind(ClusterStatus::Creating), Err(Kind::Busy));
        assert_eq!(kind(ClusterStatus::Updating), Err(Kind::Busy));
        assert_eq!(kind(ClusterStatus::Deleting), Err(Kind::Failed));
        assert_eq!(kind(ClusterStatus::Failed), Err(Kind::Failed));
    }

    #[test]
    fn a_cluster_that_does_not_exist_is_answered_with_those_that_do() {
        let error = not_found("demo", "eu-west-1", &["prod".to_owned(), "test".to_owned()]);
        assert_eq!((error.kind, error.exit_code()), (Kind::Input, 2));
        assert!(error.to_string().contains("`demo`") && error.why.contains("eu-west-1") && error.why.contains("prod, test"), "{error}");
    }

    #[test]
    fn a_certificate_that_is_none_is_refused() {
        let bad = aws_sdk_eks::types::Certificate::builder().data("***").build();
        let error = read("demo", Some(cluster().certificate_authority(bad).build())).expect_err("no base64");
        assert!(error.why.contains("certificate"), "{error}");
    }
}
