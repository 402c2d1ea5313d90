//! Listens to what replicas tell, on its way to whoever is told: the messages that are done are counted.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use crate::core::{
    error::Error,
    event::{Event, Reporter, What},
};

/// Passes everything on, and counts the messages that were done since it began to listen.
pub(in super::super) struct Ear<'a> {
    inner: &'a dyn Reporter,
    since: Timestamp,
    done: AtomicU64,
}

impl<'a> Ear<'a> {
    /// Listens from now on: a log is read from its first line, which may be older.
    pub(in super::super) fn new(inner: &'a dyn Reporter) -> Self {
        Self { inner, since: Timestamp::now(), done: AtomicU64::new(0) }
    }

    /// Messages done so far.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    fn hear(&self, event: &Event) {
        if matches!(event.what, What::Deleted { .. }) && event.at >= self.since {
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Reporter for Ear<'_> {
    fn report(&self, event: &Event) {
        self.hear(event);
        self.inner.report(event);
    }

    fn relay(&self, event: &Event) {
        self.hear(event);
        self.inner.relay(event);
    }

    fn fault(&self) -> Option<Error> {
        self.inner.fault()
    }
}
