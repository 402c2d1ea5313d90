//! The SDK's errors become ours, once, by code and never by text.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::core::error::{Error, Kind, causes, innermost};

/// Codes that say: you may not.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "AuthorizationError",
    "ExpiredToken",
    "ExpiredTokenException",
    "IDPRejectedClaim",
    "InvalidClientTokenId",
    "InvalidIdentityToken",
    "InvalidSecurity",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Codes that say: these credentials are no longer good, or never were.
const STALE: &[&str] = &["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidSecurity", "UnrecognizedClientException"];

/// Codes of which a wrong clock is the usual cause.
const CLOCK: &[&str] = &["AuthFailure", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch"];

/// AWS takes signatures of this age, in seconds.
const SKEW_ALLOWED: i64 = 300;

/// Codes that say: it is not there.
const NOT_FOUND: &[&str] =
    &["AWS.SimpleQueueService.NonExistentQueue", "NoSuchEntity", "NoSuchEntityException", "QueueDoesNotExist", "ResourceNotFoundException"];

/// Codes that say: ask again later.
const PASSING: &[&str] = &[
    "AWS.SimpleQueueService.PurgeQueueInProgress",
    "AWS.SimpleQueueService.QueueDeletedRecently",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "EntityTemporarilyUnmodifiable",
    "IDPCommunicationError",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceFault",
    "KMSThrottlingException",
    "KMS.ThrottlingException",
    "KmsThrottled",
    "ProvisionedThroughputExceededException",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ServerException",
    "ServiceFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// The group that `code` belongs to.
pub(super) fn kind_of(code: &str) -> Kind {
    match code {
        code if DENIED.contains(&code) => Kind::Denied,
        code if NOT_FOUND.contains(&code) => Kind::NotFound,
        code if PASSING.contains(&code) => Kind::Unavailable,
        _ => Kind::Failed,
    }
}

/// Whether the service answered that the thing is not there.
pub(super) fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    code_of(error).is_some_and(|code| NOT_FOUND.contains(&code))
}

/// The service's own code, when it was the service that refused.
pub(super) fn code_of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// `what` failed, for the reason that the service or the transport gives.
pub(super) fn fault<E>(what: impl Into<String>, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    explain(what.into(), error, true)
}

/// Like [`fault`], without the service's text: it may repeat a receipt handle.
pub(super) fn fault_without_text<E>(what: impl Into<String>, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    explain(what.into(), error, false)
}

fn explain<E>(what: String, error: &SdkError<E, HttpResponse>, with_text: bool) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    if let Some(ours) = ours(error) {
        return Error { what: format!("{what}: {}", ours.what), ..ours.clone() };
    }
    let Some(refusal) = error.as_service_error() else {
        if let Some(fault) = no_credentials(error) {
            return Error { what, ..fault };
        }
        let kind = if matches!(error, SdkError::ConstructionFailure(_)) { Kind::Failed } else { Kind::Unavailable };
        return Error::new(kind, what, innermost(error));
    };
    let code = refusal.code().unwrap_or("Unknown");
    let why = match refusal.message().filter(|_| with_text) {
        Some(message) => format!("{} ({code})", message.trim_end_matches('.')),
        None => code.to_owned(),
    };
    let skew = error.raw_response().and_then(clock_skew).filter(|seconds| CLOCK.contains(&code) && seconds.abs() > SKEW_ALLOWED);
    if let Some(seconds) = skew {
        let (minutes, side) = (seconds.abs() / 60, if seconds > 0 { "ahead of" } else { "behind" });
        let why = format!("this machine's clock is {minutes} minutes {side} AWS's ({code})");
        return Error::new(Kind::Denied, what, why).code(code).hint("set the clock, then try again");
    }
    let error = Error::new(kind_of(code), what, why).code(code);
    match error.kind {
        Kind::NotFound => error.hint("run `kedactl setup`"),
        Kind::Denied if STALE.contains(&code) => error.hint(RENEW),
        Kind::Denied => {
            error.hint("run `kedactl setup` to repair roles and policies, as someone whom no policy of the organisation denies")
        }
        _ => error,
    }
}

/// How the credentials of a person are renewed.
const RENEW: &str = "renew the credentials: `aws sso login`, `aws configure`, or another --profile";

/// What is wrong when no request was even signed: there are no credentials, or their source failed.
pub(super) fn no_credentials(error: &(dyn StdError + 'static)) -> Option<Error> {
    let found = causes(error).find_map(|error| error.downcast_ref::<CredentialsError>())?;
    let fault = |kind, why: String| Error::new(kind, "", why);
    Some(match found {
        CredentialsError::CredentialsNotLoaded(_) => fault(Kind::Denied, "there are no AWS credentials".to_owned())
            .hint("run `aws configure` or `aws sso login`, or name a profile that has some with --profile"),
        CredentialsError::InvalidConfiguration(_) => fault(Kind::Input, innermost(found))
            .hint("`aws configure list-profiles` has the profiles that there are; choose one with --profile"),
        CredentialsError::ProviderTimedOut(_) => fault(Kind::Unavailable, innermost(found)),
        _ if causes(found).find_map(|error| error.downcast_ref::<ConnectorError>()).is_some() => fault(Kind::Unavailable, innermost(found)),
        _ => fault(Kind::Denied, innermost(found)).hint(RENEW),
    })
}

/// How many seconds this machine's clock is ahead of the `Date` of an answer.
pub(super) fn clock_skew(response: &HttpResponse) -> Option<i64> {
    let theirs = jiff::fmt::rfc2822::parse(response.headers().get("date")?).ok()?.timestamp();
    Some(jiff::Timestamp::now().as_second() - theirs.as_second())
}

/// An error of our own that a credentials provider raised somewhere below.
fn ours<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    causes(error).find_map(|error| error.downcast_ref::<Error>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_wires_names_of_an_absent_queue_are_not_found() {
        assert_eq!(kind_of("QueueDoesNotExist"), Kind::NotFound);
        assert_eq!(kind_of("AWS.SimpleQueueService.NonExistentQueue"), Kind::NotFound);
    }

    #[test]
    fn an_unknown_code_is_a_failure_that_no_retry_mends() {
        assert_eq!(kind_of("SomethingNew"), Kind::Failed);
    }

    #[test]
    fn no_code_is_in_two_groups() {
        let all: Vec<&str> = [DENIED, NOT_FOUND, PASSING].concat();
        let unique: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len());
    }
}
