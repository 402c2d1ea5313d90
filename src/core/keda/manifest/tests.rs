//! Manifests that are right, wrong, and wrong in one place.

use proptest::{
    collection::{btree_map, vec},
    option::of,
    prelude::{Just, Strategy, any},
    prop_assert_eq, prop_oneof, proptest,
};

use super::*;
use crate::core::keda::{aggregate::Calculation, bounds::Bounds, strategy};

const MANIFEST: &str = r#"apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata:
  name: video-processor
spec:
  jobTargetRef:
    template:
      spec:
        containers:
          - name: consumer
            image: example/consumer
  pollingInterval: 10
  maxReplicaCount: 20
  scalingStrategy:
    strategy: accurate
  triggers:
    - type: aws-sqs-queue
      authenticationRef:
        name: keda-aws
      metadata:
        queueURL: test-queue
        queueLength: "5"
        awsRegion: us-east-1
"#;

fn one(text: &str) -> Result<(ScaledJob, Vec<String>)> {
    let mut documents = parse_documents(text, "job.yaml")?;
    assert_eq!(documents.len(), 1);
    let document = documents.remove(0);
    match document.object {
        Object::ScaledJob(job) => Ok((*job, document.warnings)),
        other => panic!("{other:?}"),
    }
}

/// The error of the manifest in which `from` is replaced by `to`.
fn refused(from: &str, to: &str) -> Error {
    assert!(MANIFEST.contains(from), "{from}");
    let error = one(&MANIFEST.replacen(from, to, 1)).expect_err(to);
    assert_eq!(error.exit_code(), 2);
    error
}

#[test]
fn a_manifest_becomes_rules() {
    let (job, warnings) = one(MANIFEST).expect("valid");
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!((job.metadata.name.as_str(), job.metadata.generation), ("video-processor", 1));
    let rules = job.spec.rules();
    assert_eq!(rules.bounds, Bounds { min: 0, max: 20 });
    assert_eq!((rules.strategy, rules.calculation), (strategy::Strategy::Accurate, Calculation::Max));
    assert_eq!((job.spec.polling_interval_seconds(), job.spec.history_limits()), (10, (100, 100)));
    assert_eq!(job.spec.effective_rollout(), RolloutStrategy::Immediate);
    assert_eq!(job.spec.triggers[0].metadata["queueLength"], "5");
}

#[test]
fn a_trigger_value_that_is_no_string_must_be_quoted() {
    let error = refused("queueLength: \"5\"", "queueLength: 5");
    assert_eq!(
        error.to_string(),
        "invalid spec.triggers[0].metadata.queueLength (job.yaml, line 22) `5`: must be a string, but it is a number; the API server refuses it"
    );
    assert_eq!(error.hint.as_deref(), Some("quote it: queueLength: \"5\""));
    for boolean in ["false", "no", "off"] {
        let error = refused("queueLength: \"5\"", &format!("scaleOnInFlight: {boolean}"));
        assert!(error.to_string().contains("it is a boolean"), "{error}");
    }
}

#[test]
fn an_error_names_line_field_value_and_rule() {
    let cases = [
        ("type: aws-sqs-queue", "type: aws-sqs", "spec.triggers[0].type (job.yaml, line 17) `aws-sqs`: no such trigger type"),
        (
            "strategy: accurate",
            "strategy: acurate",
            "spec.scalingStrategy.strategy (job.yaml, line 15) `acurate`: must be one of default, custom, accurate, eager",
        ),
        ("pollingInterval: 10", "pollingInterval: 0", "spec.pollingInterval (job.yaml, line 12) `0`: must be at least 1"),
        ("maxReplicaCount: 20", "maxReplicaCount: 0", "must be at least 1"),
        ("maxReplicaCount: 20", "minReplicaCount: -1", "must be at least 0"),
        ("maxReplicaCount: 20", "maxReplicaCount: \"20\"", "`20`: must be a whole number, but it is a string"),
        ("maxReplicaCount: 20", "maxReplicaCount: 1.5", "must be a whole number"),
        ("maxReplicaCount: 20", "maxReplicaCount: 3000000000", "must be from 1 to 2147483647"),
        ("maxReplicaCount: 20", "maxReplicaCount:", "must be a whole number, but it is empty"),
        ("strategy: accurate", "customScalingRunningJobPercentage: 0.5", "must be a string"),
        ("pollingInterval: 10", "rollout: {strategy: default}", "`default`: must be one of gradual, immediate"),
        ("authenticationRef:\n        name: keda-aws", "metricType: Value", "metricType cannot be set on a ScaledJob"),
        ("name: keda-aws", "nam: keda-aws", "missing spec.triggers[0].authenticationRef.name"),
        ("  name: video-processor", "  name: Video_Processor", "metadata.name (job.yaml, line 4) `Video_Processor`"),
        ("keda.sh/v1alpha1", "keda.sh/v1", "`keda.sh/v1`: a ScaledJob is of keda.sh/v1alpha1"),
        ("kind: ScaledJob", "kin: ScaledJob", "missing kind"),
        ("    template:", "    templat:", "missing spec.jobTargetRef.template"),
        ("containers:", "container:", "missing spec.jobTargetRef.template.spec.containers"),
    ];
    for (from, to, expected) in cases {
        let error = refused(from, to);
        assert!(error.to_string().contains(expected), "{to}: {error}");
    }
}

