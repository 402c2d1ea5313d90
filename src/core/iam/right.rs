//! One thing that somebody must be allowed.

/// An action on a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The action, such as `sqs:SendMessage`.
    pub action: &'static str,
    /// An ARN; `*` where the service knows no resources.
    pub resource: String,
}

impl Right {
    /// The right to do `action` on `resource`.
    pub fn new(action: &'static str, resource: impl Into<String>) -> Self {
        Self { action, resource: resource.into() }
    }
}
