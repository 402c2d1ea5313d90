//! The tags that every object of a stack bears: whose it is, and when it expires.

use std::collections::BTreeMap;

use crate::core::{
    plan::Difference,
    settings::Settings,
    stack::{EXPIRES_TAG, STACK_TAG},
};

/// What the field of a tag's difference begins with.
const FIELD: &str = "tag ";

/// The tags of `settings`' stack, by key.
pub(super) fn wanted(settings: &Settings) -> BTreeMap<&'static str, String> {
    let mut tags = BTreeMap::from([(STACK_TAG, settings.stack.to_string())]);
    tags.extend(settings.expires_at.map(|at| (EXPIRES_TAG, at.to_string())));
    tags
}

/// How the expiry among `actual` tags differs from the one wanted. Whose an object is has been asked before.
pub(super) fn differences<'a>(settings: &Settings, actual: impl Fn(&str) -> Option<&'a str>) -> Vec<Difference> {
    let wanted = settings.expires_at.map(|at| at.to_string()).unwrap_or_default();
    let actual = actual(EXPIRES_TAG).unwrap_or_default();
    if wanted == actual {
        return Vec::new();
    }
    vec![Difference { field: format!("{FIELD}{EXPIRES_TAG}"), actual: actual.to_owned(), wanted }]
}

/// What is to be done about an object's tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    Keep,
    /// Set all that are wanted.
    Set,
    /// Take off the expiry.
    Unset,
}

/// What is to be done about tags among `differences`.
pub(super) fn change(differences: &[Difference]) -> Change {
    match differences.iter().find(|difference| is_one(difference)) {
        None => Change::Keep,
        Some(difference) if difference.wanted.is_empty() => Change::Unset,
        Some(_) => Change::Set,
    }
}

/// Whether something else than tags differs.
pub(super) fn is_more(differences: &[Difference]) -> bool {
    differences.iter().any(|difference| !is_one(difference))
}

/// Whether this is a tag's difference.
pub(super) fn is_one(difference: &Difference) -> bool {
    difference.field.starts_with(FIELD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{
        settings::{Choices, Key, Origin},
        stack::StackName,
    };

    fn settings(expires: Option<&str>) -> Settings {
        let layer = expires.map(|at| (Key::ExpiresAt, at.to_owned())).into_iter().collect::<Choices>();
        Settings::resolve(StackName::default(), "/s".into(), "123456789012", &[(Origin::Flag, layer)]).expect("valid")
    }

    #[test]
    fn an_expiry_is_set_changed_and_taken_off() {
        let (at, earlier) = ("2030-01-02T15:04:05Z", "2029-01-01T00:00:00Z");
        let change = |settings: &Settings, actual: Option<&str>| change(&differences(settings, |_| actual));
        assert_eq!(change(&settings(Some(at)), Some(at)), Change::Keep);
        assert_eq!(change(&settings(Some(at)), Some(earlier)), Change::Set);
        assert_eq!(change(&settings(Some(at)), None), Change::Set);
        assert_eq!(change(&settings(None), Some(at)), Change::Unset);
        assert_eq!(change(&settings(None), None), Change::Keep);
    }
}
