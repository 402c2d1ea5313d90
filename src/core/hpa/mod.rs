//! The horizontal pod autoscaler of Kubernetes: between something and much, once KEDA has woken the target.
//!
//! The rules are those of `pkg/controller/podautoscaler`; the figures that its flags default to are named here.

pub mod behavior;
mod explain;
pub mod replicas;
pub mod resource;
mod stabilize;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{
    behavior::{Behavior, Changes},
    replicas::{Metric, Proposal, Tolerance},
    resource::ResourceMetric,
    stabilize::Recommendations,
};

/// Seconds between two syncs: `--horizontal-pod-autoscaler-sync-period`.
pub const SYNC_SECONDS: u64 = 15;
/// Seconds for which a higher recommendation holds: `--horizontal-pod-autoscaler-downscale-stabilization`.
pub const DOWNSCALE_STABILIZATION_SECONDS: i32 = 300;
/// A change that is smaller than this share is none: `--horizontal-pod-autoscaler-tolerance`.
pub const TOLERANCE: f64 = 0.1;
/// A scale-up reaches at most this many times the replicas there are: `scaleUpLimitFactor`.
const SCALE_UP_FACTOR: i32 = 2;
/// But this many it may always reach: `scaleUpLimitMinimum`.
const SCALE_UP_MINIMUM: i32 = 4;

/// What a HorizontalPodAutoscaler says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spec {
    /// Fewest replicas.
    pub min: i32,
    /// Most replicas.
    pub max: i32,
    /// How fast, where it says so.
    pub behavior: Option<Behavior>,
}

/// What one sync finds.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What the HPA says.
    pub spec: &'a Spec,
    /// `spec.replicas` of the target.
    pub current: i32,
    /// `status.replicas` of the target: what there is, ready or not.
    pub there: i32,
    /// Pods that are ready.
    pub ready: i32,
    /// Its metrics as they were read, in order.
    pub metrics: &'a [Metric],
    /// What its pods use, after those.
    pub resources: &'a [ResourceMetric],
}

/// What an HPA remembers from one sync to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    recommendations: Recommendations,
    changes: Changes,
}

/// Why a sync came to its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The target has no replicas: `ScalingDisabled`. KEDA wakes it.
    Disabled,
    /// More run than may.
    AboveMaximum,
    /// Fewer run than should.
    BelowMinimum,
    /// No metric could be read, or one could not and the others would scale in.
    Unreadable,
    /// The metrics decide.
    Metrics,
}

/// One sync's decision, with every input and the steps to the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HpaDecision {
    /// Fewest replicas.
    pub min: i32,
    /// Most replicas.
    pub max: i32,
    /// `spec.replicas` before.
    pub current: i32,
    /// What each metric asks for, in order.
    pub proposals: Vec<Proposal>,
    /// Why.
    pub reason: Reason,
    /// What the metrics ask for together: the most.
    pub wanted: Option<i32>,
    /// The same after the stabilization windows.
    pub stabilized: Option<i32>,
    /// The most, or the fewest, that this sync may go to, where that held it back.
    pub limit: Option<i32>,
    /// `spec.replicas` after.
    pub result: i32,
}

impl HpaDecision {
    /// The arithmetic in one line.
    #[must_use]
    pub fn explain(&self) -> String {
        explain::line(self)
    }

    /// Whether the target is to be changed.
    #[must_use]
    pub fn rescales(&self) -> bool {
        self.result != self.current
    }
}

/// Whether a sync looks at metrics at all, where `current` replicas are wanted: outside its bounds it does not.
#[must_use]
pub fn asks(spec: &Spec, current: i32) -> bool {
    (spec.min..=spec.max).contains(&current)
}

/// Decides one sync, and remembers what it recommended. What is then carried out is told to [`State::scaled`].
///
/// The result is within the bounds, unless nothing runs.
#[must_use]
pub fn sync(input: &Input<'_>, state: &mut State, now: Timestamp) -> HpaDecision {
    let Input { spec, current, .. } = *input;
    state.recommendations.begin(current, now);
    let (min, max) = (spec.min, spec.max);
    let proposals = Vec::new();
    let plain = HpaDecision {
        min,
        max,
        current,
        proposals,
        reason: Reason::Disabled,
        wanted: None,
        stabilized: None,
        limit: None,
        result: current,
    };
    if current == 0 && min != 0 {
        return plain;
    }
    if current > max {
        return HpaDecision { reason: Reason::AboveMaximum, result: max, ..plain };
    }
    if current < min {
        return HpaDecision { reason: Reason::BelowMinimum, result: min, ..plain };
    }
    let tolerance = spec.behavior.as_ref().map_or_else(Tolerance::default, Behavior::tolerance);
    let external = input.metrics.iter().map(|metric| replicas::propose(metric, input, tolerance));
    let of_pods = input.resources.iter().map(|metric| resource::propose(metric, current, tolerance, now));
    let proposals: Vec<Proposal> = external.chain(of_pods).collect();
    let Some(wanted) = most(&proposals, current) else {
        return HpaDecision { proposals, reason: Reason::Unreadable, ..plain };
    };
    let (stabilized, limit) = match &spec.behavior {
        None => {
            let stabilized = state.recommendations.highest(wanted, DOWNSCALE_STABILIZATION_SECONDS, now);
            (stabilized, (min, max.min(SCALE_UP_MINIMUM.max(current.saturating_mul(SCALE_UP_FACTOR)))))
        }
        Some(behavior) => {
            let windows = (behavior.scale_up.window, behavior.scale_down.window);
            let stabilized = state.recommendations.between(wanted, current, windows, now);
            (stabilized, state.changes.limits(behavior, stabilized, input, now))
        }
    };
    let result = stabilized.clamp(limit.0.min(limit.1), limit.1);
    HpaDecision {
        proposals,
        reason: Reason::Metrics,
        wanted: Some(wanted),
        stabilized: Some(stabilized),
        limit: (result != stabilized).then_some(result),
        result,
        ..plain
    }
}

impl State {
    /// Remembers that the target was scaled, for the rates of a `behavior`.
    pub fn scaled(&mut self, spec: &Spec, from: i32, to: i32, now: Timestamp) {
        if let Some(behavior) = &spec.behavior {
            self.changes.note(behavior, to.saturating_sub(from), now);
        }
    }
}

/// The most that a metric proposes. A metric that cannot be read stops a scale-in, and all together stop everything.
fn most(proposals: &[Proposal], current: i32) -> Option<i32> {
    let most = proposals.iter().filter_map(|proposal| proposal.replicas).max()?;
    let some_failed = proposals.iter().any(|proposal| proposal.replicas.is_none());
    (!some_failed || most >= current).then_some(most)
}

#[cfg(test)]
mod tests;
