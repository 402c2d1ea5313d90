//! How many replicas KEDA and its HPA want beside what their rules say, and in words why the two differ.

use super::Cause;

/// What the rules said at one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Replicas that were wanted then.
    pub from: i32,
    /// Replicas that should be wanted next.
    pub next: i32,
}

/// What was seen since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The `Ready` condition as `Status/Reason: message`, when there is one.
    pub ready: Option<String>,
    /// Whether the ScaledObject is paused.
    pub is_paused: bool,
    /// What KEDA said of a trigger that it could not read.
    pub scaler_failed: Option<String>,
}

/// Compares what was `expected` with the replicas that are `wanted` now, where the rules say `next` now.
#[must_use]
pub fn compare(expected: &Expected, wanted: i32, next: i32, seen: &Seen) -> (Cause, String) {
    let Expected { from, next: before } = *expected;
    let say = |cause, why: &str| (cause, why.to_owned());
    if wanted == before {
        return say(Cause::Same, "as the rules say");
    }
    if seen.is_paused {
        return say(Cause::Paused, "the ScaledObject is paused");
    }
    if let Some(why) = &seen.scaler_failed {
        return (Cause::ScalerFailed, format!("KEDA could not read a trigger: {why}"));
    }
    match seen.ready.as_deref() {
        None => return say(Cause::NoController, "the ScaledObject has no conditions: no KEDA looks at it"),
        Some(ready) if ready.starts_with("False") => return (Cause::NotReady, format!("KEDA is not ready: {ready}")),
        Some(_) => {}
    }
    if wanted == from {
        return say(Cause::Phase, "KEDA and the HPA look at their own times: with their next look");
    }
    if wanted == next {
        return say(Cause::Phase, "they have looked since, and so say the rules now");
    }
    if next != before {
        return (Cause::InputsChanged, format!("between the looks what the rules say went from {before} to {next}"));
    }
    say(Cause::Unexplained, "nothing that can be seen from here explains it: the HPA may remember what came before this watch")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(wanted: i32, next: i32, seen: &Seen) -> Cause {
        compare(&Expected { from: 1, next: 4 }, wanted, next, seen).0
    }

    #[test]
    fn what_differs_has_its_cause() {
        let ready = Seen { ready: Some("True/ScaledObjectReady".into()), ..Seen::default() };
        assert_eq!(compared(4, 8, &ready), Cause::Same);
        assert_eq!([compared(1, 4, &ready), compared(6, 6, &ready)], [Cause::Phase, Cause::Phase]);
        assert_eq!([compared(2, 5, &ready), compared(2, 4, &ready)], [Cause::InputsChanged, Cause::Unexplained]);
        assert_eq!(compared(1, 4, &Seen::default()), Cause::NoController);
        assert_eq!(compared(1, 4, &Seen { ready: Some("False/TriggerError: denied".into()), ..Seen::default() }), Cause::NotReady);
        assert_eq!(compared(2, 4, &Seen { is_paused: true, ..ready.clone() }), Cause::Paused);
        assert_eq!(compared(2, 4, &Seen { scaler_failed: Some("denied".into()), ..ready }), Cause::ScalerFailed);
    }
}
