//! A decision's arithmetic in one line: what is shown is what was calculated.

use std::fmt::Write;

use super::{
    decision::{Decision, Parts, TriggerReading, Weighed},
    number::short,
    strategy::{Strategy, share_of},
};

/// `10 visible + 0 in flight = 10; target 1 -> 10; running 0; default: min(10, 100-0) -> create 10`.
pub(super) fn line(decision: &Decision) -> String {
    let mut clauses = Vec::new();
    match decision.triggers.as_slice() {
        [] => clauses.push("no triggers".to_owned()),
        [trigger] => clauses.extend(alone(trigger, decision)),
        many => {
            clauses.extend(many.iter().map(among_others));
            clauses.push(combined(decision));
        }
    }
    clauses.push(running(decision));
    clauses.push(outcome(decision));
    clauses.join("; ")
}

/// The clauses of the only trigger.
fn alone(trigger: &Weighed, decision: &Decision) -> Vec<String> {
    let reading = &trigger.reading;
    if let Some(error) = &reading.error {
        return vec![failure(reading, error)];
    }
    if !reading.active {
        return vec![format!("{}, {}", value(reading), inactivity(reading))];
    }
    let asked = reading.value / reading.target;
    let room = decision.rules.bounds.max;
    let cap = if reading.target > 0.0 && asked.ceil() > super::number::to_float(room) {
        format!("{}, capped at {room}", short(asked.ceil()))
    } else {
        decision.max_scale.to_string()
    };
    vec![value(reading), format!("target {} -> {cap}", short(reading.target))]
}

/// The clause of one trigger among several.
fn among_others(trigger: &Weighed) -> String {
    let reading = &trigger.reading;
    match &reading.error {
        Some(error) => failure(reading, error),
        None if reading.active => {
            format!("{}: {}, target {} -> {}", reading.metric, value(reading), short(reading.target), short(trigger.max_value))
        }
        None => format!("{}: {}, {}", reading.metric, value(reading), inactivity(reading)),
    }
}

fn combined(decision: &Decision) -> String {
    let active = decision.active_triggers().count();
    let name = decision.rules.calculation.name();
    format!("{name} of {active} active: {} -> {}", short(decision.queue_length), decision.max_scale)
}

pub(super) fn failure(reading: &TriggerReading, error: &str) -> String {
    let one_line: Vec<&str> = error.split_whitespace().collect();
    format!("{}: error ({})", reading.metric, one_line.join(" "))
}

pub(super) fn value(reading: &TriggerReading) -> String {
    match &reading.parts {
        Some(parts) => added(parts),
        None => measured(reading),
    }
}

/// What was counted; what else it is, the metric's name tells.
fn measured(reading: &TriggerReading) -> String {
    let value = short(reading.value);
    if let Some(counted) = reading.counted {
        return format!("{value} {}{}", counted.noun(), if value == "1" { "" } else { "s" });
    }
    let name = reading.metric.split_once('-').map_or("", |(_, name)| name);
    match name.split_once('-') {
        _ if name == "aws-cloudwatch" => format!("metric {value}"),
        Some(("cron", _)) => format!("hours {value}"),
        _ => format!("value {value}"),
    }
}

fn added(parts: &Parts) -> String {
    let mut text = format!("{} visible", parts.visible);
    for (count, name) in [(parts.in_flight, "in flight"), (parts.delayed, "delayed")] {
        if let Some(count) = count {
            let _ = write!(text, " + {count} {name}");
        }
    }
    let sum = parts.sum();
    if parts.in_flight.is_some() || parts.delayed.is_some() {
        let _ = write!(text, " = {sum}");
    }
    if sum < 0 {
        text.push_str(", read as 0");
    }
    text
}

pub(super) fn inactivity(reading: &TriggerReading) -> String {
    match reading.activation {
        Some(threshold) => format!("not above activation {}", short(threshold)),
        None => "inactive".to_owned(),
    }
}

fn running(decision: &Decision) -> String {
    let (all, min) = (decision.running, decision.rules.bounds.min);
    let mut text = format!("running {all}");
    if min > 0 && !decision.is_top_up() {
        let _ = write!(text, " - {min} minimum = {}", all.wrapping_sub(min));
    }
    if matches!(decision.rules.strategy, Strategy::Accurate | Strategy::Eager) {
        let _ = write!(text, ", pending {}", decision.pending);
    }
    text
}

fn outcome(decision: &Decision) -> String {
    let create = decision.create;
    if decision.is_top_up() {
        return format!("minimum {}: {} -> create {create}", decision.rules.bounds.min, minus(decision.rules.bounds.min, decision.running));
    }
    if !decision.is_active {
        return format!("inactive -> create {create}");
    }
    let limit = if decision.effective <= 0 {
        format!(" = {}", decision.effective)
    } else if create < decision.effective {
        format!(" = {}, at most {} queued", decision.effective, decision.scale_to)
    } else {
        String::new()
    };
    format!("{}: {}{limit} -> create {create}", decision.rules.strategy.name(), formula(decision))
}

/// The strategy's arithmetic; what it says is [`Decision::effective`].
fn formula(decision: &Decision) -> String {
    let (wanted, pending, room) = (decision.max_scale, decision.pending, decision.rules.bounds.max);
    let running = decision.running.wrapping_sub(decision.rules.bounds.min);
    match &decision.rules.strategy {
        Strategy::Default if running == 0 => format!("min({wanted}, {room}-0)"),
        Strategy::Default => format!("min({}, {})", minus(wanted, running), minus(room, running)),
        Strategy::Custom { deduction, percentage } => match share_of(running, percentage) {
            Some(_) => format!("min({}-trunc({}*{percentage}), {room})", minus(wanted, *deduction), operand(running)),
            None => format!("{running}*{percentage} is no whole number of jobs"),
        },
        Strategy::Accurate => {
            let total = wanted.wrapping_add(running).wrapping_sub(pending);
            let (sign, then) = if total > room { (">", minus(room, running)) } else { ("<=", minus(wanted, pending)) };
            format!("{wanted}+{}-{} = {total} {sign} {room}, so {then}", operand(running), operand(pending))
        }
        Strategy::Eager => format!("min({}-{}, {wanted})", minus(room, running), operand(pending)),
    }
}

fn minus(left: i64, right: i64) -> String {
    format!("{left}-{}", operand(right))
}

/// A right-hand operand: negative numbers in parentheses.
fn operand(number: i64) -> String {
    if number < 0 { format!("({number})") } else { number.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::keda::decision::Counted;

    #[test]
    fn what_is_counted_has_its_word_whatever_the_metric_is_called() {
        let reading = |counted, value| TriggerReading {
            metric: "s0-aws-dynamodb-streams-x".to_owned(),
            value,
            target: 1.0,
            active: true,
            activation: Some(0.0),
            parts: None,
            counted,
            error: None,
        };
        assert_eq!(measured(&reading(Some(Counted::Items), 3.0)), "3 items");
        assert_eq!(measured(&reading(Some(Counted::Shards), 1.0)), "1 shard");
        assert_eq!(measured(&reading(Some(Counted::OpenShards), 2.0)), "2 open shards");
        assert_eq!(measured(&reading(None, 2.0)), "value 2");
    }
}
