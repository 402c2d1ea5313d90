//! Who takes events.

use super::{Event, What};
use crate::core::error::Error;

/// Takes events as they happen. Must not block and cannot fail: a reporter keeps its own faults to itself.
pub trait Reporter: Send + Sync {
    /// Takes one event.
    fn report(&self, event: &Event);

    /// Takes one event that the journal has already: all but the journal take it as any other.
    fn relay(&self, event: &Event) {
        self.report(event);
    }

    /// Reports `what` as happening now.
    fn tell(&self, what: What) {
        self.report(&Event::now(what));
    }

    /// The first fault it kept to itself, such as a full disk: events since then may be missing.
    fn fault(&self) -> Option<Error> {
        None
    }
}

/// Passes each event to several reporters, in order.
pub struct Fanout(pub Vec<Box<dyn Reporter>>);

impl Reporter for Fanout {
    fn report(&self, event: &Event) {
        for reporter in &self.0 {
            reporter.report(event);
        }
    }

    fn relay(&self, event: &Event) {
        for reporter in &self.0 {
            reporter.relay(event);
        }
    }

    fn fault(&self) -> Option<Error> {
        self.0.iter().find_map(|reporter| reporter.fault())
    }
}
