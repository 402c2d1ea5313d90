//! The video encoder: receive one message, keep it hidden, work, store, delete, count, end.

use std::{any::Any, panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::FutureExt;
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::core::{
    error::{Error, Kind, Result},
    event::{Released, Reporter, What},
    ports::{Analyzer, Artifacts, Count, Queue, Received, Work},
    work::Request,
};

/// SQS's longest long poll.
const LONGEST_POLL: Duration = Duration::from_secs(20);
/// How long deleting, releasing or counting is tried again after passing faults.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same after a signal: Kubernetes kills 30 s later.
const PATIENCE_ON_SIGNAL: Duration = Duration::from_secs(5);
/// How long storing may take, tries after passing faults included; the heartbeat goes on meanwhile.
const PATIENCE_TO_STORE: Duration = Duration::from_mins(5);
/// How long one extension may take.
const EXTENSION: Duration = Duration::from_secs(5);

/// What a consumer needs from the world.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Where messages come from.
    pub queue: &'a dyn Queue,
    /// What is done with one.
    pub work: &'a dyn Work,
    /// Where the result goes.
    pub artifacts: &'a dyn Artifacts,
    /// Who counts.
    pub analyzer: &'a dyn Analyzer,
    /// Who is told.
    pub reporter: &'a dyn Reporter,
}

/// How a consumer consumes.
#[derive(Debug, Clone)]
pub struct Consumption {
    /// The job's name.
    pub job: String,
    /// How long to look for a message before ending with [`Consumed::Idle`].
    pub idle: Duration,
    /// For how long the message is hidden; a third of it is the heartbeat. Not zero.
    pub visibility: Duration,
}

/// How a consumer ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Consumed {
    /// One message was processed and deleted.
    Done {
        /// The message.
        message_id: String,
        /// Where its artifact is.
        location: String,
    },
    /// There was no message within the idle budget.
    Idle,
    /// SIGTERM or SIGINT came first.
    Interrupted {
        /// The message that was given back, if one had been received.
        message_id: Option<String>,
    },
}

/// Processes one message. `cancel` is SIGTERM or SIGINT: the message is then given back at once and the kill counted.
///
/// # Errors
/// When the queue cannot be read, or the work, storing or deleting fails or panics; the message is then given back at once.
/// An analyzer that cannot be reached is a warning: the outcome speaks of the message only.
pub async fn consume(ports: Ports<'_>, how: &Consumption, cancel: &CancellationToken) -> Result<Consumed> {
    let consumed = take_one(ports, how, cancel).await?;
    if consumed == Consumed::Idle {
        ports.reporter.tell(What::Idle { job: how.job.clone() });
    }
    Ok(consumed)
}

/// Processes one message after another until `cancel`; that there is none ends nothing.
///
/// # Errors
/// As [`consume`]: the first message that cannot be processed is given back and ends it.
pub async fn consume_all(ports: Ports<'_>, how: &Consumption, cancel: &CancellationToken) -> Result<Consumed> {
    loop {
        if let ended @ Consumed::Interrupted { .. } = take_one(ports, how, cancel).await? {
            return Ok(ended);
        }
    }
}

async fn take_one(ports: Ports<'_>, how: &Consumption, cancel: &CancellationToken) -> Result<Consumed> {
    let message = tokio::select! {
        biased;
        () = cancel.cancelled() => return Ok(Consumed::Interrupted { message_id: None }),
        received = receive(ports, how) => received?,
    };
    let Some(message) = message else { return Ok(Consumed::Idle) };
    Holding { ports, how, message: &message }.process(cancel).await
}

/// Polls until a message comes or the idle budget is spent; at least once.
async fn receive(ports: Ports<'_>, how: &Consumption) -> Result<Option<Received>> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let left = how.idle.saturating_sub(begun.elapsed());
        let wait = left.min(LONGEST_POLL);
        let polled = Instant::now();
        match ports.queue.receive(wait, Some(how.visibility)).await {
            Ok(Some(message)) => {
                tell_received(ports.reporter, how, &message);
                return Ok(Some(message));
            }
            Ok(None) if begun.elapsed() >= how.idle => return Ok(None),
            // A queue that answers before its time must not be asked without a pause.
            Ok(None) if polled.elapsed() < wait.min(pause) => sleep(Duration::from_millis(100)).await,
            Ok(None) => {}
            Err(error) if error.is_passing() && begun.elapsed() < how.idle.max(PATIENCE) => {
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            Err(error) => return Err(error),
        }
    }
}

fn tell_received(reporter: &dyn Reporter, how: &Consumption, message: &Received) {
    reporter.tell(What::Received {
        message_id: message.message_id.clone(),
        job: how.job.clone(),
        receive_count: message.receive_count,
        sent_at: message.sent_at,
    });
    if Request::parse(&message.body).is_none() {
        let message = format!("message {} is not a JSON object; it is processed all the same", message.message_id);
        reporter.tell(What::Warning { message });
    }
}

/// A message in hand.
struct Holding<'a> {
    ports: Ports<'a>,
    how: &'a Consumption,
    message: &'a Received,
}

