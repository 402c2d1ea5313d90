//! Whether this process may scale a ScaledJob by itself: a KEDA that acts on the same one would double its jobs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::{
    controller::Install,
    error::{Error, Kind, Result},
    keda::pause::{PAUSED_ANNOTATION, is_paused},
};

/// Checks that none of `installs` acts on `scaled_job`, which is in `namespace`: that they do not look there, or that
/// the object is paused, which stops KEDA.
///
/// # Errors
/// `Input`, naming the KEDA that acts on it.
pub fn check_alone(installs: &[Install], namespace: &str, scaled_job: &Value) -> Result<()> {
    let Some(keda) = installs.iter().find(|install| install.watch.covers(namespace)) else { return Ok(()) };
    let annotations: BTreeMap<String, String> = scaled_job["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    if is_paused(&annotations) {
        return Ok(());
    }
    let name = scaled_job["metadata"]["name"].as_str().unwrap_or_default();
    let why = format!("{} acts on it, and two scalers would make twice the jobs", keda.describe());
    let hint = format!(
        "watch it with `kedactl watch --scaler keda`, or pause it for KEDA: `kubectl annotate scaledjob {name} --namespace {namespace} {PAUSED_ANNOTATION}=true`"
    );
    Err(Error::new(Kind::Input, format!("could not scale the ScaledJob `{name}` in process"), why).hint(hint))
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
