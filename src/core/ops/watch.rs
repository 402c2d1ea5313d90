//! The scaler loop: polls as KEDA does, creates jobs, and says everything that happens.

mod alone;
mod beside;
mod follow;
mod look;
mod once;
mod scaler;
mod triggers;
mod variables;

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::core::{
    error::Result,
    event::{Reporter, What},
    keda::manifest::Trigger,
    ports::{Claim, Held, Jobs, Lease, Objects, Scalers, Workloads},
};

pub use alone::check_alone;
pub use beside::beside;
pub use follow::follow;
use look::Look;
pub use once::forecast;
use scaler::Scaler;
pub use variables::container_environment;

/// What a watch needs from the world.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Where the ScaledJob or ScaledObject is.
    pub objects: &'a dyn Objects,
    /// Where jobs run.
    pub jobs: &'a dyn Jobs,
    /// Where the targets of ScaledObjects run.
    pub workloads: &'a dyn Workloads,
    /// The right to scale.
    pub lease: &'a dyn Lease,
    /// What reads triggers.
    pub scalers: &'a dyn Scalers,
    /// Who is told.
    pub reporter: &'a dyn Reporter,
}

/// When a watch ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Every queue is empty, no other trigger is active, and no job beyond the minimum runs.
    Drained,
    /// Never.
    Cancelled,
}

/// How a watch watches.
#[derive(Debug, Clone)]
pub struct Watching {
    /// The name of the ScaledJob or, where there is none, of the ScaledObject.
    pub object: String,
    /// The polling interval is divided by this.
    pub pace: f64,
    /// When to end.
    pub until: Until,
    /// The longest time to watch, by the wall's clock.
    pub lasts: Option<Duration>,
    /// How often to look between polls.
    pub refresh: Duration,
}

impl Watching {
    /// When to end at the latest, having begun at `started`.
    fn deadline(&self, started: Instant) -> Option<Instant> {
        self.lasts.map(|lasts| started + lasts)
    }

    /// Says that a watch of `triggers` would never see them drained, where that is so.
    fn warn_of_shards(&self, triggers: &[Trigger], reporter: &dyn Reporter) {
        if self.until == Until::Cancelled || self.lasts.is_some() {
            return;
        }
        if let Some(index) = triggers.iter().position(Trigger::counts_shards) {
            let kind = &triggers[index].kind;
            let message = format!(
                "triggers[{index}] `{kind}` counts shards, which stay when their records are read: this watch ends on Ctrl-C, or with `--for SPAN`"
            );
            reporter.tell(What::Warning { message });
        }
    }
}

/// Why a watch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Everything was done.
    Drained,
    /// Its time was over.
    Lasted,
    /// It was cancelled.
    Cancelled,
}

/// How a watch ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Watched {
    /// Why it ended.
    pub end: End,
    /// Jobs that processed a message and ended meanwhile.
    pub done: u64,
    /// Seconds it took.
    pub seconds: f64,
}

impl Watched {
    /// A watch that began at `started` and ends now.
    fn now(end: End, done: u64, started: Instant) -> Self {
        Self { end, done, seconds: started.elapsed().as_secs_f64() }
    }

    /// The same, told.
    fn told(self, reporter: &dyn Reporter) -> Self {
        if self.end == End::Drained {
            reporter.tell(What::Drained { done: self.done, seconds: self.seconds });
        }
        self
    }
}

/// Watches until drained or cancelled, or for as long as it may.
///
/// Whoever holds the lease scales: it polls at once, then every polling interval, and a slow poll is followed by the next
/// without a pause (KEDA's own loop). Everybody else only looks, and takes over when the holder is gone.
/// Jobs outlive a watch that is cancelled or killed.
///
/// # Errors
/// When the ScaledJob does not exist or is not valid at the start, its triggers included, or jobs cannot be listed.
/// Later faults are events.
pub async fn watch(ports: Ports<'_>, how: &Watching, cancel: &CancellationToken) -> Result<Watched> {
    let mut tenure = Tenure::default();
    let watched = scale(ports, how, cancel, &mut tenure).await;
    if let Some(held) = tenure.held.take() {
        held.release().await;
    }
    watched
}

async fn scale(ports: Ports<'_>, how: &Watching, cancel: &CancellationToken, tenure: &mut Tenure) -> Result<Watched> {
    let started = Instant::now();
    let deadline = how.deadline(started);
    let mut scaler = Scaler::load(ports, how).await?;
    how.warn_of_shards(scaler.triggers(), ports.reporter);
    let mut look = Look::default();
    let mut faults = Faults::default();
    let mut next_poll = started;
    loop {
        if faults.forgive(ports, tenure.claim(ports).await)?.unwrap_or_default() {
            next_poll = Instant::now();
        }
        let acts = tenure.held.is_some();
        if scaler.reconcile(acts).await? {
            next_poll = Instant::now();
        }
        if let Some(held) = tenure.held.as_deref().filter(|_| Instant::now() >= next_poll) {
            let due = Instant::now() + scaler.interval();
            faults.forgive(ports, scaler.poll(&mut look, held).await)?;
            next_poll = due.max(Instant::now());
        }
        if faults.forgive(ports, look.refresh(ports, &mut scaler).await)?.is_some() {
            faults.end();
        }
        if how.until == Until::Drained && scaler.has_polled(acts) && look.is_drained(scaler.minimum()) {
            return Ok(Watched::now(End::Drained, look.done(), started).told(ports.reporter));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(Watched::now(End::Lasted, look.done(), started));
        }
        let mut wake = Instant::now() + how.refresh;
        if acts && !scaler.is_paused() {
            wake = wake.min(next_poll);
        }
        wake = deadline.map_or(wake, |deadline| wake.min(deadline));
        tokio::select! {
            () = cancel.cancelled() => return Ok(Watched::now(End::Cancelled, look.done(), started)),
            () = sleep_until(wake) => {}
        }
    }
}

/// The lease as this process has it.
#[derive(Default)]
struct Tenure {
    held: Option<Box<dyn Held>>,
    holder: Option<String>,
}

impl Tenure {
    /// Makes sure that the lease is still held, or else asks for it; returns whether it was got just now.
    async fn claim(&mut self, ports: Ports<'_>) -> Result<bool> {
        if let Some(held) = self.held.take_if(|held| !held.is_held()) {
            held.release().await;
            ports.reporter.tell(What::Lease { held: false, holder: LAPSED.to_owned() });
        }
        if self.held.is_some() {
            return Ok(false);
        }
        match ports.lease.claim().await? {
            Claim::Held(lease) => {
                self.held = Some(lease);
                self.holder = None;
                ports.reporter.tell(What::Lease { held: true, holder: format!("process {}", std::process::id()) });
                Ok(true)
            }
            Claim::HeldBy(other) => {
                if self.holder.as_ref() != Some(&other) {
                    ports.reporter.tell(What::Lease { held: false, holder: other.clone() });
                    self.holder = Some(other);
                }
                Ok(false)
            }
        }
    }
}

/// What is said when the lease was lost.
const LAPSED: &str = "nobody: this process could not renew it";

/// Passing faults: each is said once until all is well again.
#[derive(Default)]
struct Faults {
    said: Option<String>,
}

impl Faults {
    /// The outcome, or nothing when a passing fault stood in its way.
    fn forgive<T>(&mut self, ports: Ports<'_>, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_passing() => {
                let message = format!("{error}; trying again");
                if self.said.as_ref() != Some(&message) {
                    ports.reporter.tell(What::Warning { message: message.clone() });
                    self.said = Some(message);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn end(&mut self) {
        self.said = None;
    }
}

#[cfg(test)]
mod tests;
