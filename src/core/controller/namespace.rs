//! Moves the objects of a release manifest from its own namespace to another.

use serde_json::Value;

/// Rewrites every mention of namespace `from` in `object` to `to`: where it lives, who its bindings name, which services
/// its webhooks and API services call, and the addresses of services in the arguments of its containers.
pub(super) fn move_object(object: &mut Value, from: &str, to: &str) {
    if object["kind"] == "Namespace" && object["metadata"]["name"] == from {
        object["metadata"]["name"] = to.into();
        if let Some(label) = object.pointer_mut("/metadata/labels/name").filter(|label| **label == from) {
            *label = to.into();
        }
    }
    rename(object.pointer_mut("/metadata/namespace"), from, to);
    for subject in items(object.get_mut("subjects")) {
        rename(subject.get_mut("namespace"), from, to);
    }
    rename(object.pointer_mut("/spec/service/namespace"), from, to);
    rename(object.pointer_mut("/spec/conversion/webhook/clientConfig/service/namespace"), from, to);
    for webhook in items(object.get_mut("webhooks")) {
        rename(webhook.pointer_mut("/clientConfig/service/namespace"), from, to);
    }
    for kind in ["containers", "initContainers"] {
        for container in items(object.pointer_mut(&format!("/spec/template/spec/{kind}"))) {
            for list in ["command", "args"] {
                items(container.get_mut(list)).for_each(|argument| readdress(argument, from, to));
            }
            for variable in items(container.get_mut("env")) {
                if let Some(value) = variable.get_mut("value") {
                    readdress(value, from, to);
                }
            }
        }
    }
}

fn items(list: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

fn rename(place: Option<&mut Value>, from: &str, to: &str) {
    if let Some(place) = place.filter(|place| **place == from) {
        *place = to.into();
    }
}

/// `keda-operator.keda.svc` and `--pod-namespace=keda`; other words that happen to be `from` are left.
fn readdress(argument: &mut Value, from: &str, to: &str) {
    let Some(text) = argument.as_str() else { return };
    let moved = text.replace(&format!(".{from}.svc"), &format!(".{to}.svc"));
    let moved = match moved.split_once('=') {
        Some((flag, value)) if flag.ends_with("namespace") && value == from => format!("{flag}={to}"),
        _ => moved,
    };
    *argument = moved.into();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn moved(mut object: Value) -> Value {
        move_object(&mut object, "keda", "scaling");
        object
    }

    #[test]
    fn the_namespace_itself_and_what_lives_in_it_move() {
        let namespace = moved(json!({"kind": "Namespace", "metadata": {"name": "keda", "labels": {"name": "keda", "app": "keda"}}}));
        assert_eq!(namespace["metadata"], json!({"name": "scaling", "labels": {"name": "scaling", "app": "keda"}}));
        assert_eq!(moved(json!({"kind": "Secret", "metadata": {"name": "keda", "namespace": "keda"}}))["metadata"]["name"], "keda");
        assert_eq!(moved(json!({"metadata": {"namespace": "kube-system"}}))["metadata"]["namespace"], "kube-system");
    }

    #[test]
    fn bindings_and_services_follow() {
        let binding = moved(json!({"subjects": [{"name": "keda-operator", "namespace": "keda"}, {"namespace": "kube-system"}]}));
        assert_eq!(binding["subjects"], json!([{"name": "keda-operator", "namespace": "scaling"}, {"namespace": "kube-system"}]));
        let service = json!({"spec": {"service": {"name": "keda-metrics-apiserver", "namespace": "keda"}}});
        assert_eq!(moved(service)["spec"]["service"]["namespace"], "scaling");
        let hook = json!({"webhooks": [{"clientConfig": {"service": {"name": "keda-admission-webhooks", "namespace": "keda"}}}]});
        assert_eq!(moved(hook)["webhooks"][0]["clientConfig"]["service"]["namespace"], "scaling");
    }

    #[test]
    fn addresses_in_arguments_follow_and_other_words_stay() {
        let args = json!(["/keda", "--metrics-service-address=keda-operator.keda.svc.cluster.local:9666", "--pod-namespace=keda", "keda"]);
        let deployment =
            moved(json!({"spec": {"template": {"spec": {"containers": [{"image": "ghcr.io/kedacore/keda:2", "args": args}]}}}}));
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let wanted = ["/keda", "--metrics-service-address=keda-operator.scaling.svc.cluster.local:9666", "--pod-namespace=scaling", "keda"];
        assert_eq!((&container["args"], &container["image"]), (&json!(wanted), &json!("ghcr.io/kedacore/keda:2")));
    }
}
