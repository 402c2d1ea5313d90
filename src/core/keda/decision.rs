//! What the scaler decides at one poll.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    aggregate::{Calculation, Demand, Entry, combine, max_value},
    bounds::Bounds,
    conditions::Condition,
    explain,
    jobs::Counts,
    strategy::{Demanded, Strategy},
};

/// The parts of a ScaledJob's spec that a decision depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Rules {
    /// Minimum and room above it.
    pub bounds: Bounds,
    /// The strategy in force.
    pub strategy: Strategy,
    /// How several triggers are combined.
    pub calculation: Calculation,
}

/// The counters that were added up to a queue's length; a counter that the trigger leaves out is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parts {
    /// `ApproximateNumberOfMessages`.
    pub visible: i64,
    /// `ApproximateNumberOfMessagesNotVisible`, where counted.
    pub in_flight: Option<i64>,
    /// `ApproximateNumberOfMessagesDelayed`, where counted.
    pub delayed: Option<i64>,
}

impl Parts {
    /// The sum; wraps as KEDA's does.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.visible.wrapping_add(self.in_flight.unwrap_or(0)).wrapping_add(self.delayed.unwrap_or(0))
    }
}

/// What a trigger counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Counted {
    /// Open shards of a stream of Kinesis.
    OpenShards,
    /// Shards of a table's stream, closed ones as well.
    Shards,
    /// Items of a table.
    Items,
}

impl Counted {
    /// One of them.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::OpenShards => "open shard",
            Self::Shards => "shard",
            Self::Items => "item",
        }
    }
}

/// What one metric of one trigger said at this poll.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriggerReading {
    /// The metric's name, `s<index>-<name>`.
    pub metric: String,
    /// The queue's length as KEDA reads it back; 0 after an error.
    pub value: f64,
    /// The length that one job is wanted for.
    pub target: f64,
    /// Whether the trigger is active.
    pub active: bool,
    /// The threshold that the value must be above to be active, where the trigger has one.
    pub activation: Option<f64>,
    /// What the value was added up from, where the trigger is a queue.
    pub parts: Option<Parts>,
    /// What was counted, where it is neither messages nor a value of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// Why there is no value.
    pub error: Option<String>,
}

impl TriggerReading {
    /// A trigger that could not be read, or not even be built.
    #[must_use]
    pub fn failed(metric: &str, error: &str) -> Self {
        Self {
            metric: metric.to_owned(),
            value: 0.0,
            target: 0.0,
            active: false,
            activation: None,
            parts: None,
            counted: None,
            error: Some(error.to_owned()),
        }
    }
}

/// A reading and the jobs it asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Weighed {
    /// What was read.
    #[serde(flatten)]
    pub reading: TriggerReading,
    /// Value over target, at most the room; 0 after an error.
    pub max_value: f64,
}

/// One poll's decision, with every input and the formula, so that it can be explained, replayed and compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// What the ScaledJob says.
    pub rules: Rules,
    /// What the triggers said, in their order.
    pub triggers: Vec<Weighed>,
    /// Unfinished jobs, the pending ones included.
    pub running: i64,
    /// Unfinished jobs that are pending.
    pub pending: i64,
    /// Whether a trigger is active, or a minimum forces it.
    pub is_active: bool,
    /// Whether a trigger could not be read.
    pub is_error: bool,
    /// The combined queue length.
    pub queue_length: f64,
    /// The combined number of jobs wanted, capped at the room, rounded up.
    pub max_scale: i64,
    /// Jobs the strategy allows, before the clamp at 0; negative when more run than are wanted.
    pub effective: i64,
    /// Most jobs to create at this poll.
    pub scale_to: i64,
    /// Jobs to create now.
    pub create: i64,
    /// Whether KEDA would emit `KEDAJobsCreated`; it does so for a count of 0 too.
    pub announced: bool,
    /// The `Ready` condition.
    pub ready: Condition,
    /// The `Active` condition.
    pub active: Condition,
}

impl Decision {
    /// The arithmetic in one line.
    #[must_use]
    pub fn explain(&self) -> String {
        explain::line(self)
    }