impl Holding<'_> {
    async fn process(&self, cancel: &CancellationToken) -> Result<Consumed> {
        let (stop, done) = (CancellationToken::new(), CancellationToken::new());
        let mut making = pin!(self.make(&stop));
        let ending = async {
            let made = tokio::select! {
                biased;
                () = cancel.cancelled() => None,
                made = making.as_mut() => Some(made),
            };
            done.cancel();
            made
        };
        // Both end before anything else is done to the message: an extension on its way must not arrive after the release.
        match tokio::join!(ending, self.heartbeat(&done)) {
            (Some(Ok(location)), ()) => self.finish(location).await,
            (Some(Err(error)), ()) => {
                self.release(Released::Failure, PATIENCE).await;
                Err(error)
            }
            (None, ()) => {
                stop.cancel();
                let _ = tokio::join!(self.give_up(), making);
                Ok(Consumed::Interrupted { message_id: Some(self.id()) })
            }
        }
    }

    /// Keeps the message hidden until `done`. If the queue says that it is not ours any more, the work goes on: the artifact is the same
    /// whoever stores it, and it is worth more than an early end.
    async fn heartbeat(&self, done: &CancellationToken) {
        let Holding { ports, how, message } = self;
        loop {
            tokio::select! {
                biased;
                () = done.cancelled() => return,
                () = sleep(how.visibility / 3) => {}
            }
            match timeout(EXTENSION, ports.queue.extend(&message.receipt, how.visibility)).await {
                Ok(Ok(())) => {
                    let seconds = u32::try_from(how.visibility.as_secs()).unwrap_or(u32::MAX);
                    ports.reporter.tell(What::Extended { message_id: self.id(), job: how.job.clone(), seconds });
                }
                Ok(Err(error)) if !error.is_passing() => {
                    self.warn(&format!("could not keep message {} hidden; the work goes on", message.message_id), &error.to_string());
                    return done.cancelled().await;
                }
                Ok(Err(error)) => self.warn(&format!("could not keep message {} hidden yet", message.message_id), &error.to_string()),
                Err(_) => self.warn(&format!("could not keep message {} hidden yet", message.message_id), "no answer in time"),
            }
        }
    }

    /// Works and stores the artifact; returns where it is.
    async fn make(&self, stop: &CancellationToken) -> Result<String> {
        let Holding { ports, how, message } = self;
        let begun = Instant::now();
        let artifact = match AssertUnwindSafe(ports.work.run(message, stop)).catch_unwind().await {
            Ok(worked) => worked?,
            Err(panic) => return Err(Error::failed("the work panicked", panic_text(panic.as_ref()))),
        };
        let seconds = begun.elapsed().as_secs_f64();
        ports.reporter.tell(What::Worked { message_id: self.id(), job: how.job.clone(), seconds });
        let bytes = artifact.content.len() as u64;
        let key = if artifact.extension.is_empty() { self.id() } else { format!("{}.{}", message.message_id, artifact.extension) };
        let put = || ports.artifacts.put(&key, artifact.content.clone());
        let location = persist("could not store the artifact", PATIENCE_TO_STORE, put).await?;
        let stored = What::Stored { message_id: self.id(), job: how.job.clone(), location: location.clone(), bytes };
        ports.reporter.tell(stored);
        Ok(location)
    }

    /// Deletes the message, then counts it.
    async fn finish(&self, location: String) -> Result<Consumed> {
        let Holding { ports, how, message } = self;
        if let Err(error) = persist("could not delete the message", PATIENCE, || ports.queue.delete(&message.receipt)).await {
            self.release(Released::Failure, PATIENCE).await;
            return Err(error);
        }
        ports.reporter.tell(What::Deleted { message_id: self.id(), job: how.job.clone() });
        let count = self.count();
        match persist("could not reach the analyzer", PATIENCE, || ports.analyzer.processed(&count)).await {
            Ok(()) => ports.reporter.tell(What::Counted { message_id: self.id(), job: how.job.clone() }),
            Err(error) => self.warn(&format!("message {} was not counted", message.message_id), &error.to_string()),
        }
        Ok(Consumed::Done { message_id: self.id(), location })
    }

    /// After a signal: gives the message back, then counts the kill.
    async fn give_up(&self) {
        self.release(Released::Signal, PATIENCE_ON_SIGNAL).await;
        let count = self.count();
        let counted = persist("could not reach the analyzer", PATIENCE_ON_SIGNAL, || self.ports.analyzer.killed(&count)).await;
        if let Err(error) = counted {
            self.warn(&format!("the kill of {} was not counted", self.how.job), &error.to_string());
        }
    }

    async fn release(&self, reason: Released, patience: Duration) {
        let Holding { ports, how, message } = self;
        match persist("could not release the message", patience, || ports.queue.release(&message.receipt)).await {
            Ok(()) => ports.reporter.tell(What::ReleasedMessage { message_id: self.id(), job: how.job.clone(), reason }),
            Err(error) => {
                let what = format!("message {} was not given back; it returns after its visibility timeout", message.message_id);
                self.warn(&what, &error.to_string());
            }
        }
    }

    fn id(&self) -> String {
        self.message.message_id.clone()
    }

    fn count(&self) -> Count {
        Count { message_id: self.id(), job: self.how.job.clone() }
    }

    fn warn(&self, what: &str, why: &str) {
        self.ports.reporter.tell(What::Warning { message: format!("{what}: {why}") });
    }
}

/// Tries until it succeeds, fails for good, or `patience` is over.
async fn persist<T, F>(what: &str, patience: Duration, mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_millis(100);
    loop {
        match timeout_at(deadline, attempt()).await {
            Ok(Err(error)) if error.is_passing() && Instant::now() + pause < deadline => sleep(pause).await,
            Ok(outcome) => return outcome,
            Err(_) => return Err(Error::new(Kind::Unavailable, what, format!("no answer within {} s", patience.as_secs()))),
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message")
}

#[cfg(test)]
mod tests;
