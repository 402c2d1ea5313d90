//! Whether KEDA works: each claim of setup, checked on the objects as they are.

use serde_json::Value;

use super::{
    EXTERNAL_METRICS, Found, Identity, KEDA_GROUP,
    matrix::{Fit, fit},
};
use crate::core::{
    check::Check,
    readiness::{Readiness, readiness},
    settings::Auth,
};

/// The definitions without which a ScaledJob cannot be.
const DEFINITIONS: &[&str] = &["scaledjobs.keda.sh", "triggerauthentications.keda.sh", "clustertriggerauthentications.keda.sh"];

/// The objects that the checks look at.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// KEDA's namespace.
    pub namespace: String,
    /// Deployments of KEDA's namespace.
    pub deployments: Vec<Value>,
    /// Running pods of the operator.
    pub pods: Vec<Value>,
    /// The operator's service account.
    pub account: Option<Value>,
    /// Custom resource definitions.
    pub definitions: Vec<Value>,
    /// The API service of external metrics.
    pub external_metrics: Option<Value>,
    /// The stack's ScaledJob or ScaledObject.
    pub scaling: Option<Value>,
}

/// Checks `evidence` of the KEDA in `found`, whose operator is to have `identity`.
#[must_use]
pub fn verify(found: &Found, identity: &Identity, evidence: &Evidence) -> Vec<Check> {
    let Some(install) = found.installs.first() else {
        return vec![Check::failed("KEDA is installed", "no operator was found in any namespace").repair("kedactl setup")];
    };
    let mut checks = vec![version(install.version.as_deref().unwrap_or("unknown"), &found.server, &install.describe())];
    checks.extend(install.release.as_deref().map(applied));
    checks.push(definitions(&evidence.definitions));
    let part_of_keda = evidence.deployments.iter().filter(|deployment| is_part(deployment));
    checks.extend(part_of_keda.map(|deployment| available(deployment, &evidence.namespace)));
    checks.push(external_metrics(found, evidence.external_metrics.as_ref()));
    checks.extend(annotation(identity, evidence));
    checks.extend(variables(identity, evidence, &install.deployment));
    checks.push(scaling(evidence.scaling.as_ref(), &install.deployment, &evidence.namespace));
    checks
}

fn version(keda: &str, server: &str, described: &str) -> Check {
    let name = "KEDA supports this Kubernetes";
    match fit(keda, server) {
        Fit::Tested => Check::passed(name, format!("{described}; Kubernetes {server}")),
        Fit::Unknown(why) => Check::warned(name, why),
        Fit::Unsupported(why) => Check::warned(name, why).repair("install a KEDA that supports it"),
    }
}

fn applied(digest: &str) -> Check {
    Check::passed("KEDA's release manifest was applied whole", format!("SHA-256 {digest}, which --sha256 holds to"))
}

fn definitions(all: &[Value]) -> Check {
    let name = "KEDA's kinds are established";
    let find = |wanted: &str| all.iter().find(|definition| definition["metadata"]["name"] == wanted);
    let missing: Vec<&str> = DEFINITIONS.iter().copied().filter(|wanted| !find(wanted).is_some_and(established)).collect();
    if missing.is_empty() {
        let count = all.iter().filter(|definition| definition["spec"]["group"] == KEDA_GROUP).count();
        return Check::passed(name, format!("{count} definitions"));
    }
    Check::failed(name, format!("not established: {}", missing.join(", "))).repair("kedactl setup")
}

/// Whether the API server serves the kind.
pub(super) fn established(definition: &Value) -> bool {
    condition(definition, "Established").is_some_and(|condition| condition["status"] == "True")
}

/// KEDA's own Deployments, by the labels that chart and manifest give them.
fn is_part(deployment: &Value) -> bool {
    let labels = &deployment["metadata"]["labels"];
    labels["app.kubernetes.io/part-of"] == "keda-operator"
        || ["app.kubernetes.io/name", "app"].iter().any(|key| labels[*key].as_str().is_some_and(|name| name.starts_with("keda-")))
}

fn available(deployment: &Value, namespace: &str) -> Check {
    let object = deployment["metadata"]["name"].as_str().unwrap_or_default();
    let name = format!("{object} is available");
    match readiness("Deployment", deployment) {
        Readiness::Ready => Check::passed(name, "all replicas"),
        Readiness::Waiting(why) | Readiness::Failed(why) => {
            Check::failed(name, why).repair(format!("kubectl describe deployment {object} --namespace {namespace}"))
        }
    }
}

