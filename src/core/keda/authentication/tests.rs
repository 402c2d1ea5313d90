//! Resolving beyond KEDA's own results: precedence, containers, what is said.

use serde_json::json;

use super::*;
use crate::core::keda::manifest::trigger_authentication;

fn spec(spec: &Value) -> TriggerAuthenticationSpec {
    let value = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "TriggerAuthentication", "metadata": {"name": "ta"}, "spec": spec});
    trigger_authentication(&value).expect("valid").spec
}

fn reference(kind: Option<&str>) -> AuthenticationRef {
    AuthenticationRef { name: "ta".to_owned(), kind: kind.map(str::to_owned) }
}

fn resolve(given: &Value, pod: &Value, reference: &AuthenticationRef) -> Result<Resolved> {
    let spec = spec(given);
    let question = Question { reference: Some(reference), spec: Some(&spec), pod: Some(pod), namespace: "work", keda_namespace: "keda" };
    let data = |value: &str| Some(BTreeMap::from([("key".to_owned(), value.to_owned())]));
    let own = |store: Store, name: &str| match (store, name) {
        (Store::Secret, "s") => data("own secret"),
        (Store::ConfigMap, "c") => data("own map"),
        _ => None,
    };
    let keda = |store: Store, name: &str| if (store, name) == (Store::Secret, "s") { data("keda's secret") } else { None };
    let referenced: &Lookup<'_> = if question.is_cluster_wide() { &keda } else { &own };
    question.resolve(Objects { own: &own, referenced, service_account: None, token: &|_| None })
}

fn pod() -> Value {
    json!({"containers": [
        {"name": "a", "env": [{"name": "V", "value": "plain a"}]},
        {"name": "b", "env": [{"name": "V", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}}]},
        {"name": "c", "env": [{"name": "V", "valueFrom": {"secretKeyRef": {"name": "absent", "key": "key"}}}]},
    ]})
}

#[test]
fn a_secret_beats_a_config_map_and_that_a_variable() {
    let env = json!({"parameter": "p", "name": "V"});
    let key = |name: &str| json!({"parameter": "p", "name": name, "key": "key"});
    for (given, expected) in [
        (json!({"env": [env]}), "plain a"),
        (json!({"env": [env], "configMapTargetRef": [key("c")]}), "own map"),
        (json!({"env": [env], "configMapTargetRef": [key("c")], "secretTargetRef": [key("s")]}), "own secret"),
        // What does not exist is empty, and an empty value replaces too.
        (json!({"env": [env], "secretTargetRef": [key("absent")]}), ""),
        (json!({"secretTargetRef": [key("s"), key("absent")]}), ""),
    ] {
        assert_eq!(resolve(&given, &pod(), &reference(None)).expect("resolved").parameters["p"], expected, "{given}");
    }
}

#[test]
fn a_variable_is_of_the_named_container_in_the_objects_own_namespace() {
    let env = |container: &str| json!({"env": [{"parameter": "p", "name": "V", "containerName": container}]});
    for (container, expected) in [("a", "plain a"), ("b", "own secret"), ("", "plain a"), ("c", ""), ("d", "")] {
        for kind in [None, Some("ClusterTriggerAuthentication")] {
            let resolved = resolve(&env(container), &pod(), &reference(kind)).expect("resolved");
            assert_eq!(resolved.parameters["p"], expected, "{container}");
            assert_eq!(resolved.notes.len(), usize::from(expected.is_empty()), "{:?}", resolved.notes);
        }
    }
}

#[test]
fn the_clusters_kind_reads_kedas_namespace_only() {
    let given =
        json!({"secretTargetRef": [{"parameter": "p", "name": "s", "key": "key"}, {"parameter": "q", "name": "own", "key": "key"}]});
    let resolved = resolve(&given, &pod(), &reference(Some("ClusterTriggerAuthentication"))).expect("resolved");
    assert_eq!((resolved.parameters["p"].as_str(), resolved.parameters["q"].as_str()), ("keda's secret", ""));
    assert!(resolved.notes[0].contains("no Secret `own` in namespace `keda`"), "{:?}", resolved.notes);
    assert!(!format!("{resolved:?}").contains("keda's secret"), "{resolved:?}");
}

#[test]
fn what_cannot_be_read_from_here_is_refused_or_noted_as_keda_would_fail_or_go_on() {
    let vault = json!({"hashiCorpVault": {"address": "a", "authentication": "token", "credential": {"token": "s3cr3t"},
        "secrets": [{"parameter": "p", "path": "x", "key": "k"}]}});
    let azure = json!({"azureKeyVault": {"vaultUri": "u", "secrets": [{"parameter": "p", "name": "n"}]}});
    let file = json!({"filePath": "creds.json"});
    for (given, field) in [(&vault, "spec.hashiCorpVault"), (&azure, "spec.azureKeyVault"), (&file, "spec.filePath")] {
        let error = resolve(given, &pod(), &reference(None)).expect_err(field);
        assert!(error.to_string().contains(field) && error.hint.is_some(), "{error}");
        assert!(!format!("{error:?} {:?}", spec(given)).contains("s3cr3t"), "{error:?}");
    }
    let google = json!({"gcpSecretManager": {"secrets": [{"parameter": "p", "id": "i"}]}});
    let amazon = json!({"awsSecretManager": {"secrets": [{"parameter": "p", "name": "n"}]}});
    for given in [google, amazon] {
        let resolved = resolve(&given, &pod(), &reference(None)).expect("goes on");
        assert!(resolved.parameters.is_empty() && resolved.notes.len() == 1, "{resolved:?}");
    }
}

#[test]
fn only_what_an_answer_takes_is_named() {
    let given = spec(&json!({
        "env": [{"parameter": "p", "name": "V", "containerName": "b"}],
        "secretTargetRef": [{"parameter": "q", "name": "keys", "key": "k"}, {"parameter": "r", "name": "keys", "key": "l"}],
        "podIdentity": {"provider": "aws-eks"},
    }));
    let (reference, pod) = (reference(None), pod());
    let question = Question { reference: Some(&reference), spec: Some(&given), pod: Some(&pod), namespace: "work", keda_namespace: "keda" };
    let one = |name: &str| BTreeSet::from([(Store::Secret, name.to_owned())]);
    assert_eq!(question.named(), Named { own: one("s"), referenced: one("keys"), service_account: Some("default".to_owned()) });
    assert_eq!(Question { spec: None, ..question }.named(), Named::default());
}
