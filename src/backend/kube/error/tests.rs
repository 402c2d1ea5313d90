//! Refusals by code and reason.

use kube::core::response::StatusDetails;

use super::*;

fn status(code: u16, reason: &str) -> Status {
    Status { code, reason: reason.to_owned(), message: "said".to_owned(), ..Status::default() }
}

fn details(name: &str, kind: &str, causes: &[(&str, &str, &str)]) -> StatusDetails {
    let cause = |(reason, field, message): &(&str, &str, &str)| StatusCause {
        reason: (*reason).to_owned(),
        field: (*field).to_owned(),
        message: (*message).to_owned(),
    };
    let causes = causes.iter().map(cause).collect();
    StatusDetails { name: name.into(), kind: kind.into(), causes, group: String::new(), uid: String::new(), retry_after_seconds: 0 }
}

#[test]
fn codes_decide_the_group() {
    for (code, kind) in [
        (400, Kind::Failed),
        (401, Kind::Denied),
        (403, Kind::Denied),
        (404, Kind::NotFound),
        (409, Kind::Busy),
        (410, Kind::Unavailable),
        (422, Kind::Failed),
        (429, Kind::Unavailable),
        (500, Kind::Unavailable),
        (503, Kind::Unavailable),
        (504, Kind::Unavailable),
    ] {
        assert_eq!(refusal("x".into(), &status(code, "")).kind, kind, "{code}");
    }
}

#[test]
fn a_terminating_namespace_is_told_from_a_missing_permission() {
    let mut terminating = status(403, "Forbidden");
    terminating.details = Some(details("a", "configmaps", &[("NamespaceTerminating", "", "namespace x is being terminated")]));
    assert_eq!(refusal("x".into(), &terminating).kind, Kind::Busy);
    assert_eq!(refusal("x".into(), &status(403, "Forbidden")).kind, Kind::Denied);
}

#[test]
fn every_conflicting_field_is_listed_with_its_owner() {
    let mut conflict = status(409, "Conflict");
    let owners = [
        ("FieldManagerConflict", ".spec.replicas", "conflict with \"helm\" using apps/v1"),
        ("FieldManagerConflict", ".data.k", "conflict with \"kubectl\""),
    ];
    conflict.details = Some(details("", "", &owners));
    let error = refusal("could not apply".into(), &conflict);
    assert_eq!(error.why, "spec.replicas: is owned by `helm`; data.k: is owned by `kubectl`");
}

#[test]
fn a_kind_that_is_not_served_is_told_from_an_absent_object_and_an_absent_namespace() {
    let with = |details| Status { details, ..status(404, "NotFound") };
    let why = |details| refusal("x".into(), &with(details)).why;
    assert!(why(None).contains("does not serve this kind"));
    assert!(why(Some(details("a", "jobs", &[]))).contains("jobs `a` does not exist"));
    assert!(why(Some(details("n", "namespaces", &[]))).contains("the namespace `n` does not exist"));
}

#[test]
fn an_error_of_our_own_passes_through_the_client_unchanged() {
    let ours = Error::new(Kind::Denied, "could not sign", "no credentials").hint("log in");
    let error = fault("could not list", &kube::Error::Service(Box::new(ours)));
    assert_eq!((error.kind, error.why.as_str(), error.hint.as_deref()), (Kind::Denied, "could not sign: no credentials", Some("log in")));
}
