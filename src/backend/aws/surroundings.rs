//! What AWS's own variables and files say, and whose account the credentials are of.

use aws_config::{Region, meta::region::ProvideRegion, profile::ProfileFileRegionProvider};

use super::{
    config::{self, Wire},
    error::fault,
};
use crate::core::error::{Error, Result};

/// The region that `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile names. Asks nobody.
pub async fn region(profile: Option<&str>) -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(region) = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")) {
        return Some(region);
    }
    let mut files = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        files = files.profile_name(profile);
    }
    files.build().region().await.map(|region: Region| region.to_string())
}

/// The account that the credentials in force belong to, as STS says.
///
/// # Errors
/// `Denied` when there are no credentials or they are refused; `Unavailable` when STS cannot be reached.
pub async fn account(wire: &Wire, region: &str) -> Result<String> {
    let credentials = config::ambient(wire, region, None).await;
    let config = config::configure(wire, region, Some(credentials));
    let what = "could not find out which AWS account this is";
    let answer = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.map_err(|error| fault(what, &error))?;
    answer.account.ok_or_else(|| Error::failed(what, "STS names none"))
}
