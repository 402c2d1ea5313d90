//! What is known about a request: the keys that conditions and policy variables look up.

use std::collections::BTreeMap;

/// Condition keys and their values. Keys compare without case, as IAM's do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// Nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more value of `key`; a key may have several (`aws:TagKeys`).
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.entry(key.to_ascii_lowercase()).or_default().push(value.into());
        self
    }

    /// The values of `key`; empty when the request does not have it.
    #[must_use]
    pub fn get(&self, key: &str) -> &[String] {
        self.0.get(&key.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }
}
