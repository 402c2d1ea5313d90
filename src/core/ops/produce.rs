//! `produce`: sends a load in batches, a few at a time, and accounts for every message.

mod in_cluster;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

pub use in_cluster::produce_in_cluster;

use crate::core::{
    error::Error,
    event::{Reporter, What},
    load::Load,
    ports::{Outgoing, SendOutcome, Sink},
};

/// Batches on the wire at once. FIFO queues get one, as order matters.
const CONCURRENCY: usize = 8;
/// How often in a row a batch is tried of which nothing is accepted. Who is throttled and gets on, slowly, is not stopped.
const ATTEMPTS: u32 = 5;
/// The first pause before trying again; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(200);

/// What a run of `produce` came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sent {
    /// Names the run.
    pub run: String,
    /// Where they went, when that is not the stack's queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Messages that were accepted.
    pub sent: u64,
    /// Messages that were refused for good.
    pub failed: u64,
    /// Messages that were never tried, as the run was stopped.
    pub unsent: u64,
    /// How long it took.
    pub seconds: f64,
    /// Messages accepted in a second.
    pub per_second: f64,
    /// The code of the last refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The fault that stopped the run, when one did.
    #[serde(skip)]
    pub fault: Option<Error>,
}

/// Sends `load` to `sink`. Cancelling `cancel` stops starting batches; those on the wire are waited for.
///
/// Before a batch goes on the wire `Sending` is reported, afterwards `Sent` for each message. A batch whose answer
/// was lost is sent again, so a message may be sent twice, as with every client of SQS.
pub async fn produce(sink: &dyn Sink, load: &Load, reporter: &dyn Reporter, cancel: &CancellationToken) -> Sent {
    let to = load.to.as_ref().map(ToString::to_string);
    Run { sink, reporter, name: &load.run, to, stop: cancel.child_token(), pause: PAUSE, totals: Mutex::default() }.send(load).await
}

struct Run<'a> {
    sink: &'a dyn Sink,
    reporter: &'a dyn Reporter,
    name: &'a str,
    to: Option<String>,
    stop: CancellationToken,
    pause: Duration,
    totals: Mutex<Totals>,
}

#[derive(Default)]
struct Totals {
    sent: u64,
    failed: u64,
    refusal: Option<String>,
    fault: Option<Error>,
}

impl Run<'_> {
    async fn send(self, load: &Load) -> Sent {
        let start = Instant::now();
        self.reporter.tell(What::ProduceStarted { count: Some(load.count), to: self.to.clone() });
        let due = stream::iter(load.batches()).then(|batch| async move {
            sleep_until(start + batch.due).await;
            batch.messages
        });
        let concurrency = if load.fifo { 1 } else { CONCURRENCY };
        due.take_until(self.stop.cancelled()).for_each_concurrent(concurrency, |messages| self.batch(messages)).await;
        let Totals { sent, failed, refusal, fault } = self.totals.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.reporter.tell(What::ProduceFinished { sent, failed, to: self.to.clone() });
        let seconds = start.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        let per_second = if seconds > 0.0 { sent as f64 / seconds } else { 0.0 };
        Sent { run: load.run.clone(), to: self.to, sent, failed, unsent: load.count - sent - failed, seconds, per_second, refusal, fault }
    }

    /// Sends `messages` until each is accepted or refused for good.
    async fn batch(&self, mut messages: Vec<Outgoing>) {
        let (mut attempts, mut vain) = (1, 1);
        loop {
            let numbers = messages.iter().map(|message| message.number).collect();
            self.reporter.tell(What::Sending { numbers, run: self.name.to_owned(), to: self.to.clone() });
            let answer = self.sink.send(&messages).await;
            let last = vain == ATTEMPTS || self.stop.is_cancelled();
            let before = messages.len();
            messages = match answer {
                Ok(outcomes) => self.settle(messages, outcomes, attempts, last),
                Err(error) if error.is_passing() && !last => messages,
                Err(error) => return self.give_up(&messages, attempts, error),
            };
            if messages.is_empty() {
                return;
            }
            if messages.len() < before {
                vain = 1;
            }
            let pause = sleep(self.pause * 2_u32.pow(vain - 1));
            tokio::select! {
                () = pause => {}
                () = self.stop.cancelled() => {}
            }
            attempts += 1;
            vain += 1;
        }
    }

    /// Accounts for one answer; returns what is worth another try.
    fn settle(&self, messages: Vec<Outgoing>, outcomes: Vec<SendOutcome>, attempts: u32, last: bool) -> Vec<Outgoing> {
        let mut again = Vec::new();
        let run = || self.name.to_owned();
        for (message, outcome) in messages.into_iter().zip(outcomes) {
            match outcome {
                SendOutcome::Sent(message_id) => {
                    self.reporter.tell(What::Sent { message_id, number: message.number, run: run(), to: self.to.clone() });
                    self.totals(|totals| totals.sent += 1);
                }
                SendOutcome::Refused { passing: true, .. } if !last => again.push(message),
                SendOutcome::Refused { code, .. } => self.refused(message.number, code, attempts),
            }
        }
        again
    }

    /// The whole call failed for good: so would every other.
    fn give_up(&self, messages: &[Outgoing], attempts: u32, error: Error) {
        let code = error.code.clone().unwrap_or_else(|| format!("{:?}", error.kind));
        for message in messages {
            self.refused(message.number, code.clone(), attempts);
        }
        self.totals(|totals| {
            totals.fault.get_or_insert(error);
        });
        self.stop.cancel();
    }

    fn refused(&self, number: u64, code: String, attempts: u32) {
        self.totals(|totals| {
            totals.failed += 1;
            totals.refusal = Some(code.clone());
        });
        self.reporter.tell(What::SendFailed { number, run: self.name.to_owned(), code, attempts, to: self.to.clone() });
    }

    fn totals(&self, change: impl FnOnce(&mut Totals)) {
        change(&mut self.totals.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests;
