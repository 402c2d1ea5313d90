//! One poll over all triggers: failing scalers, several metrics, activity.

use kedactl::core::keda::{
    aggregate::Calculation,
    bounds::Bounds,
    decision::{Decision, Rules, TriggerReading, decide},
    jobs::Counts,
    number::{quantity, through_quantity},
    state::{Answer, MetricPoll, PollState, pushed_activity, readings, triggers_activity},
    strategy::Strategy,
};
use serde_json::Value;

use super::vectors::{Case, Row, committed, shared};

/// The decision of a ScaledJob with these bounds and triggers, and no jobs.
fn decided(case: &Case<'_>, names: [&str; 3], readings: &[TriggerReading]) -> Decision {
    let rules = Rules {
        bounds: Bounds::new(case.small(names[0]), case.small(names[1])),
        strategy: Strategy::Default,
        calculation: Calculation::from_name(case.text(names[2])),
    };
    decide(&rules, readings, Counts { running: i64::from(i32::MAX), pending: 0 })
}

#[test]
fn failing_triggers_and_several_metrics_are_read_as_in_keda() {
    committed("generated-scaledjob-state").check_all(|case| {
        let triggers: Vec<Vec<MetricPoll>> = case.list("triggers").iter().map(metrics).collect();
        let read: Vec<TriggerReading> = triggers.iter().flat_map(|metrics| readings(metrics)).collect();
        let state = PollState::of_metrics(&triggers);
        let decision = decided(case, ["min", "max", "multi"], &read);
        let event = |event: &kedactl::core::keda::events::KedaEvent| {
            let severity = if event.is_warning() { "Warning" } else { "Normal" };
            format!("{severity} {} {}", event.reason(), event.note())
        };
        let ours = (
            [decision.is_active, decision.is_error],
            [Some(decision.scale_to), Some(decision.max_scale)],
            [state.active_triggers, state.metric_names, state.events.iter().map(event).collect()],
        );
        let kedas = (
            [case.truth("isActive"), case.truth("isError")],
            [case.integer("queueLength"), case.integer("maxScale")],
            ["activeTriggers", "externalMetricNames", "events"].map(|name| case.texts(name)),
        );
        Row::compare(&ours, &kedas)
    });
}

fn metrics(trigger: &Value) -> Vec<MetricPoll> {
    let answer = |spec: &Value, call: &str| match call {
        "ok" => {
            let name = spec["name"].as_str().expect("a name").to_owned();
            let value = spec["value"].as_str().filter(|text| !text.is_empty()).map_or(0.0, |text| quantity(text).expect("a quantity"));
            Answer::Values(vec![(name, value)], spec["active"].as_bool().expect("a boolean"))
        }
        "factoryError" => Answer::Failed("factory boom".to_owned()),
        _ => Answer::Failed("boom".to_owned()),
    };
    let poll = |spec: &Value| MetricPoll {
        name: spec["name"].as_str().expect("a name").to_owned(),
        target: spec["target"].as_str().and_then(quantity),
        external: spec["kind"] == "External",
        first: answer(spec, trigger["firstCall"].as_str().expect("a call")),
        second: Some(answer(spec, trigger["secondCall"].as_str().expect("a call"))),
    };
    trigger["specs"].as_array().into_iter().flatten().map(poll).collect()
}

#[test]
fn states_are_what_keda_asserts() {
    let Some(vectors) = shared("scaledjob-metrics") else { return };
    vectors.check(7, |case| {
        if case.text("kind") != Some("scaledJobState") {
            return Row::NotOurs;
        }
        let number = |value: &Value| through_quantity(value.as_f64().expect("a number"));
        let read = |(index, row): (usize, &Value)| match row.get("error").and_then(Value::as_bool) {
            Some(true) => TriggerReading::failed(&format!("s{index}-q"), "boom"),
            _ => TriggerReading {
                metric: format!("s{index}-q"),
                value: number(&row["value"]),
                target: number(&row["averageValue"]),
                active: row["active"].as_bool().expect("a boolean"),
                activation: None,
                parts: None,
                counted: None,
                error: None,
            },
        };
        let readings: Vec<TriggerReading> = case.list("input/triggers").iter().enumerate().map(read).collect();
        let names = ["input/minReplicaCount", "input/maxReplicaCount", "input/multipleScalersCalculation"];
        let decision = decided(case, names, &readings);
        let ours = (decision.is_active, decision.is_error, Some(decision.scale_to), Some(decision.max_scale));
        let expected = |name: &str| case.integer(&format!("expected/{name}"));
        Row::compare(
            &ours,
            &(case.truth("expected/isActive"), case.truth("expected/isError"), expected("queueLength"), expected("maxScale")),
        )
    });
}

#[test]
fn activity_of_triggers_is_kedas() {
    let Some(vectors) = shared("triggers-activity") else { return };
    vectors.check_all(|case| {
        let active = case.texts("input/activeTriggers");
        let activity = match case.text("input/forPushScalerMetric").unwrap_or_default() {
            "" => triggers_activity(&case.texts("input/externalMetricNames"), &active),
            metric => {
                let existing = case.at("input/existingActivity").as_object().expect("a map");
                let existing = existing.iter().map(|(name, active)| (name.clone(), active == true)).collect();
                pushed_activity(&existing, metric, &active)
            }
        };
        Row::compare(&serde_json::json!(activity), case.at("expected/triggersActivity"))
    });
}

/// All are read as a ScaledJob's triggers would be; one whose scaler is closed while it is read has no metric.
#[test]
fn errors_of_scalers_surface_as_in_keda() {
    let Some(vectors) = shared("scaler-errors") else { return };
    vectors.check_all(|case| {
        let triggers: Vec<&Value> = case.list("input/triggers").iter().filter(|trigger| trigger.get("cache").is_none()).collect();
        let answer = |trigger: &Value, call: &str| match trigger[call].as_str() {
            Some("ok") => Answer::Values(vec![(name(trigger), trigger["value"].as_f64().expect("a number"))], trigger["active"] == true),
            Some("error") => Answer::Failed("boom".to_owned()),
            _ => Answer::Failed("unsupported protocol scheme".to_owned()),
        };
        let read = |trigger: &&Value| {
            let second = Some(answer(trigger, "secondCall"));
            readings(&[MetricPoll { name: name(trigger), target: Some(1.0), external: true, first: answer(trigger, "firstCall"), second }])
        };
        let readings: Vec<TriggerReading> = triggers.iter().flat_map(read).collect();
        let state = PollState::of(&readings);
        let decision = decided(case, ["input/min", "input/max", "input/multi"], &readings);
        let told = state.events.iter().map(|event| format!("{} {}", event.reason(), event.note())).collect::<Vec<_>>().join("\n");
        if let Some(part) = case.texts("expected/eventContains").iter().find(|part| !told.contains(part.as_str())) {
            return Row::Differs(format!("`{told}` lacks `{part}`"));
        }
        let ours = (decision.is_active, decision.is_error, state.active_triggers);
        let is_active = case.at("expected/isActive") == true;
        Row::compare(&ours, &(is_active, case.truth("expected/isError"), case.texts("expected/activeTriggers")))
    });
}

fn name(trigger: &Value) -> String {
    trigger["metricName"].as_str().unwrap_or("s0-q").to_owned()
}
