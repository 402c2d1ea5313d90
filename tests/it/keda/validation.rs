//! Which objects are refused, and which are paused.

use kedactl::core::keda::{
    fallback::{Behavior, Fallback},
    manifest::{
        Metadata, ScaledJob, ScaledObject, ScaledObjectSpec, Trigger, trigger_authentication::TriggerAuthenticationSpec, validate_triggers,
    },
    pause::{Pauses, has_pause, paused_replicas},
    trigger::metric_type::MetricType,
};
use serde_json::Value;

use super::{
    inputs::pod_identity,
    vectors::{Case, Row, shared},
};

#[test]
fn objects_are_refused_and_paused_as_keda_asserts() {
    let Some(vectors) = shared("validation") else { return };
    vectors.check_all(|case| match case.text("kind").expect("a kind") {
        "triggers" => Row::compare(&validate_triggers(&triggers(case)).is_err(), &!case.at("expected/error").is_null()),
        "hasPausedAnnotation" => Row::compare(&has_pause(&case.map("input/annotations")), &case.truth("expected/result")),
        "scaledObjectPaused" => Row::compare(&Pauses::of(&case.map("input/annotations")).all, &case.truth("expected/result")),
        "pausedReplicaCount" => {
            let read = paused_replicas(&case.map("input/annotations"));
            let ours = (read.as_ref().ok().copied().flatten(), read.is_err());
            Row::compare(&ours, &(case.small("expected/value"), case.truth("expected/error")))
        }
        "identifier" => {
            let text = |name: &str| case.text(&format!("input/{name}")).expect("text").to_owned();
            let metadata = Metadata { name: text("name"), namespace: Some(text("namespace")), ..Metadata::default() };
            let ours = if text("kind").eq_ignore_ascii_case("ScaledJob") {
                ScaledJob { metadata, ..ScaledJob::default() }.identifier()
            } else {
                ScaledObject { metadata, ..ScaledObject::default() }.identifier()
            };
            Row::compare(&Some(ours.as_str()), &case.text("expected/identifier"))
        }
        "scaledObjectBounds" => Row::compare(&bounds(case).check_bounds().is_err(), &!case.at("expected/error").is_null()),
        "hpaReplicas" => {
            let (min, max) = bounds(case).hpa_bounds();
            Row::compare(&(Some(min), Some(max)), &(case.small("expected/hpaMin"), case.small("expected/hpaMax")))
        }
        "fallbackValid" => Row::compare(&fallback_spec(case).check_fallback().is_err(), &!case.at("expected/errorContains").is_null()),
        "triggerAuthWebhook" => Row::compare(&authentication(case).validate().is_err(), &case.truth("expected/error")),
        other => Row::Differs(format!("unknown kind {other}")),
    });
}

pub(super) fn authentication(case: &Case<'_>) -> TriggerAuthenticationSpec {
    let identity = pod_identity(case.at("input/podIdentity"));
    TriggerAuthenticationSpec { pod_identity: Some(identity), ..TriggerAuthenticationSpec::default() }
}

pub(super) fn triggers(case: &Case<'_>) -> Vec<Trigger> {
    let read = |trigger: &Value| Trigger {
        kind: trigger["type"].as_str().expect("a type").to_owned(),
        name: trigger["name"].as_str().map(str::to_owned),
        metric_type: trigger["metricType"].as_str().and_then(MetricType::from_name),
        use_cached_metrics: trigger["useCachedMetrics"] == true,
        ..Trigger::default()
    };
    case.list("input/triggers").iter().map(read).collect()
}

pub(super) fn fallback_spec(case: &Case<'_>) -> ScaledObjectSpec {
    let given = case.at("input/fallback");
    let small = |name: &str| given[name].as_i64().and_then(|value| i32::try_from(value).ok());
    let fallback = small("failureThreshold").zip(small("replicas")).map(|(failure_threshold, replicas)| Fallback {
        failure_threshold,
        replicas,
        behavior: Behavior::Static,
    });
    ScaledObjectSpec { fallback, triggers: triggers(case), ..ScaledObjectSpec::default() }
}

pub(super) fn bounds(case: &Case<'_>) -> ScaledObjectSpec {
    ScaledObjectSpec {
        min_replica_count: case.small("input/minReplicaCount"),
        max_replica_count: case.small("input/maxReplicaCount"),
        idle_replica_count: case.small("input/idleReplicaCount"),
        ..ScaledObjectSpec::default()
    }
}
