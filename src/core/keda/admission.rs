//! What KEDA's admission webhook checks of a ScaledObject beside the objects around it: `apis/keda/v1alpha1/scaledobject_webhook.go`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::manifest::ScaledObject;
use crate::core::{
    error::{Error, Kind, Result},
    ports::ScaleTarget,
};

/// The annotation that leaves the check for other HPAs out.
const HPA_OWNERSHIP: &str = "validations.keda.sh/hpa-ownership";
/// The annotation by which an HPA that is there becomes KEDA's own.
const TRANSFER: &str = "scaledobject.keda.sh/transfer-hpa-ownership";
/// The kinds whose pods the webhook looks into.
const LOOKED_INTO: [&str; 2] = ["Deployment", "StatefulSet"];

/// Finds the object that a ScaledObject of a namespace scales.
pub type Find<'a> = &'a dyn Fn(&str, &ScaleTarget) -> Option<&'a Value>;

/// Checks that no two of `objects`, each with its namespace, scale the same, by the same HPA or beside one of `autoscalers`, and that the
/// pods of those with `cpu` and `memory` triggers request what is measured.
///
/// # Errors
/// `Input`, for the first that the webhook would refuse.
pub fn check(objects: &[(String, ScaledObject)], autoscalers: &[&Value], find: Find<'_>) -> Result<()> {
    let (mut targets, mut names) = (BTreeMap::new(), BTreeMap::new());
    for (namespace, object) in objects {
        let (name, target) = (&object.metadata.name, object.spec.target());
        let place = (namespace, target.api_version.clone(), target.kind.clone(), target.name.clone());
        if let Some(other) = targets.insert(place, name) {
            let why = format!("{} is already scaled by the ScaledObject `{other}`", shown(&target));
            return Err(refused(object, namespace, why).hint("remove one of them, or put the triggers of both into one"));
        }
        let hpa = hpa_name(object);
        if let Some(other) = names.insert((namespace, hpa.clone()), name) {
            return Err(refused(object, namespace, format!("the HPA `{hpa}` is already that of the ScaledObject `{other}`")));
        }
        check_autoscalers(object, namespace, autoscalers)?;
        check_requests(object, namespace, find(namespace, &target))?;
    }
    Ok(())
}

/// The name of the HPA that KEDA makes.
fn hpa_name(object: &ScaledObject) -> String {
    let config = object.spec.advanced.as_ref().and_then(|advanced| advanced.horizontal_pod_autoscaler_config.as_ref());
    let given = config.and_then(|config| config["name"].as_str()).filter(|name| !name.is_empty());
    given.map_or_else(|| format!("keda-hpa-{}", object.metadata.name), str::to_owned)
}

fn check_autoscalers(object: &ScaledObject, namespace: &str, autoscalers: &[&Value]) -> Result<()> {
    let annotation = |name: &str| object.metadata.annotations.get(name).map(String::as_str);
    if annotation(HPA_OWNERSHIP) == Some("false") {
        return Ok(());
    }
    let target = object.spec.target();
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    for hpa in autoscalers.iter().filter(|hpa| text(hpa, "/metadata/namespace") == namespace) {
        let scaled = ["apiVersion", "kind", "name"].map(|field| text(hpa, &format!("/spec/scaleTargetRef/{field}")));
        let name = text(hpa, "/metadata/name");
        let owners = hpa.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let is_kedas = owners.is_some_and(|owners| owners.iter().any(|owner| owner["kind"] == "ScaledObject"));
        let is_taken_over = annotation(TRANSFER) == Some("true") && hpa_name(object) == name;
        if scaled == [target.api_version.clone(), target.kind.clone(), target.name.clone()] && !is_kedas && !is_taken_over {
            let why = format!("{} is already scaled by the HPA `{name}`", shown(&target));
            let hint = format!(
                "remove the HPA, or let KEDA take it over: annotation {TRANSFER}: \"true\", and its name in spec.advanced.horizontalPodAutoscalerConfig.name"
            );
            return Err(refused(object, namespace, why).hint(hint));
        }
    }
    Ok(())
}

/// What is measured must be requested, or limited, by each container that counts; a target that is not there is not looked into.
fn check_requests(object: &ScaledObject, namespace: &str, target: Option<&Value>) -> Result<()> {
    let Some(target) = target.filter(|target| LOOKED_INTO.iter().any(|kind| target["kind"] == *kind)) else { return Ok(()) };
    let containers = target.pointer("/spec/template/spec/containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, trigger) in object.spec.triggers.iter().enumerate().filter(|(_, trigger)| trigger.is_resource()) {
        let only = trigger.metadata.get("containerName").filter(|name| !name.is_empty());
        for container in containers {
            let name = container["name"].as_str().unwrap_or_default();
            let counts = only.is_none_or(|only| only == name);
            if counts && !["requests", "limits"].iter().any(|part| is_set(&container["resources"][part][&trigger.kind])) {
                let kind = &trigger.kind;
                let why = format!("triggers[{index}] is `{kind}`, but container `{name}` requests no {kind}");
                return Err(refused(object, namespace, why).hint(format!("give the container resources.requests.{kind}")));
            }
        }
    }
    Ok(())
}

