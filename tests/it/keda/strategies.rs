//! Scaling strategies, replica bounds, and whole polls.

use kedactl::core::keda::{
    aggregate::{Calculation, Entry, combine},
    bounds::Bounds,
    decision::{Rules, TriggerReading, decide},
    jobs::Counts,
    number::quantity,
    strategy::{Demanded, Strategy},
};
use serde_json::Value;

use super::vectors::{Case, Row, committed, shared};

#[test]
fn replica_bounds_are_kedas() {
    let Some(vectors) = shared("scaledjob-replica-bounds") else { return };
    vectors.check_all(|case| {
        let bounds = Bounds::new(case.small("input/minReplicaCount"), case.small("input/maxReplicaCount"));
        let expected = |name: &str| case.integer(&format!("expected/{name}")).expect("a number");
        Row::compare(&(bounds.min, bounds.max), &(expected("MinReplicaCount()"), expected("MaxReplicaCount()")))
    });
}

#[test]
fn strategies_are_selected_and_applied_as_keda_asserts() {
    let Some(vectors) = shared("scaling-strategies") else { return };
    vectors.check_all(|case| {
        let strategy = Strategy::select(
            case.text("input/strategy"),
            case.small("input/customScalingQueueLengthDeduction"),
            case.text("input/customScalingRunningJobPercentage"),
        );
        if let Some(selected) = case.text("expected/selected").filter(|selected| *selected != strategy.name()) {
            return Row::Differs(format!("ours {}, KEDA's {selected}", strategy.name()));
        }
        let Some(effective) = case.integer("expected/effectiveMaxScale") else { return Row::Same };
        let number = |name: &str| case.integer(&format!("input/{name}")).unwrap_or_default();
        let room = number("maxReplicaCount");
        let input =
            Demanded { max_scale: number("maxScale"), running: number("runningJobCount"), pending: number("pendingJobCount"), room };
        let scale_to = strategy.scale_to(number("scaleTo"), room);
        let expected = case.integer("expected/scaleTo").unwrap_or(scale_to);
        Row::compare(&(strategy.effective(input), scale_to), &(effective, expected))
    });
}

/// Infinite and undefined percentages depend on the processor: 21 rows, for which only the choice is compared and that nothing is created.
#[test]
fn strategies_give_kedas_figures() {
    committed("generated-strategies").check_all(|case| {
        let percentage = case.text("percentage").expect("text");
        let strategy = Strategy::select(case.text("strategy"), case.small("deduction"), Some(percentage));
        let number = |name: &str| case.integer(name).expect("a number");
        let room = number("maxReplica");
        let input = Demanded { max_scale: number("maxScale"), running: number("running"), pending: number("pending"), room };
        let ours = (strategy.name(), strategy.effective(input), strategy.scale_to(number("scaleTo"), room));
        let kedas = (case.text("selected").expect("a name"), number("effectiveMaxScale"), number("scaleToOut"));
        let undefined = matches!(&strategy, Strategy::Custom { percentage, .. } if !percentage.value().is_finite());
        if undefined { Row::compare(&(ours.0, ours.1.max(0), ours.2), &(kedas.0, 0, kedas.2)) } else { Row::compare(&ours, &kedas) }
    });
}

#[test]
fn the_minimum_comes_before_the_strategy() {
    let Some(vectors) = shared("scaling-decision") else { return };
    vectors.check_all(|case| {
        let number = |name: &str| case.integer(&format!("input/{name}")).expect("a number");
        let rules = Rules {
            bounds: Bounds::new(case.small("input/minReplicaCount"), case.small("input/maxReplicaCount")),
            strategy: Strategy::select(case.text("input/strategy"), None, None),
            calculation: Calculation::Max,
        };
        let whole = |value: i64| quantity(&value.to_string()).expect("a quantity");
        assert_eq!(number("scaleTo"), number("maxScale"), "a target of 1 gives both");
        let reading = reading("s0-q", whole(number("scaleTo")), 1.0, true);
        let decision = decide(&rules, &[reading], Counts { running: number("runningJobCount"), pending: number("pendingJobCount") });
        let expected = |name: &str| case.integer(&format!("expected/{name}")).expect("a number");
        Row::compare(&(decision.effective, decision.scale_to), &(expected("effectiveMaxScale"), expected("scaleTo")))
    });
}

#[test]
fn several_triggers_combine_as_in_keda() {
    committed("generated-multi-scalers").check_all(|case| {
        let entry = |row: &Value| Entry {
            queue_length: row[0].as_f64().expect("a number"),
            max_value: row[1].as_f64().expect("a number"),
            active: row[2].as_bool().expect("a boolean"),
        };
        let entries: Vec<Entry> = case.list("scalers").iter().map(entry).collect();
        let bounds = Bounds { min: case.integer("min").expect("a number"), max: case.integer("max").expect("a number") };
        let demand = combine(Calculation::from_name(case.text("multi")), &entries, bounds);
        let ours = (demand.is_active, demand.scale_to, demand.max_scale, demand.max_value.to_bits());
        let max_float = case.at("maxFloat").as_f64().expect("a number").to_bits();
        let kedas = (case.truth("isActive"), case.integer("queueLength"), case.integer("maxScale"), max_float);
        Row::compare(&(ours.0, Some(ours.1), Some(ours.2), ours.3), &kedas)
    });
}

#[test]
fn whole_polls_decide_as_keda_did() {
    committed("generated-decisions").check_all(poll);
}

fn poll(case: &Case<'_>) -> Row {
    let rules = Rules {
        bounds: Bounds::new(case.small("min"), case.small("max")),
        strategy: Strategy::select(case.text("strategy"), case.small("deduction"), case.text("percentage")),
        calculation: Calculation::from_name(case.text("multi")),
    };
    let number = |value: &Value| quantity(value.as_str().expect("a quantity")).expect("a quantity");
    let read = |row: &Value| reading("s0-q", number(&row[1]), number(&row[0]), row[2].as_bool().expect("a boolean"));
    let mut readings: Vec<TriggerReading> = case.list("triggers").iter().map(read).collect();
    if case.truth("isError") {
        readings.push(TriggerReading::failed("s9-q", "boom"));
    }
    let jobs = Counts { running: case.integer("running").expect("a number"), pending: case.integer("pending").expect("a number") };
    let decision = decide(&rules, &readings, jobs);
    let weights = decision.triggers.iter().zip(case.list("triggers"));
    let mut mismatch = weights.filter(|(ours, row)| Some(ours.reading.value) != row[3].as_f64() || Some(ours.max_value) != row[4].as_f64());
    if let Some((ours, row)) = mismatch.next() {
        return Row::Differs(format!("ours {ours:?}, KEDA's {row}"));
    }
    let ours = (
        [rules.bounds.min, rules.bounds.max, decision.max_scale, decision.effective, decision.scale_to, decision.create].map(Some),
        [decision.is_active, decision.announced, decision.is_active],
        [decision.ready.to_string(), decision.active.to_string()],
    );
    let kedas = (
        ["minReplicaCount", "maxReplicaCount", "maxScale", "effectiveMaxScale", "scaleTo", "jobsCreated"].map(|name| case.integer(name)),
        ["isActive", "jobsCreatedEvent", "lastActiveTimeSet"].map(|name| case.truth(name)),
        ["ready", "activeCondition"].map(|name| case.text(name).expect("text").to_owned()),
    );
    Row::compare(&ours, &kedas)
}

fn reading(metric: &str, value: f64, target: f64, active: bool) -> TriggerReading {
    TriggerReading { metric: metric.to_owned(), value, target, active, activation: None, parts: None, counted: None, error: None }
}
