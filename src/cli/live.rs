//! A live view as a reporter: a region in place, plain lines, or JSON lines.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use jiff::Timestamp;
use kedactl::core::event::{Event, Reporter};

use super::{region::Region, ui::Ui};

/// Least time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// Time after which ages have moved on.
const TICK: Duration = Duration::from_secs(1);

/// What is shown of a stream of events.
pub(crate) trait View: Send + fmt::Debug {
    /// Takes in one event.
    fn take(&mut self, event: &Event);
    /// The lines of a terminal of so many rows and columns; nothing before there is anything to show.
    fn frame(&self, now: Timestamp, size: (usize, usize)) -> Option<Vec<String>>;
    /// Without a terminal: the line for an event that was just taken in, if it is worth one.
    fn line(&mut self, event: &Event) -> Option<String>;
    /// The end, in a few lines.
    fn summary(&self) -> String;
}

/// Shows events as they come. Clones show the same view: one goes into the fanout, one is finished.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ui: Ui,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug)]
struct State {
    view: Box<dyn View>,
    mode: Mode,
    changed: bool,
    ended: bool,
}

enum Mode {
    /// A terminal: a thread redraws the region.
    Region(Option<JoinHandle<()>>),
    /// No terminal: one line for each notable event.
    Lines,
    /// `--output json`: every event, one on each line.
    Json,
    /// `--quiet`: the summary only.
    Quiet,
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Region(_) => "Region",
            Self::Lines => "Lines",
            Self::Json => "Json",
            Self::Quiet => "Quiet",
        })
    }
}

impl Live {
    /// Begins the view.
    pub(crate) fn new(ui: &Ui, view: Box<dyn View>) -> Self {
        let mode = match () {
            () if ui.is_json() => Mode::Json,
            () if ui.is_quiet() => Mode::Quiet,
            () if ui.draws() => Mode::Region(None),
            () => Mode::Lines,
        };
        let state = Mutex::new(State { view, mode, changed: false, ended: false });
        let shared = Arc::new(Shared { ui: ui.clone(), state, wake: Condvar::new() });
        if let Mode::Region(painter) = &mut shared.lock().mode {
            let shared = shared.clone();
            *painter = thread::Builder::new().name("live".to_owned()).spawn(move || shared.paint()).ok();
        }
        Self { shared }
    }

    /// Ends the view with its last state on the screen, and prints the summary except as JSON. Later calls do nothing more.
    pub(crate) fn finish(&self) {
        let summary = self.shared.lock().view.summary();
        if self.stop() && !self.shared.ui.is_json() {
            let _ = self.shared.ui.print(&summary);
        }
    }

    /// Gives the terminal back without a summary, for a view that ends in an error; whether it was still live.
    pub(crate) fn stop(&self) -> bool {
        let mut state = self.shared.lock();
        if state.ended {
            return false;
        }
        state.ended = true;
        let painter = match &mut state.mode {
            Mode::Region(painter) => painter.take(),
            _ => None,
        };
        drop(state);
        self.shared.wake.notify_all();
        if let Some(painter) = painter {
            let _ = painter.join();
        }
        true
    }
}

impl Reporter for Live {
    fn report(&self, event: &Event) {
        let mut state = self.shared.lock();
        state.view.take(event);
        let State { view, mode, changed, .. } = &mut *state;
        match mode {
            Mode::Region(_) => {
                *changed = true;
                self.shared.wake.notify_all();
            }
            Mode::Lines => {
                if let Some(line) = view.line(event) {
                    self.shared.ui.line(&line);
                }
            }
            Mode::Json => {
                if let Ok(line) = serde_json::to_string(event) {
                    self.shared.ui.line(&line);
                }
            }
            Mode::Quiet => {}
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Redraws when something changed, but not more often than [`FRAME`]; and every [`TICK`], as ages move on.
    fn paint(&self) {
        let mut region = Region::new(console::Term::stdout());
        loop {
            let waits = |state: &mut State| !state.changed && !state.ended;
            let (mut state, _) = self.wake.wait_timeout_while(self.lock(), TICK, waits).unwrap_or_else(PoisonError::into_inner);
            state.changed = false;
            let ended = state.ended;
            let lines = state.view.frame(Timestamp::now(), region.size());
            drop(state);
            let Some(lines) = lines else {
                if ended {
                    return;
                }
                continue;
            };
            // The terminal is written without the lock: one that is stopped must not stop who reports.
            if region.draw(&lines).is_err() || ended {
                return;
            }
            let _ = self.wake.wait_timeout_while(self.lock(), FRAME, |state| !state.ended);
        }
    }
}
