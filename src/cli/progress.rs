//! Progress on stderr while something runs: a spinner that waits 250 ms before it shows, or a bar of messages.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use kedactl::core::event::{Event, Reporter, What};

use super::ui::Ui;

/// What is done sooner shows no progress.
const PATIENCE: Duration = Duration::from_millis(250);
/// Frames of the spinner in a second: ten.
const TICK: Duration = Duration::from_millis(100);

/// Shows steps, waits and sending as they go on. Clones show the same progress. Draws nothing with `--quiet`, with
/// `--output json`, or when stderr is no terminal.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    ended: Arc<(Mutex<bool>, Condvar)>,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

impl Progress {
    pub(crate) fn new(ui: &Ui) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style("{spinner:.cyan} {wide_msg}"));
        let progress = Self { bar, ended: Arc::default() };
        if ui.progresses() {
            let shown = progress.clone();
            // Nobody joins it: it ends with the progress, and holds nothing but the bar.
            let _ = thread::Builder::new().name("progress".to_owned()).spawn(move || shown.appear());
        }
        progress
    }

    /// Ends the progress and clears its line. Later calls do nothing.
    pub(crate) fn finish(&self) {
        let (ended, wake) = &*self.ended;
        // Held while clearing, so that a bar about to appear does not appear afterwards.
        let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended = true;
        wake.notify_all();
        self.bar.finish_and_clear();
    }

    fn appear(&self) {
        let (ended, wake) = &*self.ended;
        let lock = ended.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, _) = wake.wait_timeout_while(lock, PATIENCE, |ended| !*ended).unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(TICK);
        }
    }
}

impl Reporter for Progress {
    fn report(&self, event: &Event) {
        match &event.what {
            What::StepStarted { resource, action } => self.bar.set_message(format!("{} {resource}", doing(action))),
            What::Waiting { condition, deadline_seconds } => {
                self.bar.set_message(format!("waiting until {condition} (at most {deadline_seconds} s)"));
            }
            What::ProduceStarted { count: Some(count), .. } => {
                self.bar.set_length(*count);
                self.bar.set_style(style("sending {wide_bar:.green/dim} {human_pos}/{human_len} messages  {rate:>11}  {eta:>4}"));
            }
            What::ProduceStarted { count: None, .. } => self.bar.set_style(style("{spinner:.cyan} sending, {human_pos} messages so far")),
            What::Sent { .. } | What::SendFailed { .. } => self.bar.inc(1),
            What::Warning { message } => self.bar.set_message(message.clone()),
            _ => {}
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        let _ = write!(text, "{:.0} msg/s", state.per_sec());
    };
    style.with_key("rate", rate).progress_chars("█░░").tick_strings(&["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", " "])
}

fn doing(action: &str) -> &str {
    match action {
        "create" => "creating",
        "update" => "updating",
        "delete" => "deleting",
        other => other,
    }
}
