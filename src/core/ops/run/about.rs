//! Says of each event which object it is about, and remembers whether its triggers could be read.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::core::{
    error::Error,
    event::{Event, Reporter, What},
};

/// Passes events on, each with the object's name.
pub(super) struct About<'a> {
    object: &'a str,
    inner: &'a dyn Reporter,
    failing: AtomicBool,
}

impl<'a> About<'a> {
    pub(super) fn new(object: &'a str, inner: &'a dyn Reporter) -> Self {
        Self { object, inner, failing: AtomicBool::new(false) }
    }

    /// Whether a trigger could not be read when they were last asked.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }
}

impl Reporter for About<'_> {
    fn report(&self, event: &Event) {
        match &event.what {
            What::ScalerFailed { .. } => self.failing.store(true, Ordering::Relaxed),
            What::Polled { decision, .. } => self.failing.store(decision.is_error, Ordering::Relaxed),
            What::ObjectPolled { decision, .. } => self.failing.store(decision.is_error, Ordering::Relaxed),
            _ => {}
        }
        // Who runs an object holds its lease by nature.
        if !matches!(event.what, What::Lease { .. }) {
            self.inner.report(&Event { about: Some(self.object.to_owned()), ..event.clone() });
        }
    }

    fn relay(&self, event: &Event) {
        self.inner.relay(&Event { about: Some(self.object.to_owned()), ..event.clone() });
    }

    fn fault(&self) -> Option<Error> {
        self.inner.fault()
    }
}
