//! Authentication: from a trigger's reference to parameters, from those to an identity, and who shares one.

use std::collections::BTreeMap;

use kedactl::core::{
    error::Result,
    keda::{
        authentication::{
            Objects, Question, Resolved,
            shared::{SharedConfigs, SharedKey},
        },
        authorization::AwsAuthorization,
        environment::Store,
        manifest::{AuthenticationRef, trigger_authentication, trigger_authentication::KINDS},
        metadata::Sources,
    },
};
use serde_json::{Value, json};

use super::{
    inputs::{Inputs, flat, flat_from},
    vectors::{Case, Row, shared, texts},
};

/// What a trigger may refer to, by kind, namespace and name.
struct World<'a> {
    objects: Vec<(&'a str, &'a str, &'a str, &'a Value)>,
    namespace: &'a str,
    keda_namespace: &'a str,
    pod: Option<&'a Value>,
}

impl World<'_> {
    fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        let found = self.objects.iter().find(|(of, place, called, _)| (*of, *place, *called) == (kind, namespace, name));
        found.map(|(.., object)| *object)
    }

    /// Resolves as a process does: asks only for what is named.
    fn resolve(&self, reference: &Value) -> Result<Resolved> {
        let reference = reference["name"]
            .as_str()
            .map(|name| AuthenticationRef { name: name.to_owned(), kind: reference["kind"].as_str().map(str::to_owned) });
        let (namespace, keda_namespace) = (self.namespace, self.keda_namespace);
        let question = Question { reference: reference.as_ref(), spec: None, pod: self.pod, namespace, keda_namespace };
        let place = if question.is_cluster_wide() { "" } else { namespace };
        let found = reference.as_ref().and_then(|reference| self.find(question.kind(), place, &reference.name));
        let found = found.map(|object| {
            let named = json!({"apiVersion": "keda.sh/v1alpha1", "kind": KINDS[0], "metadata": {"name": "ta"}, "spec": object["spec"]});
            trigger_authentication(&named).expect("valid")
        });
        let question = Question { spec: found.as_ref().map(|found| &found.spec), ..question };
        let named = question.named();
        let data =
            |store: Store, namespace: &str, name: &str| self.find(store.kind(), namespace, name).map(|object| texts(&object["data"]));
        let own = |store: Store, name: &str| named.own.contains(&(store, name.to_owned())).then(|| data(store, namespace, name)).flatten();
        let place = if question.is_cluster_wide() { keda_namespace } else { namespace };
        let referenced =
            |store: Store, name: &str| named.referenced.contains(&(store, name.to_owned())).then(|| data(store, place, name)).flatten();
        question.resolve(Objects {
            own: &own,
            referenced: &referenced,
            service_account: named.service_account.as_ref().and_then(|name| self.find("ServiceAccount", namespace, name)),
            token: &|account| self.find("ServiceAccount", place, account).map(|_| "k8s-bsat-token".to_owned()),
        })
    }
}

#[test]
fn references_resolve_as_keda_asserts() {
    let Some(vectors) = shared("resolve-auth-ref") else { return };
    vectors.check_all(|case| {
        let text = |object: &Value, field: &str| object[field].as_str().unwrap_or_default().to_owned();
        let parts: Vec<_> = case
            .list("input/objects")
            .iter()
            .map(|object| (object, ["kind", "namespace", "name"].map(|field| text(object, field))))
            .collect();
        let pod = json!({"containers": [{"name": "c"}]});
        let world = World {
            objects: parts
                .iter()
                .map(|(object, [kind, namespace, name])| (kind.as_str(), namespace.as_str(), name.as_str(), *object))
                .collect(),
            namespace: case.text("input/namespace").expect("a namespace"),
            keda_namespace: case.text("input/clusterObjectNamespace").expect("a namespace"),
            pod: case.truth("input/podSpec").then_some(&pod),
        };
        match world.resolve(case.at("input/authenticationRef")) {
            Ok(resolved) => {
                let kedas =
                    (case.map("expected/authParams"), case.text("expected/podIdentity").expect("a provider"), case.truth("expected/error"));
                Row::compare(&(resolved.parameters, resolved.identity.provider.name(), false), &kedas)
            }
            Err(_) => Row::compare(&true, &case.truth("expected/error")),
        }
    });
}

