//! `teardown --expired`: which stacks there are, by what is remembered and by tags, and which of them are past their time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::core::{
    ports::{Sweep, Tagged},
    settings::{Choices, Key, Layer, Origin},
    stack::StackName,
};

/// One stack, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Its name.
    pub stack: StackName,
    /// When it expires; absent means never.
    pub expires_at: Option<Timestamp>,
    /// Whether its time is past.
    pub is_expired: bool,
    /// What is known of its settings: remembered, or read off its objects.
    #[serde(skip)]
    pub choices: Choices,
}

/// Every stack of `remembered` that is set up, and every one that `sweep` found objects of, judged at `now`.
///
/// The latest of a stack's times counts: a run of setup that was stopped may have changed only some. What is remembered
/// is settings; where nothing is, the names of the objects tell the queue and the namespace.
#[must_use]
pub fn candidates(remembered: &[(StackName, Layer)], sweep: &Sweep, now: Timestamp) -> Vec<Candidate> {
    let mut known: BTreeMap<StackName, (Option<Timestamp>, Choices)> = BTreeMap::new();
    for (stack, (origin, choices)) in remembered {
        if *origin == Origin::Remembered {
            let expires_at = choices.get(&Key::ExpiresAt).and_then(|text| text.parse().ok());
            known.insert(stack.clone(), (expires_at, choices.clone()));
        }
    }
    let is_remembered: Vec<StackName> = known.keys().cloned().collect();
    // What is shared outlives its stack, and shows no stack that is set up.
    for tagged in sweep.found.iter().filter(|tagged| !matches!(tagged.id.kind, "oidc provider" | "namespace")) {
        let Ok(stack) = tagged.stack.parse::<StackName>() else { continue };
        let (expires_at, choices) = known.entry(stack.clone()).or_default();
        *expires_at = (*expires_at).max(tagged.expires_at);
        if !is_remembered.contains(&stack) {
            choices.extend(told(tagged, &stack));
        }
    }
    let candidate = |(stack, (expires_at, choices)): (StackName, (Option<Timestamp>, Choices))| Candidate {
        stack,
        expires_at,
        is_expired: expires_at.is_some_and(|at| at <= now),
        choices,
    };
    known.into_iter().map(candidate).collect()
}

/// What one object tells of its stack's settings.
fn told(tagged: &Tagged, stack: &StackName) -> Option<(Key, String)> {
    let name = tagged.id.name.as_str();
    match tagged.id.kind {
        "sqs queue" => {
            let base = if stack.is_default() { name } else { name.strip_prefix(stack.as_str())?.strip_prefix('-')? };
            let is_dead = base.trim_end_matches(".fifo").ends_with("-dlq");
            (!is_dead).then(|| (Key::Queue, base.to_owned()))
        }
        "scaledjob" => tagged.namespace.clone().map(|namespace| (Key::Namespace, namespace)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::plan::ResourceId;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn tagged(kind: &'static str, name: &str, stack: &str, expires_at: Option<&str>) -> Tagged {
        Tagged { id: ResourceId::new(kind, name), stack: stack.to_owned(), namespace: Some("video".into()), expires_at: expires_at.map(at) }
    }

    fn judged(remembered: &[(StackName, Layer)], found: Vec<Tagged>) -> Vec<(String, bool)> {
        let sweep = Sweep { found, ..Sweep::default() };
        let all = candidates(remembered, &sweep, at("2030-01-01T12:00:00Z"));
        all.into_iter().map(|one| (one.stack.to_string(), one.is_expired)).collect()
    }

    fn remembered(stack: &str, origin: Origin, expires_at: &str) -> (StackName, Layer) {
        (stack.parse().expect("a name"), (origin, Choices::from([(Key::ExpiresAt, expires_at.to_owned())])))
    }

    #[test]
    fn only_what_has_an_expiry_in_the_past_is_expired() {
        let found = vec![
            tagged("iam role", "a", "past", Some("2030-01-01T11:59:59Z")),
            tagged("iam role", "b", "future", Some("2030-01-01T12:00:01Z")),
            tagged("iam role", "c", "never", None),
        ];
        let expected = [("future".into(), false), ("never".into(), false), ("past".into(), true)];
        assert_eq!(judged(&[], found), expected);
    }

    #[test]
    fn the_latest_time_counts_wherever_it_is_written() {
        let early = remembered("demo", Origin::Remembered, "2030-01-01T11:00:00Z");
        assert_eq!(judged(std::slice::from_ref(&early), vec![]), [("demo".into(), true)]);
        let renewed = vec![tagged("iam role", "a", "demo", Some("2030-01-01T13:00:00Z"))];
        assert_eq!(judged(&[early], renewed), [("demo".into(), false)]);
        assert_eq!(judged(&[remembered("demo", Origin::Chosen, "2030-01-01T11:00:00Z")], vec![]), []);
    }

    #[test]
    fn objects_tell_the_queue_and_the_namespace_of_a_stack_that_nobody_remembers() {
        let found = vec![
            tagged("sqs queue", "orders-videos", "orders", None),
            tagged("sqs queue", "orders-videos-dlq", "orders", None),
            tagged("scaledjob", "orders-video-processor", "orders", None),
        ];
        let all = candidates(&[], &Sweep { found, ..Sweep::default() }, at("2030-01-01T12:00:00Z"));
        assert_eq!(all[0].choices, Choices::from([(Key::Queue, "videos".to_owned()), (Key::Namespace, "video".to_owned())]));
    }
}
