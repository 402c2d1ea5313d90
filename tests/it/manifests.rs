//! The manifests of every combination of settings: what API servers accept, what pods may do, where values end.

pub(crate) mod schema;
mod scripts;

use kedactl::core::{
    facts::Facts,
    settings::{Choices, Key, Origin, Settings, TriggerKind},
    template::Template,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use schema::Schemas;

/// A stack name and a namespace as long as they may be.
const LONGEST: &str = "a2345678901234567890123456789012";
const LONGEST_NAMESPACE: &str = "n23456789012345678901234567890123456789012345678901234567890123";

fn facts(stack: &str, choices: &[(Key, &str)]) -> Facts {
    let choices: Choices = choices.iter().map(|(key, text)| (*key, (*text).to_owned())).collect();
    let stack = stack.parse().expect("a stack's name");
    let settings = Settings::resolve(stack, "/s".into(), "123456789012", &[(Origin::Flag, choices)]).expect("valid settings");
    Facts::new(&settings, "https://oidc.example/id/A")
}

/// Every combination of trigger, target, way to authenticate, its scope, image, endpoint, expiry and namespace.
fn combinations() -> Vec<Facts> {
    let targets: [&[(Key, &str)]; 3] =
        [&[], &[(Key::Context, "c"), (Key::Region, "eu-west-1")], &[(Key::Cluster, "video"), (Key::Region, "cn-north-1")]];
    let auths: [&[(Key, &str)]; 3] = [&[(Key::Auth, "irsa")], &[(Key::Auth, "pod-identity")], &[(Key::Auth, "secret")]];
    let scopes: [&[(Key, &str)]; 2] = [&[], &[(Key::AuthScope, "cluster")]];
    let images: [&[(Key, &str)]; 2] = [&[], &[(Key::Image, "registry.example/kedactl:1")]];
    let endpoints: [&[(Key, &str)]; 2] = [&[], &[(Key::EndpointUrl, "http://10.0.0.1:4566")]];
    let kinds: [&[(Key, &str)]; 2] = [&[], &[(Key::Kind, "scaled-object")]];
    let rest: [&[(Key, &str)]; 2] =
        [&[], &[(Key::ExpiresAt, "2030-01-02T15:04:05Z"), (Key::Namespace, "video"), (Key::Queue, "jobs.fifo")]];
    let mut found = Vec::new();
    for target in targets {
        for auth in auths {
            let is = |key: Key, text: &str| auth.contains(&(key, text));
            let has = |key: Key| target.iter().any(|(given, _)| *given == key);
            if target.is_empty() && !is(Key::Auth, "irsa") || has(Key::Context) && is(Key::Auth, "pod-identity") {
                continue;
            }
            for scope in scopes {
                for image in images.iter().filter(|image| image.is_empty() || !target.is_empty()) {
                    for endpoint in endpoints {
                        for (kind, more) in kinds.iter().flat_map(|kind| rest.iter().map(move |more| (kind, more))) {
                            for trigger in TriggerKind::ALL {
                                let trigger = [(Key::Trigger, trigger.word())];
                                found.push(facts("orders", &[target, auth, scope, image, endpoint, *kind, *more, &trigger].concat()));
                            }
                        }
                    }
                }
            }
        }
    }
    found
}

fn objects(facts: &Facts) -> Vec<Value> {
    let kubernetes = Template::ALL.into_iter().filter(|template| template.is_object() && facts.needs(*template));
    kubernetes.map(|template| parsed(&template.render(facts).expect("renders"))).collect()
}

fn parsed(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// The pod template in `object`, where there is one.
fn pod(object: &Value) -> Option<&Value> {
    ["/spec/template", "/spec/jobTargetRef/template"].iter().find_map(|pointer| object.pointer(pointer))
}

#[test]
fn every_object_is_what_the_api_server_and_keda_accept() {
    let Some(schemas) = Schemas::of_keda() else { return super::support::skipped("no CRDs of KEDA") };
    for facts in combinations() {
        for object in objects(&facts) {
            let faults = schemas.faults(&object);
            assert!(faults.is_empty(), "{}: {faults:?}\n{object:#}", object["kind"]);
        }
    }
}

#[test]
fn every_object_says_whose_it_is_and_when_it_expires() {
    for facts in combinations() {
        for object in objects(&facts) {
            let metadata = &object["metadata"];
            let labels = &metadata["labels"];
            assert_eq!(labels["app.kubernetes.io/managed-by"], "kedactl", "{object:#}");
            assert_eq!((&labels["kedactl.dev/stack"], &labels["app.kubernetes.io/part-of"]), (&json!("orders"), &json!("orders")));
            assert!(labels["app.kubernetes.io/name"].is_string(), "{object:#}");
            assert_eq!(metadata["annotations"]["kedactl.dev/expires-at"].as_str(), facts.expires_at.as_deref(), "{object:#}");
        }
    }
}

#[test]
fn every_pod_is_confined_and_has_limits() {
    for facts in combinations() {
        for object in objects(&facts) {
            let Some(pod) = pod(&object) else { continue };
            let spec = &pod["spec"];
            assert_eq!((&spec["automountServiceAccountToken"], &spec["securityContext"]["runAsNonRoot"]), (&json!(false), &json!(true)));
            assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
            assert!(spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds >= 30), "{object:#}");
            assert_eq!(pod["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"], "true");
            for container in spec["containers"].as_array().expect("containers") {
                let security = &container["securityContext"];
                let wanted = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
                assert_eq!(*security, wanted);
                assert!(container["resources"]["requests"]["cpu"].is_string() && container["resources"]["limits"]["memory"].is_string());
            }
        }
    }
}

#[test]
fn no_manifest_holds_a_key() {
    for facts in combinations() {
        for object in objects(&facts) {
            assert_ne!(object["kind"], "Secret");
            let Some(pod) = pod(&object) else { continue };
            let containers = pod["spec"]["containers"].as_array().expect("containers");
            for variable in containers.iter().flat_map(|container| container["env"].as_array().into_iter().flatten()) {
                let name = variable["name"].as_str().expect("named");
                assert_eq!(
                    variable["valueFrom"]["secretKeyRef"].is_object(),
                    name.starts_with("AWS_ACCESS") || name.starts_with("AWS_SECRET")
                );
                assert!(!name.starts_with("AWS_ACCESS") || variable.get("value").is_none(), "{variable}");
            }
        }
    }
}

#[test]
fn only_web_identity_names_a_role_on_the_service_account() {
    let role = |auth: &str| {
        let facts = facts("demo", &[(Key::Cluster, "video"), (Key::Region, "eu-west-1"), (Key::Auth, auth)]);
        let account = parsed(&Template::ServiceAccount.render(&facts).expect("renders"));
        account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].as_str().map(str::to_owned)
    };
    assert_eq!(role("irsa").as_deref(), Some("arn:aws:iam::123456789012:role/video-workload"));
    assert_eq!((role("pod-identity"), role("secret")), (None, None));
}

