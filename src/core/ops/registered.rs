//! What a scaler's metrics know before anything happens: the object, and the authentications beside it.

use serde_json::Value;

use crate::core::{error::Result, meter::Subject, ports::Objects, settings::ScalingKind};

/// The kinds that hold authentications.
const AUTHENTICATIONS: [&str; 2] = ["TriggerAuthentication", "ClusterTriggerAuthentication"];

/// The object of `kind` called `name` as metrics know it, and kind and namespace of each authentication, as far as they can be listed.
///
/// # Errors
/// When the object cannot be read; one that does not exist has no triggers.
pub async fn registered(
    objects: &dyn Objects,
    kind: ScalingKind,
    (namespace, name): (&str, &str),
) -> Result<(Subject, Vec<(String, String)>)> {
    let object = objects.get(kind.object(), name).await?.unwrap_or_default();
    let kinds = object["spec"]["triggers"].as_array().into_iter().flatten().filter_map(|trigger| trigger["type"].as_str());
    let subject = Subject { kind, namespace: namespace.to_owned(), name: name.to_owned(), triggers: kinds.map(str::to_owned).collect() };
    let mut authentications = Vec::new();
    for kind in AUTHENTICATIONS {
        let listed = objects.list(kind).await.unwrap_or_default();
        let namespace = |one: &Value| one["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        authentications.extend(listed.iter().map(|one| (kind.to_owned(), namespace(one))));
    }
    Ok((subject, authentications))
}