/// Each row from the reference on: what is resolved, why not, and whose identity comes of it.
#[test]
fn identities_are_kedas_for_every_authentication() {
    let Some(vectors) = shared("generated-aws-identity") else { return };
    vectors.check_all(|case| {
        let secret = json!({"data": case.at("secretTargetRef")});
        let targets: Vec<Value> =
            case.map("secretTargetRef").keys().map(|key| json!({"parameter": key, "name": "sec", "key": key})).collect();
        let mut spec = json!({"secretTargetRef": targets});
        // The rows that give no provider could not be stored: the operator itself takes them for none.
        if case.at("podIdentity")["provider"].is_string() {
            spec["podIdentity"] = case.at("podIdentity").clone();
        }
        let object = json!({ "spec": spec });
        let accounts: BTreeMap<&str, Value> = case
            .at("serviceAccounts")
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, role)| {
                let annotations = if role.is_null() { json!({}) } else { json!({"eks.amazonaws.com/role-arn": role}) };
                (name.as_str(), json!({"metadata": {"annotations": annotations}}))
            })
            .collect();
        let pod = json!({"serviceAccountName": case.at("podServiceAccountName"), "containers": [{"name": "c"}]});
        let mut objects = vec![("Secret", "ns", "sec", &secret), ("Secret", "keda", "sec", &secret)];
        objects.extend(accounts.iter().map(|(name, account)| ("ServiceAccount", "ns", *name, account)));
        if case.truth("triggerAuthExists") {
            objects.extend([(KINDS[0], "ns", "ta", &object), (KINDS[1], "", "ta", &object)]);
        }
        let world = World { objects, namespace: "ns", keda_namespace: "keda", pod: Some(&pod) };
        let resolved = world.resolve(case.at("authenticationRef"));
        let Ok(Resolved { parameters, identity, .. }) = resolved else { return Row::compare(&true, &case.at("resolveError").is_string()) };
        let (trigger, env) = (case.map("triggerMetadata"), BTreeMap::new());
        let sources = Sources { trigger: &trigger, auth: &parameters, env: &env };
        let decided = AwsAuthorization::decide(&identity, sources).map(|decided| flat(&decided)).map_err(|error| error.why);
        let expected = case.text("authError").map_or_else(|| Ok(flat_from(case.at("auth"))), |error| Err(error.to_owned()));
        let ours = (parameters, identity.provider.name(), decided);
        Row::compare(&ours, &(case.map("authParams"), case.text("provider").unwrap_or_default(), expected))
    });
}

#[test]
fn identities_are_chosen_and_shared_as_keda_asserts() {
    let Some(vectors) = shared("aws-authorization") else { return };
    vectors.check_all(|case| match case.text("kind") {
        Some("authorization") => chosen(case),
        Some("configCache") => cached(case),
        other => Row::Differs(format!("unknown kind {other:?}")),
    });
}

fn chosen(case: &Case<'_>) -> Row {
    let inputs = Inputs::of(case, "input/");
    let ours = AwsAuthorization::decide(&inputs.identity, inputs.sources());
    match (ours, case.text("expected/error")) {
        (Err(error), Some(expected)) => Row::compare(&error.why.as_str(), &expected),
        (Ok(identity), None) => {
            let (ours, expected) = (flat(&identity), flat_from(case.at("expected")));
            let pairs = ours.as_array().into_iter().flatten().zip(expected.as_array().into_iter().flatten());
            let differs = pairs.into_iter().any(|(ours, expected)| !expected.is_null() && ours != expected);
            if differs { Row::compare(&ours, &expected) } else { Row::Same }
        }
        (ours, expected) => Row::Differs(format!("ours {ours:?}, KEDA's {expected:?}")),
    }
}

/// The rows are all of KEDA's own identity in some region; a configuration is a number here.
fn cached(case: &Case<'_>) -> Row {
    let key = |row: &Value| SharedKey::Own { region: row["awsRegion"].as_str().expect("a region").to_owned() };
    let user = |row: &Value| row["triggerUniqueKey"].as_str().expect("a key").to_owned();
    let mut configs = SharedConfigs::default();
    let mut made = 0;
    for row in case.list("input/cache") {
        for usage in row["usages"].as_array().expect("usages") {
            configs.get(&key(row), usage.as_str().expect("text"), || made);
        }
    }
    let mut returned = Vec::new();
    for row in case.list("input/get") {
        made += 1;
        returned.push(configs.get(&key(row), &user(row), || made));
    }
    for row in case.list("input/remove") {
        configs.remove(&key(row), &user(row));
    }
    let users: Vec<Value> = configs.users().map(|users| json!(users)).collect();
    let all = |wanted: &[Value]| wanted.iter().all(|one| users.iter().any(|users| users.as_array().expect("a list").contains(one)));
    let is_as_expected = [
        case.at("expected/entries") == &json!(users.len()),
        case.at("expected/usages").is_null() || case.at("expected/usages") == &json!(users),
        all(case.list("expected/usagesContain")),
        case.at("expected/sameConfigReturned").is_null() || returned == [0],
        case.at("expected/differentConfigs").is_null() || returned == [1, 2],
    ];
    Row::compare(&is_as_expected, &[true; 5])
}
