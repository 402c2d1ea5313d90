//! The SDK's errors become ours, once, by code and never by text.

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::core::error::{Error, Kind};

/// Codes that say: you may not.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IDPRejectedClaim",
    "InvalidClientTokenId",
    "InvalidIdentityToken",
    "InvalidSecurity",
    "MissingAuthenticationToken",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Codes that say: it is not there.
const NOT_FOUND: &[&str] =
    &["AWS.SimpleQueueService.NonExistentQueue", "NoSuchEntity", "NoSuchEntityException", "QueueDoesNotExist", "ResourceNotFoundException"];

/// Codes that say: ask again later.
const PASSING: &[&str] = &[
    "AWS.SimpleQueueService.PurgeQueueInProgress",
    "AWS.SimpleQueueService.QueueDeletedRecently",
    "ConcurrentModification",
    "IDPCommunicationError",
    "InternalError",
    "InternalFailure",
    "KMS.ThrottlingException",
    "KmsThrottled",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "RequestLimitExceeded",
    "RequestThrottled",
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
        let kind = if matches!(error, SdkError::ConstructionFailure(_)) { Kind::Failed } else { Kind::Unavailable };
        return Error::new(kind, what, innermost(error));
    };
    let code = refusal.code().unwrap_or("Unknown");
    let why = match refusal.message().filter(|_| with_text) {
        Some(message) => format!("{} ({code})", message.trim_end_matches('.')),
        None => code.to_owned(),
    };
    let error = Error::new(kind_of(code), what, why).code(code);
    match error.kind {
        Kind::NotFound => error.hint("run `kedactl setup`"),
        Kind::Denied => error.hint("run `kedactl setup` to repair roles and policies"),
        _ => error,
    }
}

/// `error` and everything below it.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// An error of our own that a credentials provider raised somewhere below.
fn ours<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    causes(error).find_map(|error| error.downcast_ref::<Error>())
}

/// The cause below all wrappers, which is where the operating system speaks.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
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
