//! A container's environment.

use std::collections::BTreeMap;

use kedactl::core::{
    error::Error,
    keda::environment::{SecretAccess, Store, resolve},
};
use serde_json::{Value, json};

use super::vectors::{Case, Row, committed, shared, texts};

fn pod(container: &Value) -> Value {
    json!({"containers": [container]})
}

fn nothing(_: Store, _: &str) -> Option<BTreeMap<String, String>> {
    None
}

#[test]
fn references_expand_as_in_keda() {
    committed("generated-resolve-env").check_all(|case| {
        let resolved =
            resolve(&pod(&json!({"name": "c", "env": case.at("env")})), None, SecretAccess::Allowed, &nothing).expect("resolves");
        Row::compare(&resolved, &case.map("resolved"))
    });
}

#[test]
fn environments_resolve_as_keda_asserts() {
    let Some(vectors) = shared("resolve-env") else { return };
    vectors.check_all(|case| match case.text("kind").expect("a kind") {
        "dependent" => {
            let pod = pod(&json!({"name": "c", "env": case.at("input/env")}));
            Row::compare(&resolve(&pod, None, SecretAccess::Allowed, &nothing).expect("resolves"), &case.map("expected/resolved"))
        }
        "missingSource" => {
            let pod = missing_source(case);
            Row::compare(&resolve(&pod, None, SecretAccess::Allowed, &nothing).is_err(), &case.truth("expected/error"))
        }
        "restrictedSecretAccess" => restricted(case),
        other => Row::Differs(format!("unknown kind {other}")),
    });
}

/// The refusal of a reference to what is not there.
pub(super) fn refusal(pod: &Value) -> Error {
    resolve(pod, None, SecretAccess::Allowed, &nothing).expect_err("it is not there")
}

pub(super) fn missing_source(case: &Case<'_>) -> Value {
    let source = case.text("input/source").expect("a source");
    let mut reference = json!({"name": "absent", "key": "k"});
    if let Some(optional) = case.at("input/optional").as_bool() {
        reference["optional"] = optional.into();
    }
    match case.text("input/form").expect("a form") {
        "envFrom" => pod(&json!({"name": "c", "envFrom": [{format!("{source}Ref"): reference}]})),
        _ => pod(&json!({"name": "c", "env": [{"name": "A", "valueFrom": {format!("{source}KeyRef"): reference}}]})),
    }
}

fn restricted(case: &Case<'_>) -> Row {
    let (name, data) = (case.text("input/secret/name").expect("a name"), texts(case.at("input/secret/data")));
    let key = data.keys().next().expect("a key").clone();
    let pod = match case.text("input/form").expect("a form") {
        "envFrom.secretRef" => pod(&json!({"name": "c", "envFrom": [{"prefix": case.at("input/prefix"), "secretRef": {"name": name}}]})),
        _ => pod(
            &json!({"name": "c", "env": [{"name": case.at("input/envName"), "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}]}),
        ),
    };
    let outside = case.text("input/namespace") != case.text("input/kedaNamespace");
    let access = if case.truth("input/restrictSecretAccess") && outside { SecretAccess::Skipped } else { SecretAccess::Allowed };
    let lookup = |store: Store, wanted: &str| (store == Store::Secret && wanted == name).then(|| data.clone());
    Row::compare(&resolve(&pod, None, access, &lookup).expect("resolves"), &case.map("expected/resolved"))
}
