//! Counting jobs, cleaning up history, and the job that is created.

use std::collections::BTreeMap;

use kedactl::core::keda::{
    bounds::Bounds,
    history::surplus,
    job,
    jobs::{Counts, JobView, count},
    manifest::{Metadata, ScaledJob, ScaledJobSpec},
};
use serde_json::{Value, json};

use super::vectors::{Case, Row, committed, shared, texts};

#[test]
fn finished_jobs_are_kedas() {
    let Some(vectors) = shared("job-finished") else { return };
    vectors.check_all(|case| {
        let job = JobView::from_values(&json!({"status": {"conditions": case.at("input/conditions")}}), &[]);
        let kind = job.end().map(|end| format!("{end:?}")).unwrap_or_default();
        match case.text("expected/finishedConditionType") {
            Some(expected) => Row::compare(&kind.as_str(), &expected),
            None => Row::compare(&job.is_finished(), &case.truth("expected/finished")),
        }
    });
}

#[test]
fn pending_jobs_are_counted_as_keda_asserts() {
    let Some(vectors) = shared("pending-jobs") else { return };
    vectors.check_all(|case| {
        let counts = counted(case, "input/jobs", "input/pendingPodConditions");
        Row::compare(&Some(counts.pending), &case.integer("expected/pendingJobCount"))
    });
}

#[test]
fn running_and_pending_jobs_are_counted_as_in_keda() {
    committed("generated-pending").check_all(|case| {
        let counts = counted(case, "jobs", "pendingPodConditions");
        Row::compare(&(Some(counts.running), Some(counts.pending)), &(case.integer("running"), case.integer("pending")))
    });
}

fn counted(case: &Case<'_>, jobs: &str, conditions: &str) -> Counts {
    let pod = |pod: &Value| json!({"status": pod});
    let view = |job: &Value| {
        let pods: Vec<Value> = job["pods"].as_array().into_iter().flatten().map(pod).collect();
        JobView::from_values(&json!({"status": {"conditions": job["conditions"]}}), &pods)
    };
    let views: Vec<JobView> = case.list(jobs).iter().map(view).collect();
    count(&views, &case.texts(conditions))
}

#[test]
fn history_is_cleaned_up_as_keda_asserts() {
    let Some(vectors) = shared("history-cleanup") else { return };
    vectors.check_all(|case| {
        let deleted = surplus(&finished(case.list("input/jobs")), limits(case, "input/"));
        Row::compare(&deleted, &case.texts("expected/deleted"))
    });
}

#[test]
fn history_is_cleaned_up_in_kedas_order() {
    committed("generated-cleanup").check_all(|case| {
        let deleted = surplus(&finished(case.list("jobs")), limits(case, ""));
        Row::compare(&deleted, &case.texts("deletedInOrder"))
    });
}

fn limits(case: &Case<'_>, prefix: &str) -> (usize, usize) {
    let spec = ScaledJobSpec {
        successful_jobs_history_limit: case.small(&format!("{prefix}successfulJobsHistoryLimit")),
        failed_jobs_history_limit: case.small(&format!("{prefix}failedJobsHistoryLimit")),
        ..ScaledJobSpec::default()
    };
    spec.history_limits()
}

fn finished(jobs: &[Value]) -> Vec<JobView> {
    let view = |job: &Value| {
        let kind = job["condition"].as_str().unwrap_or_default();
        let conditions = if kind.is_empty() { json!([]) } else { json!([{"type": kind, "status": "True"}]) };
        let status = json!({"conditions": conditions, "completionTime": job["completionTime"]});
        JobView::from_values(&json!({"metadata": {"name": job["name"]}, "status": status}), &[])
    };
    jobs.iter().map(view).collect()
}

#[test]
fn created_jobs_look_like_kedas() {
    let Some(vectors) = shared("job-creation") else { return };
    vectors.check_all(|case| {
        let text = |name: &str| case.text(&format!("input/scaledJob/{name}")).expect("text").to_owned();
        let scaled_job = ScaledJob {
            metadata: Metadata {
                name: text("name"),
                namespace: Some(text("namespace")),
                labels: case.map("input/scaledJob/labels"),
                annotations: case.map("input/scaledJob/annotations"),
                generation: case.integer("input/scaledJob/generation").expect("a number"),
                ..Metadata::default()
            },
            spec: ScaledJobSpec { job_target_ref: case.at("input/scaledJob/jobTargetRef").clone(), ..ScaledJobSpec::default() },
        };
        let made = job::manifest(&scaled_job);
        let same_text =
            |path: &str, name: &str| case.text(name).is_none_or(|text| made.pointer(path).and_then(Value::as_str) == Some(text));
        let same_map = |path: &str, name: &str| match case.at(name) {
            Value::Null => true,
            expected => texts(made.pointer(path).unwrap_or(&Value::Null)) == texts(expected),
        };
        let checks: BTreeMap<&str, bool> = [
            ("generateName", same_text("/metadata/generateName", "expected/generateName")),
            ("namespace", same_text("/metadata/namespace", "expected/namespace")),
            ("restartPolicy", same_text("/spec/template/spec/restartPolicy", "expected/restartPolicy")),
            ("labels", same_map("/metadata/labels", "expected/labels")),
            ("annotations", same_map("/metadata/annotations", "expected/annotations")),
            ("bounds", Bounds::default().max == 100),
        ]
        .into();
        let wrong: Vec<&str> = checks.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect();
        if wrong.is_empty() { Row::Same } else { Row::Differs(format!("{wrong:?} of {made}")) }
    });
}
