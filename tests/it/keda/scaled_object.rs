//! KEDA's own half of scaling a ScaledObject, and its fallback.

use jiff::{SignedDuration, Timestamp};
use kedactl::core::keda::{
    conditions::{Condition, INITIAL, Status},
    executor::{Activation, Rules, Seen, decide},
    fallback::{self, Behavior, Fallback, Health, Milli, Outcome, Replicas},
    hpa_health::{ScalingActive, hpa_active},
    pause::Pauses,
    trigger::metric_type::MetricType,
};
use serde_json::{Value, json};

use super::vectors::{Case, Row, committed, shared};

#[test]
fn whole_polls_of_a_scaled_object_are_kedas() {
    let now = Timestamp::from_second(1_700_000_000).expect("in range");
    let ago = |seconds: i64| now - SignedDuration::from_secs(seconds);
    committed("generated-scaledobject-executor").check_all(|case| {
        let rules = Rules {
            min: case.small("min"),
            idle: case.small("idle"),
            cooldown: case.small("cooldownPeriod"),
            initial_cooldown: case.small("initialCooldownPeriod"),
            fallback: case.small("fallbackReplicas"),
        };
        let seen = Seen {
            current: case.small("currentReplicas").expect("a number"),
            is_active: case.truth("isActive"),
            is_error: case.truth("isError"),
            pauses: Pauses::of(&case.map("annotations")),
            last_active: case.integer("lastActiveAgeSeconds").map(ago),
            created: case.integer("createdAgeSeconds").map(ago),
        };
        let step = decide(&rules, &seen, now);
        let shown = |condition: &Option<Condition>| condition.as_ref().map(ToString::to_string).unwrap_or_default();
        let ours = json!([
            step.replicas,
            step.ready.to_string(),
            shown(&step.active),
            shown(&step.paused),
            step.is_active_now,
            told(&step, seen.current, "ns/d", "s0-x")
        ]);
        let columns = ["setReplicas", "ready", "active", "paused", "lastActiveTimeSet", "event"];
        Row::compare(&ours, &Value::Array(columns.map(|name| case.at(name).clone()).to_vec()))
    });
}

/// KEDA's words for a step's event, which are not ours to show.
fn told(step: &Activation, from: i32, target: &str, trigger: &str) -> Option<String> {
    let (reason, to) = (step.event()?, step.replicas?);
    Some(match (reason, step.is_forced) {
        ("KEDAScaleTargetActivated", true) => {
            format!("Normal {reason} Scaled  {target} from {from} to {to}, caused by forced activation annotation")
        }
        ("KEDAScaleTargetActivated", false) => format!("Normal {reason} Scaled  {target} from {from} to {to}, triggered by {trigger}"),
        _ => format!("Normal {reason} Deactivated  {target} from {from} to {to}"),
    })
}

#[test]
fn polls_of_a_scaled_object_are_as_keda_asserts() {
    let Some(vectors) = shared("scaledobject-executor") else { return };
    vectors.check_all(|case| match case.text("kind").expect("a kind") {
        "requestScale" | "requestScaleWithHPA" => request(case),
        "hpaHealth" | "hpaHealthUnobservable" => {
            let previous = case.at("input/previousHPAActive");
            let condition = health(case).or_else(|| {
                let status = match previous["status"].as_str()? {
                    "True" => Status::True,
                    "False" => Status::False,
                    _ => Status::Unknown,
                };
                Some((Condition::new(status, previous["reason"].as_str()?), String::new()))
            });
            let shown = condition.map(|(condition, _)| (condition.status.as_str().to_owned(), condition.reason)).unwrap_or_default();
            let prefix = if previous.is_null() { ["status", "reason"] } else { ["hpaActive", "hpaActiveReason"] };
            let expected = prefix.map(|name| case.text(&format!("expected/{name}")).expect("text").to_owned());
            Row::compare(&[shown.0, shown.1], &expected)
        }
        "initialConditions" => {
            let ours = json!({ "conditions": INITIAL.len(), "containsHPAActive": INITIAL.iter().any(|(name, _)| *name == "HPAActive") });
            Row::compare(&ours, case.at("expected"))
        }
        "idleOrMin" => {
            let rules = Rules { min: case.small("input/minReplicaCount"), idle: case.small("input/idleReplicaCount"), ..Rules::default() };
            let ours = (rules.idle.is_some(), Some(rules.resting()));
            Row::compare(&ours, &(case.truth("expected/isIdle"), case.small("expected/replicas")))
        }
        other => Row::Differs(format!("unknown kind {other}")),
    });
}

