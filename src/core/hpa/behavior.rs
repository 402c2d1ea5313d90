//! How fast an HPA may scale where its `behavior` says so: rates by policies.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::{DOWNSCALE_STABILIZATION_SECONDS, Input, TOLERANCE, replicas::Tolerance, stabilize::before};
use crate::core::keda::number::to_int;

/// `spec.behavior`, with what `pkg/apis/autoscaling/v2/defaults.go` fills in.
#[derive(Debug, Clone, PartialEq)]
pub struct Behavior {
    /// The rules of scaling out.
    pub scale_up: Rules,
    /// The rules of scaling in.
    pub scale_down: Rules,
}

/// The rules of one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// `stabilizationWindowSeconds`.
    pub window: i32,
    /// `selectPolicy`.
    pub select: Select,
    /// `policies`.
    pub policies: Vec<Policy>,
    /// `tolerance`.
    pub tolerance: f64,
}

/// Which policy counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Select {
    /// The one that allows the biggest change.
    #[default]
    Max,
    /// The one that allows the smallest.
    Min,
    /// None: this direction is forbidden.
    Disabled,
}

/// What may change within a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How much.
    pub step: Step,
    /// The period, in seconds.
    pub period: i32,
}

/// How much may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many pods.
    Pods(i32),
    /// So many percent of what ran at the period's begin.
    Percent(i32),
}

impl Default for Behavior {
    fn default() -> Self {
        let rules = |window: i32, policies: Vec<Policy>| Rules { window, select: Select::Max, policies, tolerance: TOLERANCE };
        let double = Policy { step: Step::Percent(100), period: 15 };
        Self {
            scale_up: rules(0, vec![Policy { step: Step::Pods(4), period: 15 }, double]),
            scale_down: rules(DOWNSCALE_STABILIZATION_SECONDS, vec![double]),
        }
    }
}

impl Behavior {
    pub(super) fn tolerance(&self) -> Tolerance {
        Tolerance { scale_down: self.scale_down.tolerance, scale_up: self.scale_up.tolerance }
    }
}

/// What was changed lately: when, and by how many replicas.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Changes(Vec<(Timestamp, i32)>);

impl Changes {
    /// Remembers a change; what no policy looks back to is forgotten.
    pub(super) fn note(&mut self, behavior: &Behavior, by: i32, now: Timestamp) {
        let policies = behavior.scale_up.policies.iter().chain(&behavior.scale_down.policies);
        let cutoff = before(now, policies.map(|policy| policy.period).max().unwrap_or(0));
        self.0.retain(|(at, _)| *at >= cutoff);
        if by != 0 {
            self.0.push((now, by));
        }
    }

    /// The fewest and the most replicas on the way from `input.current` to `wanted`.
    pub(super) fn limits(&self, behavior: &Behavior, wanted: i32, input: &Input<'_>, now: Timestamp) -> (i32, i32) {
        let (current, min, max) = (input.current, input.spec.min, input.spec.max);
        match wanted.cmp(&current) {
            Ordering::Greater => (i32::MIN, max.min(self.most(&behavior.scale_up, current, now).max(current))),
            Ordering::Less => (min.max(self.fewest(&behavior.scale_down, current, now).min(current)), i32::MAX),
            Ordering::Equal => (i32::MIN, i32::MAX),
        }
    }

    fn most(&self, rules: &Rules, current: i32, now: Timestamp) -> i32 {
        let proposals = rules.policies.iter().map(|policy| {
            let begin = self.begin(policy, current, now);
            match policy.step {
                Step::Pods(pods) => begin.saturating_add(pods),
                // Rounded up, or one replica would never become two.
                Step::Percent(percent) => whole((f64::from(begin) * (1.0 + f64::from(percent) / 100.0)).ceil()),
            }
        });
        match rules.select {
            Select::Max => proposals.max().unwrap_or(current),
            Select::Min => proposals.min().unwrap_or(current),
            Select::Disabled => current,
        }
    }

    fn fewest(&self, rules: &Rules, current: i32, now: Timestamp) -> i32 {
        let proposals = rules.policies.iter().map(|policy| {
            let begin = self.begin(policy, current, now);
            match policy.step {
                Step::Pods(pods) => begin.saturating_sub(pods),
                Step::Percent(percent) => whole(f64::from(begin) * (1.0 - f64::from(percent) / 100.0)),
            }
        });
        match rules.select {
            Select::Max => proposals.min().unwrap_or(current),
            Select::Min => proposals.max().unwrap_or(current),
            Select::Disabled => current,
        }
    }

    /// What ran when the policy's period began.
    fn begin(&self, policy: &Policy, current: i32, now: Timestamp) -> i32 {
        let cutoff = before(now, policy.period);
        let changed = self.0.iter().filter(|(at, _)| *at > cutoff).map(|(_, by)| *by);
        changed.fold(current, i32::saturating_sub)
    }
}

/// Cuts the fraction off.
fn whole(value: f64) -> i32 {
    let bound = if value < 0.0 { i32::MIN } else { i32::MAX };
    to_int(value).and_then(|value| i32::try_from(value).ok()).unwrap_or(bound)
}
