//! Every row that KEDA refuses: our refusal names the field, the value that was given, and the rule.

use super::{
    inputs::Inputs,
    validation::{authentication, bounds, fallback_spec, triggers},
    vectors::{Case, Row, Vectors, committed, shared},
};
use kedactl::core::{
    error::{Error, Kind},
    keda::{
        authorization::AwsAuthorization,
        manifest::validate_triggers,
        pause::{PAUSED_REPLICAS_ANNOTATION, paused_replicas},
        trigger::{TriggerMetadata, metric_type::MetricType},
    },
};

/// Checks the rows of a trigger's constructor that are refused; there must be as many as `refused`.
fn trigger(kind: &str, vectors: Vectors, refused: usize, inputs: impl Fn(&Case<'_>) -> Option<Inputs>) {
    vectors.check(refused, |case| {
        let Some(inputs) = inputs(case) else { return Row::NotOurs };
        let parsed = TriggerMetadata::parse(kind, None, inputs.sources());
        match parsed.map(|_| AwsAuthorization::decide(&inputs.identity, inputs.sources())) {
            Err(error) => well_said(&error, kind, &inputs),
            Ok(Err(error)) => credentials(&error),
            Ok(Ok(_)) => Row::Differs("it is not refused".to_owned()),
        }
    });
}

/// Each fault is one of two sentences: a parameter is missing where it is looked for, or it has a value that breaks a rule.
fn well_said(error: &Error, kind: &str, inputs: &Inputs) -> Row {
    let wrong = |why: &str| Row::Differs(format!("{why}: {error}"));
    if error.kind != Kind::Input || error.exit_code() != 2 || !error.what.contains(kind) {
        return wrong("it is not about the input of this type of trigger");
    }
    let mut rest = error.why.as_str();
    while !rest.is_empty() {
        let Some((name, said)) = rest.strip_prefix('`').and_then(|rest| rest.split_once("` is ")) else {
            return wrong("a fault does not begin with the parameter");
        };
        let given = inputs.trigger.get(name).or_else(|| inputs.auth.get(name)).map(|text| text.trim()).filter(|text| !text.is_empty());
        let said = match (said.strip_prefix("missing in "), given) {
            (Some(place), None) => Some(place),
            (Some(_), Some(_)) => return wrong("it is said to be missing, but is given"),
            // What is given, or else the default.
            (None, Some(value)) => said.strip_prefix(&format!("`{value}`: it must be ")),
            (None, None) => said.split_once("`: it must be ").filter(|(value, _)| value.len() > 1).map(|(_, rule)| rule),
        };
        let Some(said) = said else { return wrong("the value is not shown with its rule") };
        // The next sentence begins with a parameter as well.
        let end = said.find("; `").unwrap_or(said.len());
        if said[..end].len() < 4 {
            return wrong("a fault has no rule");
        }
        rest = said[end..].trim_start_matches("; ");
    }
    Row::Same
}

/// What is not given cannot be shown; which of the keys it is, is said.
fn credentials(error: &Error) -> Row {
    let names = ["awsAccessKeyID not found", "awsSecretAccessKey not found"];
    if names.contains(&error.why.as_str()) { Row::Same } else { Row::Differs(error.to_string()) }
}

/// The inputs of a row about the constructor that KEDA refuses.
fn refused(case: &Case<'_>) -> Option<Inputs> {
    (case.text("kind") == Some("parse") && case.truth("expected/error")).then(|| Inputs::of(case, "input/"))
}

#[test]
fn refusals_of_triggers_name_parameter_value_and_rule() {
    for (kind, count) in
        [("aws-sqs-queue", 14), ("aws-kinesis-stream", 8), ("aws-dynamodb", 16), ("aws-dynamodb-streams", 8), ("aws-cloudwatch", 17)]
    {
        let Some(vectors) = shared(kind) else { return };
        trigger(kind, vectors, count, refused);
    }
}

#[test]
fn refusals_of_generated_triggers_name_parameter_value_and_rule() {
    let sqs = |case: &Case<'_>| case.at("metadata").is_null().then(|| Inputs::of(case, ""));
    trigger("aws-sqs-queue", committed("generated-sqs-metadata"), 73, sqs);
    let cloudwatch = |case: &Case<'_>| {
        let auth = [("awsAccessKeyID", "k"), ("awsSecretAccessKey", "s")].map(|(name, key)| (name.to_owned(), key.to_owned())).into();
        (!case.at("error").is_null()).then(|| Inputs { trigger: case.map("triggerMetadata"), auth, ..Inputs::default() })
    };
    trigger("aws-cloudwatch", committed("generated-cloudwatch-metadata"), 104, cloudwatch);
    let dynamodb = |case: &Case<'_>| {
        let common = [("tableName", "t"), ("awsRegion", "r"), ("keyConditionExpression", "k"), ("targetValue", "1")];
        let mut inputs = Inputs { trigger: common.map(|(name, text)| (name.to_owned(), text.to_owned())).into(), ..Inputs::default() };
        for name in ["expressionAttributeNames", "expressionAttributeValues"] {
            inputs.trigger.insert(name.to_owned(), case.text(name).expect("text").to_owned());
        }
        (!case.at("error").is_null()).then_some(inputs)
    };
    trigger("aws-dynamodb", committed("generated-dynamodb-attributes"), 13, dynamodb);
}

