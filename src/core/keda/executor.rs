//! KEDA's own half of scaling a ScaledObject: between nothing and something. The rest is the HPA's.
//!
//! The rules are those of `pkg/scaling/executor/scale_scaledobjects.go`, in its order.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    conditions::{Condition, Status},
    pause::Pauses,
};

/// Seconds from the last activity to the scale-in, where the spec does not say.
pub const DEFAULT_COOLDOWN: i32 = 300;
/// The same from the object's creation, while it was never active.
pub const DEFAULT_INITIAL_COOLDOWN: i32 = 0;

/// The parts of a ScaledObject's spec that KEDA's own scaling depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Rules {
    /// `minReplicaCount`.
    pub min: Option<i32>,
    /// `idleReplicaCount`.
    pub idle: Option<i32>,
    /// `cooldownPeriod`, in seconds.
    pub cooldown: Option<i32>,
    /// `initialCooldownPeriod`, in seconds.
    pub initial_cooldown: Option<i32>,
    /// `fallback.replicas`.
    pub fallback: Option<i32>,
}

impl Rules {
    /// Where an inactive target goes: the idle count, or else the minimum.
    #[must_use]
    pub fn resting(&self) -> i32 {
        self.idle.or(self.min).unwrap_or(0)
    }

    /// Where a target goes that becomes active.
    #[must_use]
    pub fn awake(&self) -> i32 {
        self.min.unwrap_or(0).max(1)
    }
}

/// What one poll found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// `spec.replicas` of the target.
    pub current: i32,
    /// Whether a trigger is active.
    pub is_active: bool,
    /// Whether a trigger could not be read.
    pub is_error: bool,
    /// What the annotations say.
    pub pauses: Pauses,
    /// When it was last known to be active; stored in whole seconds.
    pub last_active: Option<Timestamp>,
    /// When the object was created; `None` is long ago.
    pub created: Option<Timestamp>,
}

/// Which rule decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Paused: nothing is done.
    Paused,
    /// Active, and nothing or only the idle replicas run: the target is woken.
    Activate,
    /// The same, but scaling out is paused.
    ScaleOutPaused,
    /// Active and running: the HPA scales.
    Active,
    /// Active and running, but a trigger failed: the cooldown does not begin anew.
    PartlyFailing,
    /// A trigger failed and none is active: left to the fallback.
    LeftToFallback,
    /// A trigger failed, none is active, and there is no fallback.
    Failing,
    /// Inactive and the cooldown is over: the target is put to rest.
    Deactivate,
    /// Inactive, and the cooldown still lasts.
    CoolingDown,
    /// Inactive, but scaling in is paused.
    ScaleInPaused,
    /// Inactive, and fewer run than the minimum.
    BelowMinimum,
    /// Inactive, and as few run as should.
    Resting,
}

/// What KEDA does at one poll of a ScaledObject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Activation {
    /// Which rule decided.
    pub rule: Rule,
    /// Replicas to set; `None` leaves the target alone.
    pub replicas: Option<i32>,
    /// Whether it was active now: the cooldown counts from here.
    pub is_active_now: bool,
    /// Whether the annotation forces it, whatever its triggers say.
    pub is_forced: bool,
    /// Seconds until the cooldown is over, while it lasts.
    pub cooldown_left: Option<i64>,
    /// The `Ready` condition.
    pub ready: Condition,
    /// The `Active` condition, where this poll sets it.
    pub active: Option<Condition>,
    /// The `Paused` condition, where this poll sets it.
    pub paused: Option<Condition>,
}

impl Activation {
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            replicas: None,
            is_active_now: false,
            is_forced: false,
            cooldown_left: None,
            ready: Condition::new(Status::True, "ScaledObjectReady"),
            active: None,
            paused: None,
        }
    }

    /// KEDA's reason for the event of this step, where it says one.
    #[must_use]
    pub fn event(&self) -> Option<&'static str> {
        match self.rule {
            Rule::Activate => Some("KEDAScaleTargetActivated"),
            Rule::Deactivate => Some("KEDAScaleTargetDeactivated"),
            _ => None,
        }
    }
}

/// Decides one poll as KEDA does.
///
/// The step to rest is taken from any number of replicas, also while the HPA still holds them in its window. With a
/// minimum and no idle count KEDA never scales in.
#[must_use]
pub fn decide(rules: &Rules, seen: &Seen, now: Timestamp) -> Activation {
    if seen.pauses.all {
        let paused = Some(Condition::new(Status::True, "ScaledObjectPaused"));
        return Activation { paused, ..Activation::new(Rule::Paused) };
    }
    if seen.is_active || seen.pauses.forced { active(rules, seen) } else { inactive(rules, seen, now) }
}

fn active(rules: &Rules, seen: &Seen) -> Activation {
    let min = rules.min.unwrap_or(0);
    let asleep = seen.current == 0 || rules.idle.is_some() && seen.current < min;
    let told = |rule: Rule| Activation { active: Some(Condition::active(true)), ..Activation::new(rule) };
    match (asleep, seen.pauses.scale_out) {
        (true, true) => told(Rule::ScaleOutPaused),
        (true, false) => {
            Activation { replicas: Some(rules.awake()), is_active_now: true, is_forced: seen.pauses.forced, ..told(Rule::Activate) }
        }
        (false, _) if seen.is_error => {
            let ready = Condition::new(Status::Unknown, "PartialTriggerError");
            Activation { ready, ..told(Rule::PartlyFailing) }
        }
        (false, _) => Activation { is_active_now: true, is_forced: seen.pauses.forced, ..told(Rule::Active) },
    }
}

fn inactive(rules: &Rules, seen: &Seen, now: Timestamp) -> Activation {
    let min = rules.min.unwrap_or(0);
    let told = |rule: Rule| Activation { active: Some(Condition::active(false)), ..Activation::new(rule) };
    if seen.is_error {
        match rules.fallback {
            Some(replicas) if replicas != 0 => return told(Rule::LeftToFallback),
            Some(_) => {}
            None => {
                let ready = Condition::new(Status::False, "TriggerError");
                return Activation { ready, ..told(Rule::Failing) };
            }
        }
    }
    let awake = rules.idle.is_some_and(|idle| seen.current > idle) || seen.current > 0 && min == 0;
    if awake {
        return match cooldown_left(rules, seen, now) {
            _ if seen.pauses.scale_in => told(Rule::ScaleInPaused),
            None => Activation { replicas: Some(rules.resting()), ..told(Rule::Deactivate) },
            Some(left) => {
                let active = Some(Condition::new(Status::False, "ScalerCooldown"));
                Activation { active, cooldown_left: Some(left), ..told(Rule::CoolingDown) }
            }
        };
    }
    if rules.idle.is_none() && seen.current < min {
        return Activation { replicas: Some(min), ..told(Rule::BelowMinimum) };
    }
    told(Rule::Resting)
}

/// Seconds until the cooldown is over; `None` once it is. It is over strictly after its last second.
fn cooldown_left(rules: &Rules, seen: &Seen, now: Timestamp) -> Option<i64> {
    let (from, seconds) = match (seen.last_active, seen.created) {
        (Some(active), _) => (active.as_second(), rules.cooldown.unwrap_or(DEFAULT_COOLDOWN)),
        (None, Some(created)) => (created.as_second(), rules.initial_cooldown.unwrap_or(DEFAULT_INITIAL_COOLDOWN)),
        (None, None) => return None,
    };
    let end = SignedDuration::from_secs(from.saturating_add(i64::from(seconds)));
    let left = end - now.as_duration();
    (!left.is_negative()).then(|| left.as_secs() + i64::from(left.subsec_nanos() > 0))
}
