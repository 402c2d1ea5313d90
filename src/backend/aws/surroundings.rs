//! What AWS's own variables and files say, and who the credentials are.

use std::sync::{Arc, OnceLock};

use aws_config::{Region, meta::region::ProvideRegion, profile::ProfileFileRegionProvider};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef, dyn_dispatch_hint},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

use super::{
    config::{self, Own, Wire},
    error::{clock_skew, fault},
};
use crate::core::{
    error::{Error, Result},
    settings::is_loopback,
};

/// Who calls AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// The user, role session or root, as STS names it.
    pub arn: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// How far this machine's clock is ahead of AWS's, in seconds; negative when behind.
    pub clock_skew: i64,
}

/// The endpoint for every service that `AWS_ENDPOINT_URL` names, unless it is to be ignored. Pods are told of it, too;
/// those for single services and those of profiles are between the SDK and this machine.
#[must_use]
pub fn endpoint_url() -> Option<String> {
    let ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    variable("AWS_ENDPOINT_URL").filter(|_| !ignored)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The region that `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile names. Asks nobody.
pub async fn region(profile: Option<&str>) -> Option<String> {
    if let Some(region) = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")) {
        return Some(region);
    }
    let mut files = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        files = files.profile_name(profile);
    }
    files.build().region().await.map(|region: Region| region.to_string())
}

/// Who the credentials in force are, as STS in `region` says.
///
/// # Errors
/// `Denied` when there are no credentials or they are refused; `Unavailable` when STS cannot be reached.
pub async fn caller(own: &Own, region: &str) -> Result<Caller> {
    let wire = Wire::own(own, region).await?;
    let fallback = own.endpoint_url.as_deref().is_some_and(is_loopback).then(config::administrator);
    let sdk = config::configure(&wire, region, Some(config::ambient(&wire, fallback)));
    let what = "could not find out which AWS account this is";
    let clock = Clock::default();
    let request = aws_sdk_sts::Client::new(&sdk).get_caller_identity().customize().interceptor(clock.clone());
    let answer = request.send().await.map_err(|error| fault(what, &error))?;
    let arn = answer.arn.unwrap_or_default();
    let account = answer.account.ok_or_else(|| Error::failed(what, "STS names none"))?;
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    Ok(Caller { account, arn, partition, clock_skew: clock.skew() })
}

/// Notes how far this machine's clock is ahead of the time that an answer bears.
#[derive(Debug, Clone, Default)]
struct Clock(Arc<OnceLock<i64>>);

impl Clock {
    fn skew(&self) -> i64 {
        self.0.get().copied().unwrap_or_default()
    }
}

#[dyn_dispatch_hint]
impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        if let Some(seconds) = clock_skew(context.response()) {
            let _ = self.0.set(seconds);
        }
        Ok(())
    }
}