fn external_metrics(found: &Found, service: Option<&Value>) -> Check {
    let name = "external metrics belong to KEDA";
    let Some(service) = service else {
        return Check::warned(
            name,
            format!("there is no APIService {EXTERNAL_METRICS}; a ScaledJob does without, a ScaledObject does not"),
        );
    };
    let owner = found.external_metrics.as_deref().unwrap_or("nobody");
    if !owner.contains("/keda-") {
        return Check::warned(name, format!("they belong to {owner}; a ScaledJob does without, a ScaledObject does not"));
    }
    match condition(service, "Available") {
        Some(available) if available["status"] == "True" => Check::passed(name, owner),
        Some(available) => {
            let why = available["message"].as_str().unwrap_or("not available");
            Check::failed(name, format!("{owner}: {why}")).repair(format!("kubectl describe apiservice {EXTERNAL_METRICS}"))
        }
        None => Check::failed(name, format!("{owner}: no word on whether it is available"))
            .repair(format!("kubectl describe apiservice {EXTERNAL_METRICS}")),
    }
}

fn annotation(identity: &Identity, evidence: &Evidence) -> Option<Check> {
    let (key, wanted) = identity.annotation()?;
    let name = "KEDA's service account names the stack's role";
    let actual = evidence.account.as_ref().and_then(|account| account["metadata"]["annotations"][key].as_str());
    let repair =
        || format!("kubectl annotate serviceaccount {} {key}={wanted} --namespace {}", identity.service_account, evidence.namespace);
    Some(match actual {
        Some(actual) if actual == wanted => Check::passed(name, wanted),
        Some(actual) => Check::failed(name, format!("{key} is {actual}, not {wanted}")).repair(format!("{} --overwrite", repair())),
        None => Check::failed(name, format!("it has no annotation {key}")).repair(repair()),
    })
}

fn variables(identity: &Identity, evidence: &Evidence, deployment: &str) -> Option<Check> {
    let name = match identity.auth {
        Auth::Secret => return None,
        Auth::Irsa | Auth::PodIdentity => format!("the running operator has {}", identity.variables().join(" and ")),
    };
    if evidence.pods.is_empty() {
        return Some(Check::skipped(name, "no operator pod runs"));
    }
    let lacking: Vec<&str> =
        evidence.pods.iter().filter(|pod| !identity.is_known_to(pod)).filter_map(|pod| pod["metadata"]["name"].as_str()).collect();
    if lacking.is_empty() {
        return Some(Check::passed(name, identity.role_arn.clone()));
    }
    let restart = format!("kubectl rollout restart deployment/{deployment} --namespace {}", evidence.namespace);
    let who = lacking.join(", ");
    Some(match identity.auth {
        Auth::PodIdentity => {
            Check::failed(name, format!("EKS put nothing into {who}: the association or the agent was missing when it started"))
                .repair(format!("aws eks create-addon --cluster-name CLUSTER --addon-name eks-pod-identity-agent; {restart}"))
        }
        Auth::Irsa | Auth::Secret => Check::failed(name, format!("the EKS pod identity webhook did not inject the role into {who}"))
            .repair(format!("see that the webhook runs (kubectl get mutatingwebhookconfiguration pod-identity-webhook); {restart}")),
    })
}