    /// Whether this poll only filled up to the minimum, without a look at the queue.
    #[must_use]
    pub fn is_top_up(&self) -> bool {
        self.running < self.rules.bounds.min
    }

    /// Names of the metrics that are active by themselves, in order.
    pub fn active_triggers(&self) -> impl Iterator<Item = &str> {
        self.triggers.iter().filter(|trigger| trigger.reading.active).map(|trigger| trigger.reading.metric.as_str())
    }
}

/// Decides one poll as KEDA does.
///
/// A trigger set that cannot be built is one [`TriggerReading::failed`]: jobs are still created up to the minimum.
#[must_use]
pub fn decide(rules: &Rules, readings: &[TriggerReading], jobs: Counts) -> Decision {
    let bounds = rules.bounds;
    let triggers: Vec<Weighed> = readings.iter().map(|reading| weigh(reading, bounds.max)).collect();
    let entries: Vec<Entry> = triggers.iter().filter(|trigger| trigger.reading.error.is_none()).map(Weighed::entry).collect();
    let is_error = entries.len() < triggers.len();
    let demand = combine(rules.calculation, &entries, bounds);
    let (effective, scale_to) = scale(rules, demand, jobs);
    let announced = demand.is_active && effective > 0;
    Decision {
        rules: rules.clone(),
        triggers,
        running: jobs.running,
        pending: jobs.pending,
        is_active: demand.is_active,
        is_error,
        queue_length: demand.queue_length,
        max_scale: demand.max_scale,
        effective,
        scale_to,
        create: if announced { scale_to.min(effective).max(0) } else { 0 },
        announced,
        ready: Condition::ready(demand.is_active, is_error),
        active: Condition::active(demand.is_active),
    }
}

fn weigh(reading: &TriggerReading, room: i64) -> Weighed {
    let max_value = if reading.error.is_some() { 0.0 } else { max_value(reading.value, reading.target, room) };
    Weighed { reading: reading.clone(), max_value }
}

impl Weighed {
    fn entry(&self) -> Entry {
        Entry { queue_length: self.reading.value, max_value: self.max_value, active: self.reading.active }
    }
}

/// The effective number before the clamp, and the most to create.
fn scale(rules: &Rules, demand: Demand, jobs: Counts) -> (i64, i64) {
    let bounds = rules.bounds;
    if jobs.running < bounds.min {
        let missing = bounds.min.wrapping_sub(jobs.running);
        return (missing, missing);
    }
    let running = jobs.running.wrapping_sub(bounds.min);
    let input = Demanded { max_scale: demand.max_scale, running, pending: jobs.pending, room: bounds.max };
    (rules.strategy.effective(input), rules.strategy.scale_to(demand.scale_to, bounds.max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(value: f64, target: f64) -> TriggerReading {
        TriggerReading {
            metric: "s0-aws-sqs-q".to_owned(),
            value,
            target,
            active: value > 0.0,
            activation: Some(0.0),
            parts: None,
            counted: None,
            error: None,
        }
    }

    #[test]
    fn the_minimum_is_filled_before_the_queue_is_looked_at() {
        let rules = Rules { bounds: Bounds::new(Some(2), Some(10)), ..Rules::default() };
        let first = decide(&rules, &[reading(23.0, 5.0)], Counts { running: 0, pending: 0 });
        let second = decide(&rules, &[reading(23.0, 5.0)], Counts { running: 2, pending: 0 });
        assert_eq!((first.create, second.create), (2, 5));
    }

    #[test]
    fn a_set_that_cannot_be_built_still_fills_the_minimum() {
        let rules = Rules { bounds: Bounds::new(Some(1), None), ..Rules::default() };
        let decision = decide(&rules, &[TriggerReading::failed("s0-aws-sqs-q", "no region")], Counts::default());
        assert_eq!((decision.create, decision.is_error, decision.ready.reason.as_str()), (1, true, "PartialTriggerError"));
    }

    #[test]
    fn accurate_doubles_what_is_in_flight() {
        let rules = Rules { strategy: Strategy::Accurate, ..Rules::default() };
        assert_eq!(decide(&rules, &[reading(10.0, 1.0)], Counts { running: 10, pending: 0 }).create, 10);
    }
}
