//! Events as lines of JSON on stdout: what is left of a run when only its log is kept.

use kedactl::core::event::{Event, Reporter};

use super::ui::Ui;

/// Writes each event as one line. A stdout that nobody reads stops nothing.
#[derive(Debug, Clone)]
pub(crate) struct EventLines(pub(crate) Ui);

impl Reporter for EventLines {
    fn report(&self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            let _ = self.0.print(&line);
        }
    }
}