/// Whether a quantity is more than nothing.
fn is_set(quantity: &Value) -> bool {
    match quantity {
        Value::String(text) => text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) && !text.starts_with('-'),
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        _ => false,
    }
}

fn shown(target: &ScaleTarget) -> String {
    format!("{} `{}`", target.kind, target.name)
}

fn refused(object: &ScaledObject, namespace: &str, why: String) -> Error {
    Error::new(Kind::Input, format!("invalid ScaledObject {namespace}/{}, as KEDA's webhook has it", object.metadata.name), why)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::keda::manifest::scaled_object;

    fn object(name: &str, target: &str, more: &Value) -> (String, ScaledObject) {
        let mut value = json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": { "name": name },
            "spec": { "minReplicaCount": 1, "scaleTargetRef": { "name": target }, "triggers": [
                { "type": "cpu", "metricType": "Utilization", "metadata": { "value": "50" } },
            ] },
        });
        for (pointer, part) in more.as_object().into_iter().flatten() {
            let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
            value.pointer_mut(parent).expect("there")[field] = part.clone();
        }
        ("a".to_owned(), scaled_object(&value).expect("valid"))
    }

    fn refusal(objects: &[(String, ScaledObject)], autoscalers: &[&Value], target: Option<&Value>) -> Option<String> {
        check(objects, autoscalers, &|_, _| target).err().map(|error| error.why)
    }

    #[test]
    fn one_target_has_one_scaled_object_and_an_hpa_one_owner() {
        let plain = |name, target| object(name, target, &json!({}));
        let twice = [plain("x", "web"), plain("y", "web")];
        assert_eq!(refusal(&twice, &[], None).as_deref(), Some("Deployment `web` is already scaled by the ScaledObject `x`"));
        assert_eq!(refusal(&[plain("x", "web"), ("b".to_owned(), plain("y", "web").1)], &[], None), None, "another namespace");
        let other_kind = object("y", "web", &json!({ "/spec/scaleTargetRef/kind": "StatefulSet" }));
        assert_eq!(refusal(&[plain("x", "web"), other_kind], &[], None), None);
        let named = object("y", "db", &json!({ "/spec/advanced": { "horizontalPodAutoscalerConfig": { "name": "keda-hpa-x" } } }));
        let why = refusal(&[plain("x", "web"), named], &[], None).expect("refused");
        assert_eq!(why, "the HPA `keda-hpa-x` is already that of the ScaledObject `x`");
    }

    #[test]
    fn an_hpa_of_somebody_else_is_in_the_way_unless_it_is_taken_over() {
        let hpa = json!({ "metadata": { "name": "mine", "namespace": "a" },
            "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } } });
        let with = |more: Value| refusal(&[object("x", "web", &more)], &[&hpa], None);
        assert_eq!(with(json!({})).as_deref(), Some("Deployment `web` is already scaled by the HPA `mine`"));
        assert_eq!(with(json!({ "/metadata/annotations": { HPA_OWNERSHIP: "false" } })), None);
        let taken = json!({ "/metadata/annotations": { TRANSFER: "true" },
            "/spec/advanced": { "horizontalPodAutoscalerConfig": { "name": "mine" } } });
        assert_eq!(with(taken), None);
        let mut kedas = hpa.clone();
        kedas["metadata"]["ownerReferences"] = json!([{ "kind": "ScaledObject", "name": "x" }]);
        assert_eq!(refusal(&[object("x", "web", &json!({}))], &[&kedas], None), None);
        assert_eq!(refusal(&[object("x", "db", &json!({}))], &[&hpa], None), None);
    }

    #[test]
    fn what_is_measured_of_pods_must_be_requested() {
        let target = |resources: Value| {
            let containers =
                json!([{ "name": "app", "resources": resources }, { "name": "side", "resources": { "limits": { "cpu": 1 } } }]);
            json!({ "kind": "Deployment", "spec": { "template": { "spec": { "containers": containers } } } })
        };
        let objects = [object("x", "web", &json!({}))];
        let asked = |resources: Value| refusal(&objects, &[], Some(&target(resources)));
        assert_eq!(asked(json!({ "requests": { "cpu": "100m" } })), None);
        let why = "triggers[0] is `cpu`, but container `app` requests no cpu";
        for none in [json!(null), json!({ "requests": { "memory": "1Gi" } }), json!({ "requests": { "cpu": "0" } })] {
            assert_eq!(asked(none).as_deref(), Some(why));
        }
        let only = json!({ "/spec/triggers": [
            { "type": "cpu", "metricType": "Utilization", "metadata": { "value": "50", "containerName": "side" } }] });
        assert_eq!(refusal(&[object("x", "web", &only)], &[], Some(&target(json!(null)))), None);
    }
}
