//! The scaler loop: polls as KEDA does, creates jobs or scales replicas, and says everything that happens.

mod alone;
mod beside;
mod clock;
mod follow;
mod jobs;
mod look;
mod object;
mod once;
mod scaler;
mod triggers;
mod variables;

use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::core::{
    error::Result,
    event::{Reporter, What},
    keda::manifest::Trigger,
    ports::{Claim, Held, Jobs, Lease, Objects, Scalers, Workloads},
    settings::ScalingKind,
};

pub use alone::check_alone;
pub use follow::follow;
use jobs::JobWatch;
pub use object::ObjectOutlook;
pub use once::{Outlook, forecast};
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
    /// Every queue is empty, no other trigger is active, and no job or replica beyond the minimum runs.
    Drained,
    /// Never.
    Cancelled,
}

/// How a watch watches.
#[derive(Debug, Clone)]
pub struct Watching {
    /// What is scaled.
    pub kind: ScalingKind,
    /// The name of the ScaledJob or the ScaledObject.
    pub object: String,
    /// The polling interval is divided by this.
    pub pace: f64,
    /// When to end.
    pub until: Until,
    /// The longest time to watch, by the wall's clock.
    pub lasts: Option<Duration>,
    /// How often to look between polls.
    pub refresh: Duration,
    /// When the first poll is due; at once, where nothing is said.
    pub first: Option<Instant>,
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
    /// Jobs that processed a message and ended meanwhile; messages that were processed meanwhile, where replicas do it.
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

/// One object being scaled, of either kind.
#[async_trait]
trait Scaling: Send {
    /// What is watched.
    fn triggers(&self) -> &[Trigger];
    /// Reads the object again; when it changed, does what KEDA's reconcile does: where this process `acts`, all of it.
    async fn reconcile(&mut self, acts: bool) -> Result<()>;
    /// When to act next; never while it is paused.
    fn due(&self) -> Option<Instant>;
    /// Does what is due.
    async fn act(&mut self, held: &dyn Held) -> Result<()>;
    /// Looks, and tells what changed.
    async fn look(&mut self) -> Result<()>;
    /// Whether everything is done, as it was seen last.
    fn is_drained(&mut self, acts: bool) -> bool;
    /// Messages done since the watch began.
    fn done(&self) -> u64;
}

/// Watches until drained or cancelled, or for as long as it may.
///
/// Whoever holds the lease scales: it polls at once, then every polling interval, and a slow poll is followed by the next
/// without a pause (KEDA's own loop). A poll is due when the interval is over, however late the one before began. Everybody else only looks, and takes over when the holder is gone.
/// Jobs and replicas outlive a watch that is cancelled or killed.
///
/// # Errors
/// When the object does not exist or is not valid at the start, its triggers included; when there is nothing to scale, or jobs
/// or replicas cannot be listed. Later faults are events.
pub async fn watch(ports: Ports<'_>, how: &Watching, cancel: &CancellationToken) -> Result<Watched> {
    let mut tenure = Tenure::default();
    let watched = match how.kind {
        ScalingKind::ScaledJob => match JobWatch::load(ports, how).await {
            Ok(mut jobs) => scale(&mut jobs, ports, how, cancel, &mut tenure).await,
            Err(error) => Err(error),
        },
        ScalingKind::ScaledObject => object::watch(ports, how, cancel, &mut tenure).await,
    };
    if let Some(held) = tenure.held.take() {
        held.release().await;
    }
    watched
}

async fn scale(
    scaling: &mut dyn Scaling,
    ports: Ports<'_>,
    how: &Watching,
    cancel: &CancellationToken,
    tenure: &mut Tenure,
) -> Result<Watched> {
    let started = Instant::now();
    let deadline = how.deadline(started);
    how.warn_of_shards(scaling.triggers(), ports.reporter);
    let mut faults = Faults::default();
    loop {
        faults.forgive(ports, tenure.claim(ports).await)?;
        let acts = tenure.held.is_some();
        scaling.reconcile(acts).await?;
        let is_due = |due: Instant| Instant::now() >= due;
        if let Some(held) = tenure.held.as_deref().filter(|_| scaling.due().is_some_and(is_due)) {
            faults.forgive(ports, scaling.act(held).await)?;
        }
        if faults.forgive(ports, scaling.look().await)?.is_some() {
            faults.end();
        }
        if how.until == Until::Drained && scaling.is_drained(acts) {
            return Ok(Watched::now(End::Drained, scaling.done(), started).told(ports.reporter));
        }
        if deadline.is_some_and(is_due) {
            return Ok(Watched::now(End::Lasted, scaling.done(), started));
        }
        let own = scaling.due().filter(|_| acts);
        let wake = [own, deadline].into_iter().flatten().fold(Instant::now() + how.refresh, Instant::min);
        tokio::select! {
            () = cancel.cancelled() => return Ok(Watched::now(End::Cancelled, scaling.done(), started)),
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
    /// Makes sure that the lease is still held, or else asks for it.
    async fn claim(&mut self, ports: Ports<'_>) -> Result<()> {
        if let Some(held) = self.held.take_if(|held| !held.is_held()) {
            held.release().await;
            ports.reporter.tell(What::Lease { held: false, holder: LAPSED.to_owned() });
        }
        if self.held.is_some() {
            return Ok(());
        }
        match ports.lease.claim().await? {
            Claim::Held(lease) => {
                self.held = Some(lease);
                self.holder = None;
                ports.reporter.tell(What::Lease { held: true, holder: format!("process {}", std::process::id()) });
            }
            Claim::HeldBy(other) => {
                if self.holder.as_ref() != Some(&other) {
                    ports.reporter.tell(What::Lease { held: false, holder: other.clone() });
                    self.holder = Some(other);
                }
            }
        }
        Ok(())
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
