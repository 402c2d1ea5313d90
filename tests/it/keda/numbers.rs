//! Quantities, targets and metric names.

use kedactl::core::keda::{
    aggregate::{max_value, mean_target},
    go,
    metric_name::{normalize, without_index},
    number::{milli_text, quantity, through_quantity},
    state::{Answer, MetricPoll, readings},
    trigger::{metric_type::MetricType, sqs::SqsMetadata},
};
use serde_json::Value;

use super::vectors::{Case, Row, committed, shared};

#[test]
fn values_become_quantities_as_in_keda() {
    committed("generated-metric-quantity").check_all(|case| {
        let value =
            case.at("in").as_f64().or_else(|| case.text("in").and_then(|text| text.to_lowercase().trim_start_matches('+').parse().ok()));
        let value = value.expect("a number, or the name of one");
        let text = case.text("milliText").expect("text");
        let ours = (milli_text(value).to_lowercase(), through_quantity(value).to_bits());
        let kedas = (text.to_lowercase().replace("+inf", "inf"), case.at("asApproximateFloat64").as_f64().expect("a number").to_bits());
        Row::compare(&ours, &kedas)
    });
}

#[test]
fn lengths_and_targets_combine_as_in_keda() {
    committed("generated-queue-length").check_all(|case| {
        let given = |value: &Value| value.as_str().map(|text| quantity(text).expect("a quantity"));
        let (names, values) = (case.texts("metricNames"), case.list("values"));
        let answered: Vec<(String, f64)> = names
            .into_iter()
            .zip(values)
            .map(|(name, value)| (name, go::parse_float(value.as_str().expect("a quantity")).expect("a value")))
            .collect();
        let metrics: Vec<MetricPoll> = case
            .texts("specNames")
            .into_iter()
            .zip(case.list("targets"))
            .map(|(name, target)| MetricPoll {
                name,
                target: given(target),
                external: true,
                first: Answer::Values(answered.clone(), true),
                second: None,
            })
            .collect();
        let reading = readings(&metrics).remove(0);
        let room = case.integer("max").expect("a room");
        let ours = [reading.value, max_value(reading.value, reading.target, room), reading.target];
        let kedas = ["queueLength", "maxValue", "targetAverageValue"].map(|name| case.at(name).as_f64().expect("a number"));
        Row::compare(&ours.map(f64::to_bits), &kedas.map(f64::to_bits))
    });
}

#[test]
fn names_are_normalised_as_in_keda() {
    committed("generated-normalize-string")
        .check_all(|case| Row::compare(&normalize(case.text("in").expect("text")).as_str(), &case.text("out").expect("text")));
}

#[test]
fn helpers_of_scalers_give_what_keda_asserts() {
    let Some(vectors) = shared("metric-helpers") else { return };
    vectors.check_all(|case| match case.text("kind").expect("a kind") {
        "metricMilli" | "targetMilli" => {
            let quantity = through_quantity(number(case.at("input/value")));
            let sign = if quantity > 0.0 { "positive" } else { "zero" };
            Row::compare(&sign, &case.text("expected/quantity").expect("a sign"))
        }
        "target" => {
            let metadata = SqsMetadata { queue_length: case.integer("input/value").expect("an integer"), ..sqs() };
            let target = metadata.measure("s0-q", kedactl::core::event::Depth::default()).target;
            let kedas = case.text("expected/averageValue").or_else(|| case.text("expected/value"));
            Row::compare(&(Some(target), target_type(case)), &(kedas.and_then(quantity), case.text("expected/type")))
        }
        "targetType" => {
            let failed = case.truth("expected/error");
            Row::compare(&target_type(case), &case.text("expected/metricType").filter(|_| !failed))
        }
        "removeIndex" => {
            let index = usize::try_from(case.integer("input/triggerIndex").expect("an index")).expect("fits");
            let name = without_index(index, case.text("input/metricName").expect("a name"));
            Row::compare(&name, &case.text("expected/name").filter(|_| !case.truth("expected/error")))
        }
        other => Row::Differs(format!("unknown kind {other}")),
    });
}

/// What an external metric's target is compared by.
fn target_type(case: &Case<'_>) -> Option<&'static str> {
    MetricType::of_external(MetricType::from_name(case.text("input/metricType")?)).ok().map(MetricType::name)
}

#[test]
fn the_mean_of_targets_is_kedas() {
    let Some(vectors) = shared("scaledjob-metrics") else { return };
    vectors.check(4, |case| {
        if case.text("kind") != Some("targetAverageValue") {
            return Row::NotOurs;
        }
        let targets: Vec<Option<f64>> = case.list("input/averageValues").iter().map(Value::as_f64).collect();
        Row::compare(&Some(mean_target(&targets)), &case.at("expected/targetAverageValue").as_f64())
    });
}

/// A number, or the name of one: `NaN`, `+Inf`.
fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| go::parse_float(value.as_str()?)).expect("a number, or the name of one")
}

fn sqs() -> SqsMetadata {
    let trigger = [("queueURL", "q"), ("awsRegion", "us-east-1")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let none = std::collections::BTreeMap::new();
    SqsMetadata::parse(kedactl::core::keda::metadata::Sources { trigger: &trigger, auth: &none, env: &none }).expect("valid")
}