#[test]
fn the_longest_names_stay_within_every_limit() {
    let facts = facts(
        LONGEST,
        &[(Key::Context, "c"), (Key::Region, "eu-west-1"), (Key::Namespace, LONGEST_NAMESPACE), (Key::AuthScope, "cluster")],
    );
    for object in objects(&facts) {
        let name = object["metadata"]["name"].as_str().or_else(|| object["metadata"]["generateName"].as_str()).expect("named");
        // A Job's name is a label of its pods, and five characters are added to the ScaledJob's; eleven to a ReplicaSet's.
        let limit = match object["kind"].as_str().expect("kind") {
            "ScaledJob" | "Job" => 63 - 6,
            "Deployment" => 63 - 11,
            "Service" | "Namespace" => 63,
            _ => 253,
        };
        assert!(name.len() <= limit, "{}: {name} has {} of {limit} characters", object["kind"], name.len());
        let labels = object["metadata"]["labels"].as_object().expect("labels").values();
        assert!(labels.filter_map(Value::as_str).all(|label| label.len() <= 63), "{object:#}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a name or a URL is, it ends up where it belongs and nowhere else.
    #[test]
    fn no_value_breaks_out_of_its_place(trigger in prop::sample::select(&TriggerKind::ALL[..]), nasty in "[ -~\n\u{85}\u{2028}é\t]{1,40}") {
        const PLAIN: &str = "plain-sentinel";
        let choices = [(Key::Cluster, "video"), (Key::Region, "eu-west-1"), (Key::Auth, "secret"), (Key::EndpointUrl, "http://e")];
        let filled = |text: &str| {
            let mut facts = facts("demo", &choices);
            facts.trigger = trigger;
            for field in [&mut facts.queue_url, &mut facts.stream, &mut facts.table, &mut facts.metric_namespace, &mut facts.analyzer_url, &mut facts.images.consumer, &mut facts.images.producer,
                &mut facts.images.analyzer, &mut facts.namespace, &mut facts.stack, &mut facts.trigger_auth, &mut facts.workload_secret] {
                text.clone_into(field);
            }
            facts.endpoint_url = Some(text.to_owned());
            facts.expires_at = Some(text.to_owned());
            facts
        };
        for template in Template::ALL.into_iter().filter(|template| template.is_object()) {
            let mut actual = parsed(&template.render(&filled(&nasty)).expect("renders"));
            replace(&mut actual, &nasty, PLAIN);
            prop_assert_eq!(actual, parsed(&template.render(&filled(PLAIN)).expect("renders")));
        }
    }
}

fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, from, to)),
        _ => {}
    }
}
