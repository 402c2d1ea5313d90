//! Watching KEDA: follows what it does on a cluster, and says beside it what its rules would have done.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{End, Ports, Until, Watched, Watching, look::Look, object, scaler::Scaler};
use crate::core::{
    error::{Error, Kind, Result},
    event::What,
    keda::{
        compare::{Ready, Said, Window, compare},
        decision::Decision,
    },
    ports::{Job, Sight, Sights},
    settings::ScalingKind,
};

/// Who scales, as it is shown.
pub(super) const KEDA: &str = "KEDA";
/// What a condition that nobody has written yet is called.
pub(super) const UNWRITTEN: &str = "Unknown";

/// Follows until drained or cancelled, or for as long as it may. Creates and deletes nothing.
///
/// At each polling interval the rules are evaluated on what is there at that moment, and compared with the jobs that
/// appeared, or with the replicas that are wanted, since the last time.
///
/// # Errors
/// When the object does not exist, is deleted, or asks for what cannot be read; when the cluster refuses to be watched.
pub async fn follow(ports: Ports<'_>, sights: &dyn Sights, how: &Watching, cancel: &CancellationToken) -> Result<Watched> {
    match how.kind {
        ScalingKind::ScaledJob => follow_jobs(ports, sights, how, cancel).await,
        ScalingKind::ScaledObject => object::follow(ports, sights, how, cancel).await,
    }
}

async fn follow_jobs(ports: Ports<'_>, sights: &dyn Sights, how: &Watching, cancel: &CancellationToken) -> Result<Watched> {
    let started = Instant::now();
    let deadline = how.deadline(started);
    let mut scaler = Scaler::load(ports, how).await?;
    how.warn_of_shards(scaler.triggers(), ports.reporter);
    scaler.reconcile(false).await?;
    ports.reporter.tell(What::Lease { held: false, holder: KEDA.to_owned() });
    let mut following = Following { ports, look: Look::default(), seen: None, jobs: Vec::new(), window: Window::default(), expected: None };
    let mut sights = sights.follow(how.kind, scaler.name());
    let (mut next_poll, mut next_look) = (started, started);
    let mut measured = false;
    loop {
        if how.until == Until::Drained && following.expected.is_some() && measured && following.look.is_drained(scaler.minimum()) {
            return Ok(Watched::now(End::Drained, following.look.done(), started).told(ports.reporter));
        }
        tokio::select! {
            () = cancel.cancelled() => return Ok(Watched::now(End::Cancelled, following.look.done(), started)),
            () = sleep_until(deadline.unwrap_or(started)), if deadline.is_some() => {
                return Ok(Watched::now(End::Lasted, following.look.done(), started));
            }
            sight = sights.next() => match sight {
                None => return Err(Error::new(Kind::Unavailable, "could not follow the cluster", "its streams ended")),
                Some(sight) => following.take(sight?, &mut scaler).await?,
            },
            () = sleep_until(next_look) => {
                following.look.measure(ports, &mut scaler).await;
                measured = true;
                next_look = Instant::now() + how.refresh;
            }
            // Jobs must have been seen once: without them the rules would decide on nothing.
            () = sleep_until(next_poll), if following.seen.is_some() => {
                next_poll = Instant::now() + scaler.interval();
                if !scaler.is_paused() {
                    let decision = scaler.forecast(&following.jobs).await;
                    following.compare(decision);
                }
            }
        }
    }
}

struct Following<'a> {
    ports: Ports<'a>,
    look: Look,
    /// Names of all jobs ever seen; nothing before the first look.
    seen: Option<BTreeSet<String>>,
    jobs: Vec<Job>,
    window: Window,
    expected: Option<Decision>,
}

impl Following<'_> {
    async fn take(&mut self, sight: Sight, scaler: &mut Scaler<'_>) -> Result<()> {
        match sight {
            Sight::Jobs(jobs) => self.take_jobs(jobs).await,
            Sight::Conditions { ready, active, paused } => {
                self.ports.reporter.tell(What::Conditions { ready: ready.clone(), active, paused });
                let (status, message) = ready.split_once(": ").map_or((ready.as_str(), ""), |(status, message)| (status, message));
                let status = status.split('/').next().unwrap_or(status);
                self.window.ready =
                    (status != UNWRITTEN || !message.is_empty()).then(|| Ready { status: status.to_owned(), message: message.to_owned() });
                // A condition moves no generation: then this changes nothing.
                self.window.rolled_out |= scaler.reconcile(false).await?;
                self.window.paused = scaler.is_paused();
            }
            Sight::Hpa { .. } => {}
            Sight::Gone => {
                scaler.reconcile(false).await?;
            }
            Sight::Said { object, reason, note, warning } => {
                self.window.said.push(Said { reason: reason.clone(), note: note.clone() });
                self.ports.reporter.tell(What::ClusterEvent { object, reason, note, warning });
            }
            Sight::Broken(why) => self.ports.reporter.tell(What::Warning { message: format!("{why}; trying again") }),
        }
        Ok(())
    }

    async fn take_jobs(&mut self, jobs: Vec<Job>) {
        let names = jobs.iter().map(|job| job.name.clone());
        match &mut self.seen {
            None => self.seen = Some(names.collect()),
            Some(seen) => {
                for job in &jobs {
                    if seen.insert(job.name.clone()) {
                        self.window.created += 1;
                        let generation = job.generation.unwrap_or_default();
                        self.ports.reporter.tell(What::JobCreated { job: job.name.clone(), generation });
                    }
                }
            }
        }
        self.look.take(&jobs, self.ports).await;
        self.jobs = jobs;
    }

    fn compare(&mut self, decision: Decision) {
        let paused = self.window.paused;
        let ready = self.window.ready.clone();
        let mut owed = 0;
        if let Some(expected) = &self.expected {
            let found = compare(expected, &self.window, &decision);
            owed = found.owed;
            self.ports.reporter.tell(What::Compared {
                expected: found.expected,
                created: found.created,
                cause: found.cause,
                why: found.why,
            });
        }
        self.ports.reporter.tell(What::Forecast { decision: Box::new(decision.clone()) });
        self.window = Window { ready, paused, owed, ..Window::default() };
        self.expected = Some(decision);
    }
}

#[cfg(test)]
mod tests;
