//! One IAM or STS call with its parameters, checked as the services check them.

use std::str::FromStr;

use crate::{
    backend::emulator::{ACCOUNT, error::ServiceError, request::Call},
    core::stack::Place,
};

/// A call, when it came, and where its objects live. Not `Debug`: a call may carry a token.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) call: Call,
    /// Seconds since 1970.
    pub(crate) now: i64,
    pub(crate) place: Place,
}

/// What a parameter's text must look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) longest: usize,
    pub(crate) allowed: fn(char) -> bool,
    pub(crate) pattern: &'static str,
}

/// Names of roles and policies.
pub(crate) const NAME: Rule =
    Rule { longest: 128, allowed: |c| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c), pattern: "[\\w+=,.@-]+" };
/// Names of roles.
pub(crate) const ROLE_NAME: Rule = Rule { longest: 64, ..NAME };
/// Names of sessions.
pub(crate) const SESSION_NAME: Rule = Rule { longest: 64, pattern: "[\\w+=,.@-]*", ..NAME };
/// ARNs.
pub(crate) const ARN: Rule = Rule { longest: 2048, allowed: |c| !c.is_control(), pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u007E]+" };

/// A refusal of the caller's parameters.
pub(crate) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ValidationError", message)
}

/// One constraint that failed, in the words of the services.
pub(crate) fn violated(value: &str, field: &str, constraint: &str) -> String {
    format!("Value '{value}' at '{field}' failed to satisfy constraint: {constraint}")
}

/// A refusal that lists every failed constraint.
pub(crate) fn violations(list: &[String]) -> ServiceError {
    let (count, s) = (list.len(), if list.len() == 1 { "" } else { "s" });
    invalid(format!("{count} validation error{s} detected: {}", list.join("; ")))
}

impl Rule {
    /// The constraint that `value` fails, if any.
    pub(crate) fn broken_by(self, value: &str) -> Option<String> {
        if value.chars().count() > self.longest {
            return Some(format!("Member must have length less than or equal to {}", self.longest));
        }
        if value.is_empty() {
            return Some("Member must have length greater than or equal to 1".to_owned());
        }
        let valid = value.chars().all(self.allowed);
        if valid { None } else { Some(format!("Member must satisfy regular expression pattern: {}", self.pattern)) }
    }
}

impl Ask {
    pub(crate) fn new(call: &Call, now: i64) -> Self {
        Self { place: Place::new(&call.region, ACCOUNT), call: call.clone(), now }
    }

    /// A parameter that may be absent.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.call.field(name)
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, ServiceError> {
        self.optional(name).ok_or_else(|| {
            let message = format!("Value null at '{}' failed to satisfy constraint: Member must not be null", lower_first(name));
            violations(&[message])
        })
    }

    /// A parameter that must be there and keep `rule`.
    pub(crate) fn ruled(&self, name: &str, rule: Rule) -> Result<&str, ServiceError> {
        let value = self.required(name)?;
        match rule.broken_by(value) {
            Some(constraint) => Err(violations(&[violated(value, &lower_first(name), &constraint)])),
            None => Ok(value),
        }
    }

    /// A number or a boolean within `allowed`.
    pub(crate) fn number(&self, name: &str, allowed: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, ServiceError> {
        let Some(text) = self.optional(name) else { return Ok(None) };
        let field = lower_first(name);
        let value = i64::from_str(text).map_err(|_| invalid(format!("Value '{text}' at '{field}' is not a number")))?;
        let constraint = if value < *allowed.start() {
            format!("Member must have value greater than or equal to {}", allowed.start())
        } else if value > *allowed.end() {
            format!("Member must have value less than or equal to {}", allowed.end())
        } else {
            return Ok(Some(value));
        };
        Err(violations(&[violated(text, &field, &constraint)]))
    }

    /// The texts of a list, in the caller's order; absent when the list is.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        let prefix = format!("{name}.member.");
        let fields =
            self.call.fields.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.parse::<u32>().ok()?, value.as_str())));
        let mut items: Vec<(u32, &str)> = fields.collect();
        items.sort_by_key(|(index, _)| *index);
        let given = !items.is_empty() || self.optional(name).is_some();
        given.then(|| items.into_iter().map(|(_, value)| value).collect())
    }

    /// The pairs of `Tags`, or `None` when there is no such list.
    pub(crate) fn pairs(&self, name: &str) -> Option<Vec<(&str, &str)>> {
        let field = |i: usize, part: &str| self.optional(&format!("{name}.member.{i}.{part}"));
        let pairs: Vec<_> =
            (1..=self.call.fields.len()).map_while(|i| Some((field(i, "Key")?, field(i, "Value").unwrap_or_default()))).collect();
        (!pairs.is_empty() || self.optional(name).is_some()).then_some(pairs)
    }

    /// `Path`, or `/`.
    pub(crate) fn path(&self) -> Result<&str, ServiceError> {
        let path = self.optional("Path").unwrap_or("/");
        let valid = path.len() <= 512 && path.starts_with('/') && path.ends_with('/') && path.bytes().all(|b| (0x21..=0x7f).contains(&b));
        if valid {
            return Ok(path);
        }
        let message = "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.";
        Err(invalid(message))
    }
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or(String::new(), |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}