/// What the HPA's condition says; nothing when there is no HPA, or it has no such condition.
fn health(case: &Case<'_>) -> Option<(Condition, String)> {
    case.text("input/hpaName").filter(|name| !name.is_empty())?;
    let condition = case.at("input/hpa")["conditions"].as_array()?.iter().find(|one| one["type"] == "ScalingActive")?;
    let text = |name: &str| condition[name].as_str().expect("text");
    Some(hpa_active(&ScalingActive { holds: condition["status"] == "True", reason: text("reason"), message: text("message") }))
}

fn request(case: &Case<'_>) -> Row {
    let rules = Rules {
        min: case.small("input/minReplicaCount"),
        idle: case.small("input/idleReplicaCount"),
        fallback: case.small("input/fallbackReplicas"),
        ..Rules::default()
    };
    let seen = Seen {
        current: case.small("input/currentReplicas").expect("a number"),
        is_active: case.truth("input/isActive"),
        is_error: case.truth("input/isError"),
        pauses: Pauses::of(&case.map("input/annotations")),
        last_active: None,
        created: None,
    };
    let step = decide(&rules, &seen, Timestamp::UNIX_EPOCH);
    let active = step.active.as_ref();
    let trigger = case.texts("input/activeTriggers").join(", ");
    let health = health(case);
    for (name, expected) in case.at("expected").as_object().expect("a map") {
        let ours = match name.as_str() {
            "setReplicas" => json!(step.replicas),
            "active" => json!(active.map(|condition| condition.status.as_str())),
            "activeReason" => json!(active.map(|condition| condition.reason.as_str())),
            "activeIsTrue" => json!(active.is_some_and(|condition| condition.status == Status::True)),
            "lastActiveTimeSet" => json!(step.is_active_now),
            "paused" => json!(step.paused.as_ref().map(|condition| condition.status.as_str())),
            "ready" => json!(step.ready.status.as_str()),
            "readyReason" => json!(step.ready.reason),
            "hpaActive" => json!(health.as_ref().map(|(condition, _)| condition.status.as_str())),
            "hpaActiveReason" => json!(health.as_ref().map(|(condition, _)| condition.reason.as_str())),
            "event" => json!(told(&step, seen.current, "namespace/name", &trigger)),
            // A poll never writes the paused count into the status; and KEDA's texts are its own.
            "pauseReplicasSet" | "activeMessage" | "hpaActiveMessage" => continue,
            other => return Row::Differs(format!("unknown result {other}")),
        };
        if ours != *expected {
            return Row::Differs(format!("{name}: ours {ours}, KEDA's {expected}"));
        }
    }
    Row::Same
}

#[test]
fn fallbacks_are_as_keda_asserts() {
    const METRIC: &str = "some_metric_name";
    let Some(vectors) = shared("fallback") else { return };
    vectors.check_all(|case| {
        let given = case.at("input/fallback");
        let small = |value: &Value| value.as_i64().map(|value| i32::try_from(value).expect("fits"));
        let fallback = (!given.is_null()).then(|| Fallback {
            failure_threshold: small(&given["failureThreshold"]).expect("a number"),
            replicas: small(&given["replicas"]).expect("a number"),
            behavior: given["behavior"].as_str().map_or(Behavior::Static, |name| Behavior::named(name).expect("known")),
        });
        let before = &case.at("input/health")[METRIC];
        let failures = small(&before["numberOfFailures"]).unwrap_or(0);
        let mut health = Health { number_of_failures: failures, is_failing: before["status"] == "Failing" };
        let target = case.integer("input/targetAverageValue").expect("a number") * 1000;
        let metric = Milli { target, metric_type: MetricType::AverageValue };
        let value = case.integer("input/metricValue").map(|value| value * 1000);
        let replicas = Replicas { current: case.small("input/currentReplicas"), ready: 0 };
        let outcome = fallback::apply(fallback.as_ref(), &mut health, metric, value.is_some(), replicas);
        let ours = match outcome {
            Outcome::Read => value,
            Outcome::Replaced(value) => Some(value),
            Outcome::Failed => None,
        };
        // Where KEDA asserts only the condition, a value took the reading's place.
        let is_fallback = matches!(outcome, Outcome::Replaced(_));
        let condition = !case.at("expected/fallbackCondition").is_null() || case.at("expected/fallbackConditionIsTrue") == true;
        if condition && !is_fallback || case.at("expected/fallbackConditionIsTrue") == false && is_fallback {
            return Row::Differs(format!("the fallback is in force: {is_fallback}"));
        }
        let expected_health = &case.at("expected/health")[METRIC];
        let said = json!({ "numberOfFailures": health.number_of_failures, "status": if health.is_failing { "Failing" } else { "Happy" } });
        if !expected_health.is_null() && said != *expected_health {
            return Row::Differs(format!("health: ours {said}, KEDA's {expected_health}"));
        }
        match case.integer("expected/value") {
            Some(value) => Row::compare(&ours, &Some(value * 1000)),
            None => Row::compare(&ours.is_none(), &(case.at("expected/error") != false)),
        }
    });
}
