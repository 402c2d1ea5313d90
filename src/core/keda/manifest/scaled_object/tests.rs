//! What a ScaledObject may say.

use super::{
    super::{Object, parse_documents},
    *,
};
use crate::core::hpa::behavior::{Policy, Select, Step};

const MANIFEST: &str = r"
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: video-processor
spec:
  scaleTargetRef:
    name: video-processor
  minReplicaCount: 1
  maxReplicaCount: 10
  fallback:
    failureThreshold: 3
    replicas: 2
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleUp:
          policies:
            - type: Pods
              value: 2
              periodSeconds: 60
        scaleDown:
          stabilizationWindowSeconds: 60
          selectPolicy: Min
  triggers:
    - type: aws-sqs-queue
      metricType: AverageValue
      metadata:
        queueURL: test-queue
        awsRegion: us-east-1
";

fn one(text: &str) -> Result<(ScaledObject, Vec<String>)> {
    let document = parse_documents(text, "object.yaml")?.remove(0);
    match document.object {
        Object::ScaledObject(object) => Ok((*object, document.warnings)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_manifest_becomes_what_keda_and_the_hpa_go_by() {
    let (object, warnings) = one(MANIFEST).expect("valid");
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(object.spec.target().kind, "Deployment");
    assert_eq!((object.spec.polling_interval_seconds(), object.spec.rules().min, object.spec.rules().fallback), (30, Some(1), Some(2)));
    let hpa = object.hpa();
    let behavior = hpa.behavior.expect("given");
    assert_eq!((hpa.min, hpa.max), (1, 10));
    assert_eq!(behavior.scale_up.policies, [Policy { step: Step::Pods(2), period: 60 }]);
    assert_eq!((behavior.scale_up.window, behavior.scale_down.window, behavior.scale_down.select), (0, 60, Select::Min));
    assert_eq!(behavior.scale_down.policies, [Policy { step: Step::Percent(100), period: 15 }], "what is absent is Kubernetes' own");
    let again = super::super::scaled_object(&object.to_value()).expect("valid");
    assert_eq!(again, object, "it can be applied as it was read");
}

#[test]
fn a_pause_of_one_direction_disables_it_in_the_hpa() {
    let text = MANIFEST.replace(
        "  name: video-processor\nspec",
        "  name: video-processor\n  annotations: {autoscaling.keda.sh/paused-scale-in: \"true\"}\nspec",
    );
    let behavior = one(&text).expect("valid").0.hpa().behavior.expect("there is one");
    assert_eq!((behavior.scale_up.select, behavior.scale_down.select), (Select::Max, Select::Disabled));
}

#[test]
fn what_keda_or_kubernetes_would_refuse_names_field_value_and_rule() {
    let cases = [
        ("minReplicaCount: 1", "minReplicaCount: 11", "invalid spec.minReplicaCount `11`: must be less than or equal to maxReplicaCount"),
        (
            "minReplicaCount: 1",
            "idleReplicaCount: 0",
            "invalid spec.idleReplicaCount `0`: must be less than minReplicaCount, which is not set",
        ),
        ("minReplicaCount: 1", "minReplicaCount: 0\n  idleReplicaCount: 1", "which is 0 and counts as 1"),
        ("maxReplicaCount: 10", "maxReplicaCount: 0", "spec.maxReplicaCount"),
        ("failureThreshold: 3", "failureThreshold: -1", "spec.fallback.failureThreshold"),
        ("failureThreshold: 3\n", "behavior: never\n", "spec.fallback.behavior"),
        ("value: 2", "value: 0", "policies[0].value"),
        ("periodSeconds: 60", "periodSeconds: 1801", "must be at most 1800"),
        ("stabilizationWindowSeconds: 60", "stabilizationWindowSeconds: 3601", "must be at most 3600"),
        ("selectPolicy: Min", "selectPolicy: Most", "must be one of Max, Min, Disabled"),
        ("selectPolicy: Min", "tolerance: \"-1\"", "must be a share of at least 0"),
        ("metricType: AverageValue", "metricType: Utilization", "must be one of AverageValue, Value"),
        (
            "  advanced:\n",
            "  advanced:\n    scalingModifiers: {formula: \"a + b\"}\n",
            "formulas of scalingModifiers are not evaluated here",
        ),
        ("scaleTargetRef:\n    name: video-processor", "scaleTargetRef:\n    name: \"\"", "spec.scaleTargetRef.name"),
    ];
    for (from, to, says) in cases {
        assert!(MANIFEST.contains(from), "{from}");
        let error = one(&MANIFEST.replacen(from, to, 1)).expect_err(to);
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(says), "{to}: {error}");
    }
}

#[test]
fn what_only_cpu_and_memory_scale_needs_a_minimum_and_has_no_fallback() {
    let cpu = MANIFEST.replace("aws-sqs-queue", "cpu");
    let error = one(&cpu).expect_err("a fallback of nothing");
    assert!(error.to_string().contains("other than cpu and memory"), "{error}");
    let plain = cpu.replace("  fallback:\n    failureThreshold: 3\n    replicas: 2\n", "");
    let (_, warnings) = one(&plain).expect("valid");
    assert!(warnings[0].contains("contributes nothing"), "{warnings:?}");
    let error = one(&plain.replace("minReplicaCount: 1", "minReplicaCount: 0")).expect_err("nothing to measure");
    assert!(error.to_string().contains("must be at least 1"), "{error}");
}

#[test]
fn unknown_fields_are_warned_about_with_the_nearest_known_one() {
    let (_, warnings) = one(&MANIFEST.replace("minReplicaCount", "minReplicasCount").replace("scaleUp:", "scaleup:")).expect("valid");
    assert!(warnings.iter().any(|warning| warning.contains("did you mean `minReplicaCount`?")), "{warnings:?}");
    assert!(warnings.iter().any(|warning| warning.contains("did you mean `scaleUp`?")), "{warnings:?}");
}
