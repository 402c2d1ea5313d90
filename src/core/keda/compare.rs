//! What KEDA did beside what its rules say, and in words why the two differ.

pub mod replicas;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::Decision;

/// Why KEDA created what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// As the rules say.
    Same,
    /// KEDA looks at other moments than this process: the difference is made up by its next look, or was by its last.
    Phase,
    /// The ScaledJob is paused.
    Paused,
    /// Creating Jobs or their pods was refused: by a quota, or by admission.
    Refused,
    /// KEDA could not read a trigger.
    ScalerFailed,
    /// KEDA says that the ScaledJob is not ready.
    NotReady,
    /// No KEDA has looked at the ScaledJob.
    NoController,
    /// The ScaledJob changed meanwhile, which deletes jobs and begins anew.
    RolledOut,
    /// What the decision depends on changed between the two looks.
    InputsChanged,
    /// Nothing that can be seen explains it.
    Unexplained,
}

/// Something that the cluster said since the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The event's reason, such as `KEDAScalerFailed`.
    pub reason: String,
    /// Its text.
    pub note: String,
}

/// The ScaledJob's `Ready` condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in KEDA's words.
    pub message: String,
}

/// What was seen between two looks.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Jobs that appeared.
    pub created: i64,
    /// What was said, in order.
    pub said: Vec<Said>,
    /// The `Ready` condition, when there is one.
    pub ready: Option<Ready>,
    /// Whether the ScaledJob is paused.
    pub paused: bool,
    /// Whether its generation changed.
    pub rolled_out: bool,
    /// Jobs that KEDA owes from the look before: expected then, and not seen. Negative when it was ahead.
    pub owed: i64,
}

/// One look of ours and what KEDA made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Jobs that the rules would have created.
    pub expected: i64,
    /// Jobs that appeared.
    pub created: i64,
    /// Why.
    pub cause: Cause,
    /// The same in words.
    pub why: String,
    /// What is still owed after it, for the next [`Window`].
    pub owed: i64,
}

/// Compares `expected`, decided when the window began, with what was seen in it; `after` is decided at its end.
#[must_use]
pub fn compare(expected: &Decision, window: &Window, after: &Decision) -> Comparison {
    let (wanted, made) = (expected.create, window.created);
    let owed = window.owed.saturating_add(wanted).saturating_sub(made);
    let (cause, why) = cause(expected, window, after, owed);
    let owed = if cause == Cause::Phase { owed } else { 0 };
    Comparison { expected: wanted, created: made, cause, why, owed }
}

fn cause(expected: &Decision, window: &Window, after: &Decision, owed: i64) -> (Cause, String) {
    let (wanted, made) = (expected.create, window.created);
    let fewer = made < wanted;
    let say = |cause, why: &str| (cause, why.to_owned());
    if window.owed == 0 && made == wanted {
        return say(Cause::Same, "as the rules say");
    }
    if window.owed != 0 && owed == 0 {
        return say(Cause::Phase, "over this look and the one before it is as the rules say");
    }
    if window.paused {
        return say(Cause::Paused, "the ScaledJob is paused");
    }
    if let Some(said) = window.said.iter().find(|said| fewer && REFUSALS.contains(&said.reason.as_str())) {
        return (Cause::Refused, format!("{}: {}", said.reason, said.note));
    }
    if let Some(said) = window.said.iter().find(|said| said.reason == "KEDAScalerFailed") {
        return (Cause::ScalerFailed, format!("KEDA could not read a trigger: {}", said.note));
    }
    match &window.ready {
        None => return say(Cause::NoController, "the ScaledJob has no conditions: no KEDA looks at it"),
        Some(ready) if ready.status == "False" => return (Cause::NotReady, format!("KEDA is not ready: {}", ready.message)),
        Some(_) => {}
    }
    if window.rolled_out || window.said.iter().any(|said| said.reason.starts_with("ScaledJobRolloutCleanup")) {
        return say(Cause::RolledOut, "the ScaledJob changed: jobs of the old generation go, and the queue is read anew");
    }
    if let Some(changes) = changes(expected, after, made) {
        return (Cause::InputsChanged, format!("between the looks {changes}"));
    }
    if fewer && window.owed == 0 {
        return say(Cause::Phase, "KEDA looks at its own times: with its next look");
    }
    let why = if fewer { "nothing that can be seen keeps KEDA from creating more" } else { "KEDA saw more than can be seen from here" };
    say(Cause::Unexplained, why)
}

/// Events that tell of Jobs or pods that were not allowed.
const REFUSALS: [&str; 2] = ["KEDAJobCreateFailed", "FailedCreate"];

/// What else than `made` new jobs differs between the two decisions' inputs.
fn changes(before: &Decision, after: &Decision, made: i64) -> Option<String> {
    let mut changes = Vec::new();
    if let (Some(old), Some(new)) = (length(before), length(after))
        && old != new
    {
        changes.push(format!("the queue went from {old} to {new}"));
    }
    if after.running.saturating_sub(made) != before.running {
        changes.push(format!("{} of {} running jobs were left", after.running.saturating_sub(made).max(0), before.running));
    }
    if before.pending != after.pending && made == 0 {
        changes.push(format!("pending jobs went from {} to {}", before.pending, after.pending));
    }
    (!changes.is_empty()).then(|| changes.join(", "))
}

/// The sum of what the triggers said, as text; nothing when one could not be read.
fn length(decision: &Decision) -> Option<String> {
    let readings = decision.triggers.iter().map(|trigger| &trigger.reading);
    let values: Option<Vec<String>> =
        readings.map(|reading| reading.error.is_none().then(|| super::number::short(reading.value))).collect();
    values.map(|values| values.join(" + "))
}

#[cfg(test)]
mod tests;
