//! Whether this process may scale an object by itself: a KEDA that acts on the same one would double its jobs, or undo what is done.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::{
    controller::Install,
    error::{Error, Kind, Result},
    keda::pause::{PAUSED_ANNOTATION, Pauses, is_paused},
};

/// Checks that none of `installs` acts on `object`, a ScaledJob or ScaledObject in `namespace`: that they do not look there, or that
/// the object is paused, which stops KEDA.
///
/// # Errors
/// `Input`, naming the KEDA that acts on it.
pub fn check_alone(installs: &[Install], namespace: &str, object: &Value) -> Result<()> {
    let Some(keda) = installs.iter().find(|install| install.watch.covers(namespace)) else { return Ok(()) };
    let annotations: BTreeMap<String, String> = object["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    let kind = object["kind"].as_str().unwrap_or("ScaledJob");
    let is_job = kind == "ScaledJob";
    if if is_job { is_paused(&annotations) } else { Pauses::of(&annotations).all } {
        return Ok(());
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let harm = if is_job { "make twice the jobs" } else { "scale it against each other" };
    let why = format!("{} acts on it, and two scalers would {harm}", keda.describe());
    let hint = format!(
        "watch it with `kedactl watch --scaler keda`, or pause it for KEDA: `kubectl annotate {} {name} --namespace {namespace} {PAUSED_ANNOTATION}=true`",
        kind.to_lowercase()
    );
    Err(Error::new(Kind::Input, format!("could not scale the {kind} `{name}` in process"), why).hint(hint))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::controller::Watch;

    #[test]
    fn a_keda_that_looks_at_the_namespace_is_named_unless_the_object_is_paused() {
        let plain = json!({ "metadata": { "name": "video" } });
        let paused = json!({ "metadata": { "name": "video", "annotations": { PAUSED_ANNOTATION: "true" } } });
        let error = check_alone(&[Install::usual(Watch::All)], "default", &plain).expect_err("two would scale");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("KEDA 2.16.1 in namespace keda"), "{error}");
        check_alone(&[Install::usual(Watch::All)], "default", &paused).expect("KEDA leaves it alone");
        check_alone(&[Install::usual(Watch::Only(vec!["other".into()]))], "default", &plain).expect("KEDA looks elsewhere");
        check_alone(&[], "default", &plain).expect("there is no KEDA");
    }
}
