//! Which `ScaledJobs` are refused, and which are paused.

use kedactl::core::keda::{
    manifest::{Metadata, ScaledJob, Trigger, validate_triggers},
    pause::is_paused,
};
use serde_json::Value;

use super::vectors::{Row, shared};

/// The rest is about `ScaledObjects`, fallbacks and `TriggerAuthentications`; `paused-replicas` means nothing to a ScaledJob.
#[test]
fn scaled_jobs_are_refused_and_paused_as_keda_asserts() {
    let Some(vectors) = shared("validation") else { return };
    vectors.check(8 + 7 + 4, |case| match case.text("kind").expect("a kind") {
        "triggers" => {
            let read = |trigger: &Value| Trigger {
                kind: trigger["type"].as_str().expect("a type").to_owned(),
                name: trigger["name"].as_str().map(str::to_owned),
                use_cached_metrics: trigger["useCachedMetrics"] == true,
                ..Trigger::default()
            };
            let triggers: Vec<Trigger> = case.list("input/triggers").iter().map(read).collect();
            Row::compare(&validate_triggers(&triggers).is_err(), &!case.at("expected/error").is_null())
        }
        "hasPausedAnnotation" | "scaledObjectPaused" => {
            let annotations = case.map("input/annotations");
            if annotations.keys().any(|key| key.starts_with("autoscaling.keda.sh/paused-")) {
                return Row::NotOurs;
            }
            Row::compare(&is_paused(&annotations), &case.truth("expected/result"))
        }
        "identifier" if case.text("source").is_some_and(|source| source.contains("ScaledJob")) => {
            let text = |name: &str| case.text(&format!("input/{name}")).expect("text").to_owned();
            let metadata = Metadata { name: text("name"), namespace: Some(text("namespace")), ..Metadata::default() };
            let job = ScaledJob { metadata, ..ScaledJob::default() };
            Row::compare(&Some(job.identifier().as_str()), &case.text("expected/identifier"))
        }
        "identifier" | "scaledObjectBounds" | "hpaReplicas" | "pausedReplicaCount" | "fallbackValid" | "triggerAuthWebhook" => Row::NotOurs,
        other => Row::Differs(format!("unknown kind {other}")),
    });
}