#[test]
fn text_that_is_no_yaml_names_line_and_column() {
    let error = one("kind: ScaledJob\nspec: [1, 2\nmetadata: }\n").expect_err("broken");
    assert!(error.to_string().starts_with("job.yaml:"), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[test]
fn a_bottomless_document_is_refused() {
    for text in ["[".repeat(100_000), "a: ".repeat(100_000), "{a: ".repeat(50_000)] {
        assert_eq!(one(&text).expect_err("bottomless").exit_code(), 2);
    }
}

#[test]
fn unknown_fields_are_dropped_with_a_word() {
    let (_, warnings) = one(&MANIFEST.replacen("maxReplicaCount: 20", "maxReplicasCount: 20", 1)).expect("valid");
    let expected = "spec.maxReplicasCount (job.yaml, line 13): unknown field, the API server drops it; did you mean `maxReplicaCount`?";
    assert_eq!(warnings, [expected]);
}

#[test]
fn other_kinds_are_kept_and_lists_are_opened() {
    let text = format!(
        "---\n{MANIFEST}---\napiVersion: v1\nkind: List\nitems:\n  - {{kind: ConfigMap, metadata: {{name: a}}, data: {{k: v}}}}\n---\n"
    );
    let documents = parse_documents(&text, "-").expect("valid");
    assert_eq!(documents.len(), 2);
    let Object::Other { kind, name, value } = &documents[1].object else { panic!("a ConfigMap") };
    assert_eq!((kind.as_str(), name.as_str(), &value["data"]["k"]), ("ConfigMap", "a", &Value::from("v")));
    assert_eq!((documents[0].line, documents[1].line > 20), (2, true));
}

#[test]
fn json_is_read_with_its_lines() {
    let value = one(MANIFEST).expect("valid").0.to_value();
    let text = serde_json::to_string_pretty(&value).expect("serialises");
    assert_eq!(one(&text).expect("valid").0.to_value(), value);
    let error = one(&text.replacen("\"5\"", "5", 1)).expect_err("a number");
    assert!(error.to_string().contains("line "), "{error}");
}

#[test]
fn the_same_name_twice_is_refused() {
    let trigger = |name: &str| Trigger { kind: "kafka".to_owned(), name: Some(name.to_owned()), ..Trigger::default() };
    assert!(validate_triggers(&[trigger(""), trigger("")]).is_ok());
    let error = validate_triggers(&[trigger("a"), trigger("b"), trigger("a")]).expect_err("twice");
    assert!(error.to_string().contains("spec.triggers[2].name `a`"), "{error}");
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "[0-9]{1,3}", Just("true".to_owned()), Just("no".to_owned()), Just("~".to_owned()), "\\PC{0,12}"]
}

fn jobs() -> impl Strategy<Value = ScaledJob> {
    let trigger =
        (btree_map("[a-zA-Z]{1,8}", words(), 0..4), of("[a-z]{1,6}"), any::<bool>()).prop_map(|(metadata, reference, cached)| Trigger {
            kind: "aws-sqs-queue".to_owned(),
            name: None,
            metadata,
            authentication_ref: reference.map(|name| AuthenticationRef { name, kind: None }),
            metric_type: None,
            use_cached_metrics: cached,
        });
    let strategy =
        (of(prop_oneof![Just("custom".to_owned()), Just("eager".to_owned())]), of(any::<i32>()), of(words()), vec(words(), 0..3)).prop_map(
            |(strategy, deduction, percentage, conditions)| ScalingStrategy {
                strategy,
                custom_scaling_queue_length_deduction: deduction,
                custom_scaling_running_job_percentage: percentage,
                pending_pod_conditions: conditions,
                multiple_scalers_calculation: None,
            },
        );
    let metadata = ("[a-z][a-z0-9]{0,9}", btree_map("[a-z./]{1,9}", words(), 0..3), 0i64..1000);
    (metadata, of(1i32..100), of(0i32..10), of(strategy), vec(trigger, 1..4)).prop_map(
        |((name, annotations, generation), interval, min, scaling_strategy, triggers)| ScaledJob {
            metadata: Metadata { name, annotations, generation, ..Metadata::default() },
            spec: ScaledJobSpec {
                job_target_ref: serde_json::json!({"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}]}}}),
                polling_interval: interval,
                min_replica_count: min,
                rollout: Some(Rollout { strategy: Some(RolloutStrategy::Gradual), propagation_policy: None }),
                scaling_strategy,
                triggers,
                ..ScaledJobSpec::default()
            },
        },
    )
}

proptest! {
    #[test]
    fn what_is_rendered_reads_back(job in jobs()) {
        let value = job.to_value();
        prop_assert_eq!(&scaled_job(&value).expect("valid"), &job);
        let yaml = serde_saphyr::to_string(&value).expect("serialises");
        prop_assert_eq!(&one(&yaml).expect("valid").0, &job, "{}", yaml);
        let json = serde_json::to_string_pretty(&value).expect("serialises");
        prop_assert_eq!(&one(&json).expect("valid").0, &job);
    }

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC*") {
        let _ = parse_documents(&text, "-");
    }

    #[test]
    fn any_damage_to_a_manifest_is_read_or_refused_without_panic(at in 0usize..MANIFEST.len(), with in "[\\PC\n\t]{0,4}", cut in 0usize..20) {
        let end = (at + cut).min(MANIFEST.len());
        let text = format!("{}{with}{}", &MANIFEST[..at], &MANIFEST[end..]);
        let _ = parse_documents(&text, "-");
    }
}

#[test]
fn a_file_may_hold_thousands_of_objects() {
    let text = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n---\n".repeat(3000);
    assert_eq!(parse_documents(&text, "m.yaml").expect("valid").len(), 3000);
}
