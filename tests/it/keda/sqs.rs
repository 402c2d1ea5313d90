//! The SQS scaler: parameters, identity, values.

use std::collections::BTreeMap;

use kedactl::core::{
    error::Result,
    keda::{authorization::AwsAuthorization, metadata::Sources, trigger::sqs::SqsMetadata},
};
use serde_json::{Value, json};

use super::{
    inputs::{Inputs, flat, flat_from},
    vectors::{Case, Row, committed, shared, texts},
};

/// What KEDA's constructor makes: the parameters, and then the identity.
fn build(inputs: &Inputs) -> Result<(SqsMetadata, AwsAuthorization)> {
    Ok((SqsMetadata::parse(inputs.sources())?, AwsAuthorization::decide(&inputs.identity, inputs.sources())?))
}

fn fields(metadata: &SqsMetadata) -> Value {
    json!([
        metadata.queue_url,
        metadata.queue_name,
        metadata.queue_length,
        metadata.activation_queue_length,
        metadata.place.region,
        metadata.place.endpoint,
        metadata.scale_on_in_flight,
        metadata.scale_on_delayed,
        metadata.identity_owner,
        metadata.attributes().len(),
    ])
}

#[test]
fn parameters_are_read_as_in_keda() {
    committed("generated-sqs-metadata").check_all(|case| {
        let inputs = Inputs::of(case, "");
        let ours = build(&inputs).ok().map(|(metadata, identity)| {
            let mut row = fields(&metadata);
            row.as_array_mut().expect("a list").push(flat(&identity));
            (row, metadata.metric_name(inputs.index))
        });
        let kedas = case.text("metricName").map(|name| (listed(case.at("metadata")), name.to_owned()));
        Row::compare(&ours, &kedas)
    });
}

#[test]
fn values_and_activity_are_kedas() {
    committed("generated-sqs-values").check_all(|case| {
        let metadata = SqsMetadata {
            scale_on_in_flight: case.truth("scaleOnInFlight"),
            scale_on_delayed: case.truth("scaleOnDelayed"),
            activation_queue_length: case.integer("activationQueueLength").expect("a number"),
            ..plain()
        };
        let ours = metadata.read("s0-q", &case.map("attributes")).ok().map(|reading| (reading.value.to_bits(), reading.active));
        let value = |text: &str| kedactl::core::keda::number::through_quantity(text.parse().expect("a number")).to_bits();
        let kedas = case.text("value").map(|text| (value(text), case.truth("active")));
        Row::compare(&ours, &kedas)
    });
}

#[test]
fn the_scaler_does_what_keda_asserts() {
    let Some(vectors) = shared("aws-sqs-queue") else { return };
    vectors.check_all(|case| match case.text("kind").expect("a kind") {
        "parse" => parse(case),
        "metricName" => {
            let inputs = Inputs::of(case, "input/");
            let name = build(&inputs).ok().map(|(metadata, _)| metadata.metric_name(inputs.index));
            Row::compare(&name.as_deref(), &case.text("expected/metricName"))
        }
        "getMetrics" => {
            let (metadata, _) = build(&Inputs::of(case, "input/")).expect("valid");
            let asked = metadata.attributes();
            let read = match case.at("input/api/attributes") {
                Value::Null => None,
                attributes => metadata.read("s0-q", &texts(attributes)).ok(),
            };
            let ours = (json!(asked), read.as_ref().map(|reading| reading.value), read.is_some_and(|reading| reading.active));
            let kedas =
                (case.at("observed/requestedAttributes").clone(), case.at("expected/value").as_f64(), case.truth("observed/active"));
            Row::compare(&ours, &kedas)
        }
        "processAttributes" => {
            let metadata = SqsMetadata { scale_on_in_flight: true, scale_on_delayed: true, ..plain() };
            assert_eq!(case.texts("input/requestedAttributes"), metadata.attributes());
            let sum = metadata.read("s0-q", &case.map("input/attributes")).ok().and_then(|reading| reading.parts).map(|parts| parts.sum());
            Row::compare(&sum, &case.integer("expected/value").filter(|_| !case.truth("expected/error")))
        }
        other => Row::Differs(format!("unknown kind {other}")),
    });
}

fn parse(case: &Case<'_>) -> Row {
    let ours = build(&Inputs::of(case, "input/"));
    if ours.is_err() != case.truth("expected/error") {
        return Row::Differs(format!("{ours:?}"));
    }
    match (ours, case.at("observed/metadata")) {
        (Ok((metadata, identity)), seen @ Value::Object(_)) => {
            let mut ours = fields(&metadata);
            ours.as_array_mut().expect("a list").push(flat(&identity));
            Row::compare(&ours, &listed(seen))
        }
        _ => Row::Same,
    }
}

/// KEDA's fields in the order of ours; the committed rows have them like that.
fn listed(seen: &Value) -> Value {
    if !seen.is_object() {
        return seen.clone();
    }
    let names = ["queueURL", "queueName", "queueLength", "activationQueueLength", "awsRegion", "awsEndpoint", "scaleOnInFlight"];
    let names = names.iter().chain(&["scaleOnDelayed", "identityOwner"]);
    let mut kedas: Vec<Value> = names.map(|name| seen[name].clone()).collect();
    kedas.push(seen["attributes"].as_array().map_or(0, Vec::len).into());
    kedas.push(flat_from(&seen["auth"]));
    kedas.into()
}

fn plain() -> SqsMetadata {
    let trigger = [("queueURL", "q"), ("awsRegion", "us-east-1")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let none = BTreeMap::new();
    SqsMetadata::parse(Sources { trigger: &trigger, auth: &none, env: &none }).expect("valid")
}