fn scaling(object: Option<&Value>, operator: &str, namespace: &str) -> Check {
    let Some(object) = object else { return Check::skipped("the scaling object is Ready", "there is none yet") };
    let kind = object["kind"].as_str().unwrap_or("ScaledJob");
    let name = format!("the {kind} is Ready");
    match readiness(kind, object) {
        Readiness::Ready => Check::passed(name, "KEDA reads its triggers"),
        Readiness::Waiting(why) | Readiness::Failed(why) => {
            Check::failed(name, why).repair(format!("kubectl logs deployment/{operator} --namespace {namespace}, or kedactl doctor"))
        }
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::{check::CheckState, controller::Scene};

    const ROLE: &str = "arn:aws:iam::123456789012:role/keda-operator";

    fn condition(kind: &str, status: &str) -> Value {
        json!({"conditions": [{"type": kind, "status": status, "message": "because"}]})
    }

    fn deployment(name: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "keda", "generation": 1,
                "labels": {"app": name, "app.kubernetes.io/version": "2.20.2", "app.kubernetes.io/part-of": "keda-operator"}},
            "spec": {"replicas": 1, "template": {"spec": {"serviceAccountName": "keda-operator"}}},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}})
    }

    fn evidence() -> Evidence {
        let definition = |name: &str| json!({"metadata": {"name": name}, "spec": {"group": "keda.sh", "versions": []}, "status": condition("Established", "True")});
        let env = json!([{"name": "AWS_ROLE_ARN", "value": ROLE}, {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/token"}]);
        Evidence {
            namespace: "keda".into(),
            deployments: ["keda-operator", "keda-metrics-apiserver", "keda-admission"].map(deployment).to_vec(),
            pods: vec![json!({"metadata": {"name": "keda-operator-1"}, "spec": {"containers": [{"env": env}]}})],
            account: Some(json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": ROLE}}})),
            definitions: DEFINITIONS.iter().map(|name| definition(name)).collect(),
            external_metrics: Some(json!({"spec": {"service": {"namespace": "keda", "name": "keda-metrics-apiserver"}},
                "status": condition("Available", "True")})),
            scaling: Some(json!({"kind": "ScaledJob", "status": condition("Ready", "True")})),
        }
    }

    fn failed(change: impl FnOnce(&mut Evidence), auth: Auth) -> Vec<Check> {
        let mut evidence = evidence();
        change(&mut evidence);
        let found = Found::read(&Scene {
            server: "v1.33.1".into(),
            deployments: evidence.deployments.clone(),
            definitions: evidence.definitions.clone(),
            external_metrics: evidence.external_metrics.clone(),
            helm: vec![],
        });
        let identity = Identity { auth, role_arn: ROLE.into(), service_account: "keda-operator".into() };
        verify(&found, &identity, &evidence).into_iter().filter(|check| check.state != CheckState::Passed).collect()
    }

    #[test]
    fn a_keda_that_works_passes_every_check() {
        assert_eq!(failed(|_| {}, Auth::Irsa), []);
    }

    #[test]
    fn each_broken_link_fails_its_own_check_with_its_repair() {
        type Break = fn(&mut Evidence);
        let cases: [(Break, &str, &str); 7] = [
            (|evidence| evidence.deployments.clear(), "KEDA is installed", "kedactl setup"),
            (|evidence| evidence.definitions.truncate(1), "KEDA's kinds are established", "kedactl setup"),
            (
                |evidence| evidence.deployments[2]["status"]["availableReplicas"] = 0.into(),
                "keda-admission is available",
                "describe deployment",
            ),
            (
                |evidence| evidence.external_metrics.as_mut().expect("one")["status"] = condition("Available", "False"),
                "external metrics belong to KEDA",
                "describe apiservice",
            ),
            (|evidence| evidence.account = None, "KEDA's service account names the stack's role", "kubectl annotate serviceaccount"),
            (
                |evidence| evidence.pods[0]["spec"] = json!({}),
                "the running operator has AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE",
                "pod-identity-webhook",
            ),
            (|evidence| evidence.scaling.as_mut().expect("one")["status"] = condition("Ready", "False"), "the ScaledJob is Ready", "logs"),
        ];
        for (change, name, repair) in cases {
            let found = failed(change, Auth::Irsa);
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            assert!(found[0].is_failed() && found[0].name == name, "{found:?}");
            assert!(found[0].repair.as_ref().is_some_and(|text| text.contains(repair)), "{found:?}");
        }
    }

    #[test]
    fn a_missing_pod_identity_names_the_agent() {
        let found = failed(|_| {}, Auth::PodIdentity);
        assert!(found[0].repair.as_ref().is_some_and(|repair| repair.contains("eks-pod-identity-agent")), "{found:?}");
        assert_eq!(failed(|evidence| evidence.pods[0]["spec"] = json!({}), Auth::Secret), []);
    }

    #[test]
    fn another_adapter_is_reported_and_harms_no_scaled_job() {
        let other = json!({"spec": {"service": {"namespace": "monitoring", "name": "adapter"}}, "status": condition("Available", "True")});
        let found = failed(|evidence| evidence.external_metrics = Some(other), Auth::Irsa);
        assert_eq!(found[0].state, CheckState::Warned);
        assert!(found[0].detail.contains("monitoring/adapter"), "{found:?}");
    }
}