/// `invalid FIELD `VALUE`: RULE`.
fn names(error: &Error, field: &str, value: &str) -> Row {
    let what = format!("invalid {field} `{value}`");
    if error.kind == Kind::Input && error.what == what && !error.why.is_empty() { Row::Same } else { Row::Differs(error.to_string()) }
}

#[test]
fn refusals_of_objects_name_field_value_and_rule() {
    let Some(vectors) = shared("validation") else { return };
    vectors.check(21, |case| match case.text("kind").expect("a kind") {
        "triggers" => {
            let triggers = triggers(case);
            let Err(error) = validate_triggers(&triggers) else { return Row::NotOurs };
            let last = triggers.len().saturating_sub(1);
            match triggers.last() {
                None => names(&error, "spec.triggers", "[]"),
                Some(trigger) if trigger.use_cached_metrics => names(&error, &format!("spec.triggers[{last}].useCachedMetrics"), "true"),
                Some(trigger) => names(&error, &format!("spec.triggers[{last}].name"), trigger.name.as_deref().expect("a name")),
            }
        }
        "scaledObjectBounds" => {
            let bounds = bounds(case);
            let Err(error) = bounds.check_bounds() else { return Row::NotOurs };
            match bounds.idle_replica_count {
                Some(idle) => names(&error, "spec.idleReplicaCount", &idle.to_string()),
                None => names(&error, "spec.minReplicaCount", &bounds.min_replica_count.expect("a minimum").to_string()),
            }
        }
        "pausedReplicaCount" => {
            let annotations = case.map("input/annotations");
            let Err(error) = paused_replicas(&annotations) else { return Row::NotOurs };
            names(&error, PAUSED_REPLICAS_ANNOTATION, &annotations[PAUSED_REPLICAS_ANNOTATION])
        }
        "fallbackValid" => {
            let spec = fallback_spec(case);
            let Err(error) = spec.check_fallback() else { return Row::NotOurs };
            let fallback = spec.fallback.expect("a fallback");
            let (failures, replicas) = (fallback.failure_threshold, fallback.replicas);
            if failures < 0 {
                names(&error, "spec.fallback.failureThreshold", &failures.to_string())
            } else if replicas < 0 {
                names(&error, "spec.fallback.replicas", &replicas.to_string())
            } else {
                let kinds = spec.triggers.iter().map(|trigger| trigger.kind.as_str()).collect::<Vec<_>>().join(", ");
                names(&error, "spec.fallback with triggers", &kinds)
            }
        }
        "triggerAuthWebhook" => {
            let Err(error) = authentication(case).validate() else { return Row::NotOurs };
            let prefix = "invalid spec.podIdentity.";
            let field = error.what.strip_prefix(prefix).and_then(|rest| rest.split_once(' ')).map_or("", |(field, _)| field).to_owned();
            match case.text(&format!("input/podIdentity/{field}")) {
                Some(value) => names(&error, &format!("spec.podIdentity.{field}"), value),
                None => Row::Differs(error.to_string()),
            }
        }
        _ => Row::NotOurs,
    });
}

#[test]
fn a_metric_type_that_no_scaler_has_is_named() {
    let Some(vectors) = shared("metric-helpers") else { return };
    vectors.check(1, |case| {
        if case.text("kind") != Some("targetType") || !case.truth("expected/error") {
            return Row::NotOurs;
        }
        let given = case.text("input/metricType").expect("a type");
        match MetricType::of_external(MetricType::from_name(given)) {
            Err(error) => names(&error, "metricType", given),
            Ok(_) => Row::Differs("it is not refused".to_owned()),
        }
    });
}

/// What a missing object is called, and which reference asks for it.
#[test]
fn a_missing_source_of_the_environment_is_named() {
    let Some(vectors) = shared("resolve-env") else { return };
    vectors.check(6, |case| {
        if case.text("kind") != Some("missingSource") || !case.truth("expected/error") {
            return Row::NotOurs;
        }
        let pod = super::environment::missing_source(case);
        let error = super::environment::refusal(&pod);
        let kind = case.text("input/source").expect("a source").to_lowercase();
        let said = error.to_string();
        if said.to_lowercase().contains(&kind) && said.contains("`absent`") && said.contains("not optional") {
            Row::Same
        } else {
            Row::Differs(said)
        }
    });
}
