//! The checks that AWS makes of a request's members before the action begins, and how it words what fails.

use std::{fmt::Display, ops::RangeInclusive};

use super::{error::ServiceError, iam::violated};

/// What failed so far.
#[derive(Debug, Default)]
pub(crate) struct Constraints(Vec<String>);

/// A kind of name: how long, of which characters, and the pattern that says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name {
    pub(crate) length: (usize, usize),
    pub(crate) allowed: fn(char) -> bool,
    pub(crate) pattern: &'static str,
}

impl Constraints {
    /// Notes that `field` is missing.
    pub(crate) fn missing(mut self, field: &str) -> Self {
        self.0.push(format!("Value null at '{field}' failed to satisfy constraint: Member must not be null"));
        self
    }

    /// `value` has a name's length and characters.
    pub(crate) fn name(mut self, value: &str, field: &str, rule: Name) -> Self {
        self = self.like(value, field, rule.pattern, value.chars().all(rule.allowed));
        let length = value.chars().count();
        if length < rule.length.0 {
            self.0.push(violated(value, field, &format!("Member must have length greater than or equal to {}", rule.length.0)));
        }
        if length > rule.length.1 {
            self.0.push(violated(value, field, &format!("Member must have length less than or equal to {}", rule.length.1)));
        }
        self
    }

    /// `value` is one of the texts that `pattern` stands for, as `matches` says.
    pub(crate) fn like(mut self, value: &str, field: &str, pattern: &str, matches: bool) -> Self {
        if !matches {
            self.0.push(violated(value, field, &format!("Member must satisfy regular expression pattern: {pattern}")));
        }
        self
    }

    /// `value`, if given, lies within `allowed`.
    pub(crate) fn within(mut self, value: Option<i64>, field: &str, allowed: &RangeInclusive<i64>) -> Self {
        let Some(value) = value else { return self };
        if value < *allowed.start() {
            let rule = format!("Member must have value greater than or equal to {}", allowed.start());
            self.0.push(violated(&value.to_string(), field, &rule));
        } else if value > *allowed.end() {
            let rule = format!("Member must have value less than or equal to {}", allowed.end());
            self.0.push(violated(&value.to_string(), field, &rule));
        }
        self
    }

    /// A list or blob of `length` is no longer than `most`, and no shorter than `least`.
    pub(crate) fn sized(mut self, length: usize, field: &str, (least, most): (usize, usize)) -> Self {
        if length < least {
            self.0
                .push(format!("Value at '{field}' failed to satisfy constraint: Member must have length greater than or equal to {least}"));
        } else if length > most {
            self.0.push(format!("Value at '{field}' failed to satisfy constraint: Member must have length less than or equal to {most}"));
        }
        self
    }

    /// `value`, if given, is one of `allowed`.
    pub(crate) fn one_of(mut self, value: Option<&str>, field: &str, allowed: &[&str]) -> Self {
        if let Some(value) = value.filter(|value| !allowed.contains(value)) {
            self.0.push(violated(value, field, &format!("Member must satisfy enum value set: [{}]", allowed.join(", "))));
        }
        self
    }

    /// # Errors
    /// A `ValidationException` with all that failed.
    pub(crate) fn check(self) -> Result<(), ServiceError> {
        match &self.0[..] {
            [] => Ok(()),
            [one] => Err(validation(format!("1 validation error detected: {one}"))),
            many => Err(validation(format!("{} validation errors detected: {}", many.len(), many.join("; ")))),
        }
    }
}

/// The refusal of a request's content.
pub(crate) fn validation(message: impl Display) -> ServiceError {
    ServiceError::new("ValidationException", message.to_string())
}
