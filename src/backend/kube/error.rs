//! The API server's errors become ours, once, by HTTP code and `Status` reason and never by text.

use std::{error::Error as StdError, io};

use kube::{
    client::AuthError,
    core::response::{Status, StatusCause},
};

use crate::core::error::{Error, Kind, causes, innermost};

/// Cause of a refusal to create in a namespace that is being deleted.
const NAMESPACE_TERMINATING: &str = "NamespaceTerminating";
/// Cause of a conflict with another field manager.
const FIELD_MANAGER_CONFLICT: &str = "FieldManagerConflict";
/// How to look at what kubectl would use.
const CONTEXTS: &str = "run `kedactl doctor`, or see `kubectl config get-contexts`";

/// `what` failed, for the reason that the API server or the way to it gives.
pub(super) fn fault(what: impl Into<String>, error: &kube::Error) -> Error {
    match error {
        kube::Error::Api(status) => refusal(what.into(), status),
        other => broken(what.into(), other),
    }
}

/// Whether the API server answered that the object, or its whole kind, is not there.
pub(super) fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Whether a connection that was there broke before the whole answer had come.
pub(super) fn is_cut(error: &(dyn StdError + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let lost = |kind| matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof);
    causes(error).any(|cause| {
        let by_hyper = cause.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_incomplete_message() || error.is_closed());
        by_hyper || cause.downcast_ref::<io::Error>().is_some_and(|error| lost(error.kind()))
    })
}

/// The `Status` of a refusal: `what` was asked for.
pub(super) fn refusal(what: String, status: &Status) -> Error {
    let causes = status.details.as_ref().map_or(&[][..], |details| &details.causes);
    let said = status.message.trim_end_matches('.');
    let code = if status.reason.is_empty() || status.code == 0 { status.code.to_string() } else { status.reason.clone() };
    let error = match status.code {
        401 => Error::new(Kind::Denied, what, "credentials expired or not accepted")
            .hint("log in again, or use another context: see `kubectl config get-contexts`"),
        403 if causes.iter().any(|cause| cause.reason == NAMESPACE_TERMINATING) => {
            Error::new(Kind::Busy, what, "the namespace is being deleted")
                .hint("wait until it is gone (`kubectl get namespace`) and run this again, or use another --namespace")
        }
        403 => Error::new(Kind::Denied, what, said).hint("run `kedactl doctor` to see which permissions are missing"),
        404 => not_found(what, status),
        409 => conflict(what, said, causes),
        410 => Error::new(Kind::Unavailable, what, "the server no longer has that version (410)"),
        400 | 422 if !causes.is_empty() => Error::new(Kind::Failed, what, listed(causes, |cause| cause.message.clone())),
        429 | 500..=599 => Error::new(Kind::Unavailable, what, later(said, status)),
        _ => Error::new(Kind::Failed, what, said),
    };
    error.code(code)
}

fn not_found(what: String, status: &Status) -> Error {
    let details = status.details.as_ref();
    match details.filter(|details| !details.name.is_empty()) {
        Some(details) if details.kind == "namespaces" => {
            let why = format!("the namespace `{}` does not exist", details.name);
            Error::new(Kind::NotFound, what, why)
                .hint(format!("run `kubectl create namespace {}`, or use another --namespace", details.name))
        }
        Some(details) => Error::new(Kind::NotFound, what, format!("{} `{}` does not exist", details.kind, details.name)),
        None => Error::new(Kind::NotFound, what, "the API server does not serve this kind")
            .hint("KEDA's CRDs may be missing: run `kedactl setup`, or see `kubectl api-resources`"),
    }
}

fn conflict(what: String, said: &str, causes: &[StatusCause]) -> Error {
    if !causes.iter().any(|cause| cause.reason == FIELD_MANAGER_CONFLICT) {
        return Error::new(Kind::Busy, what, said);
    }
    let why = listed(causes, |cause| format!("is owned by {}", owner(&cause.message)));
    Error::new(Kind::Busy, what, why).hint("take the fields over with `--force-conflicts`, or leave them to their owner")
}

/// The manager's name, which the API server gives in quotes within a sentence; the sentence when it is not there.
fn owner(message: &str) -> String {
    message.split('"').nth(1).map_or_else(|| message.to_owned(), |name| format!("`{name}`"))
}

/// Every cause as `field: text`, in the server's order.
fn listed(causes: &[StatusCause], text: impl Fn(&StatusCause) -> String) -> String {
    let lines = causes.iter().map(|cause| match cause.field.trim_start_matches('.') {
        "" => text(cause),
        field => format!("{field}: {}", text(cause)),
    });
    lines.collect::<Vec<_>>().join("; ")
}

fn later(said: &str, status: &Status) -> String {
    let said = if said.is_empty() { "the API server failed" } else { said };
    match status.details.as_ref().map_or(0, |details| details.retry_after_seconds) {
        0 => format!("{said} ({})", status.code),
        seconds => format!("{said} ({}; it asks to wait {seconds} s)", status.code),
    }
}

/// No answer came, or none that can be read.
fn broken(what: String, error: &kube::Error) -> Error {
    if let Some(ours) = causes(error).find_map(|cause| cause.downcast_ref::<Error>()) {
        let why = if ours.why.is_empty() { ours.what.clone() } else { format!("{}: {}", ours.what, ours.why) };
        return Error { what, why, ..ours.clone() };
    }
    if let Some(auth) = causes(error).find_map(|cause| cause.downcast_ref::<AuthError>()) {
        return Error::new(Kind::Denied, what, login(auth))
            .hint("see what `kubectl version` says to it, or use another context: `kubectl config get-contexts`");
    }
    if let Some(tls) = causes(error).find_map(tls) {
        let why = format!("the server's certificate or TLS is not accepted ({tls})");
        return Error::new(Kind::Failed, what, why)
            .hint("check `certificate-authority` and `server` of the context: see `kubectl config view`");
    }
    match error {
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
            Error::new(Kind::Unavailable, what, innermost(error)).hint(CONTEXTS)
        }
        other => Error::new(Kind::Failed, what, innermost(other)),
    }
}

/// What went wrong with the kubeconfig's own login. A login command, its environment and its output may hold a secret: none
/// is shown.
fn login(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { out, .. } => format!("the context's login command failed with {}", out.status),
        AuthError::AuthExecStart(error) => format!("the context's login command could not be started: {error}"),
        AuthError::AuthExec(_) => "the context's login command could not be run".to_owned(),
        AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_) => "the context's login command gave no credentials".to_owned(),
        other => other.to_string(),
    }
}

/// A TLS error, which the transport wraps in an I/O error.
fn tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref().or_else(|| error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref())
}

#[cfg(test)]
mod tests;
