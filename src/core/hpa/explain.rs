//! A sync's arithmetic in one line: what is shown is what was calculated.

use super::{HpaDecision, Reason, replicas::Proposal};
use crate::core::keda::{
    number::{short, to_float},
    trigger::metric_type::MetricType,
};

/// `s0-aws-sqs-q: 23 / 5 = 4.6 -> 5; 5 wanted; window 300 s holds 8; at most 4 now -> 4 replicas (from 2)`.
pub(super) fn line(decision: &HpaDecision) -> String {
    let mut clauses: Vec<String> = decision.proposals.iter().map(proposal).collect();
    match decision.reason {
        Reason::Disabled => return "no replicas: the HPA is disabled until KEDA wakes the target".to_owned(),
        Reason::AboveMaximum => clauses.push(format!("{} replicas are above the maximum", decision.current)),
        Reason::BelowMinimum => clauses.push(format!("{} replicas are below the minimum", decision.current)),
        Reason::Unreadable if decision.proposals.is_empty() => clauses.push("no metrics".to_owned()),
        Reason::Unreadable => clauses.push("a metric that cannot be read stops a scale-in".to_owned()),
        Reason::Metrics => clauses.extend(steps(decision)),
    }
    let (from, to) = (decision.current, decision.result);
    clauses.push(if from == to { format!("stays at {to}") } else { format!("{from} -> {to}") });
    clauses.join("; ")
}

fn proposal(proposal: &Proposal) -> String {
    let name = &proposal.metric;
    if let Some(error) = &proposal.error {
        let one_line: Vec<&str> = error.split_whitespace().collect();
        return format!("{name}: error ({})", one_line.join(" "));
    }
    let (value, target) = (milli(proposal.value), milli(proposal.target));
    let replicas = proposal.replicas.unwrap_or_default();
    let ratio = proposal.ratio.map_or_else(|| "none".to_owned(), short);
    match (proposal.metric_type, proposal.is_tolerated) {
        (_, true) => format!("{name}: {value} of {target}, ratio {ratio} is within the tolerance -> {replicas}"),
        (MetricType::Utilization, false) => format!("{name}: {value} % / {target} % of {} pods -> {replicas}", proposal.among),
        (MetricType::Value, false) => format!("{name}: {value} / {target} * {} ready -> {replicas}", proposal.among),
        (_, false) => format!("{name}: {value} / {target} -> {replicas}"),
    }
}

fn steps(decision: &HpaDecision) -> Vec<String> {
    let mut steps = Vec::new();
    if let (Some(wanted), Some(stabilized)) = (decision.wanted, decision.stabilized) {
        if decision.proposals.len() > 1 {
            steps.push(format!("the most is {wanted}"));
        }
        if stabilized != wanted {
            steps.push(format!("the stabilization window keeps {stabilized}"));
        }
        if let Some(limit) = decision.limit {
            let word = if limit < stabilized { "at most" } else { "at least" };
            steps.push(format!("{word} {limit} now"));
        }
    }
    steps
}

fn milli(value: i64) -> String {
    short(to_float(value) / 1000.0)
}
