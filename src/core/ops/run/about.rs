//! Says of each event which object it is about.

use crate::core::{
    error::Error,
    event::{Event, Reporter, What},
};

/// Passes events on, each with the object's name.
pub(super) struct About<'a> {
    pub(super) about: &'a str,
    pub(super) inner: &'a dyn Reporter,
}

impl Reporter for About<'_> {
    fn report(&self, event: &Event) {
        // Who runs an object holds its lease by nature.
        if !matches!(event.what, What::Lease { .. }) {
            self.inner.report(&Event { about: Some(self.about.to_owned()), ..event.clone() });
        }
    }

    fn relay(&self, event: &Event) {
        self.inner.relay(&Event { about: Some(self.about.to_owned()), ..event.clone() });
    }

    fn fault(&self) -> Option<Error> {
        self.inner.fault()
    }
}
