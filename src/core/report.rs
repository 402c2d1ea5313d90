//! The verdict: a pure fold over the journal, the analyzer's records and the queues' counters.

mod lineage;
pub mod lines;
mod spread;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

pub use lineage::{Fate, Lineage};
pub use spread::Spread;
pub use verdict::Verdict;

use super::{
    event::{Depth, Event, JobState, Released, What},
    ports::CountRecord,
};

/// Where consumers write down what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Witness {
    /// In the journal itself, each step before the next: what is not there did not happen.
    #[default]
    Journal,
    /// In the logs of their pods, which go with the pods: what is not there may have happened.
    Logs,
}

/// What the analyzer keeps of each count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keeps {
    /// The message.
    #[default]
    Messages,
    /// Nothing but that there was one: the consumers' own word must do.
    Numbers,
}

/// `journal` and what was read from logs now, in order of time; what is in both is one event.
#[must_use]
pub fn join(journal: Vec<Event>, logs: Vec<Event>) -> Vec<Event> {
    let mut known = BTreeSet::new();
    let mut events = journal;
    events.extend(logs);
    events.retain(|event| serde_json::to_string(event).is_ok_and(|text| known.insert(text)));
    events.sort_by_key(|event| event.at);
    events
}

/// What a report is made from.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Where consumers write down what they do.
    pub witness: Witness,
    /// What the analyzer keeps of each count.
    pub keeps: Keeps,
    /// The journal, in order of time.
    pub events: Vec<Event>,
    /// The analyzer's records.
    pub counts: Vec<CountRecord>,
    /// The work queue, now.
    pub queue: Depth,
    /// The dead-letter queue, now.
    pub dead_letters: Depth,
}

/// What happened to every message, and what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The verdict; its exit code is the command's.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// The counts.
    pub totals: Totals,
    /// Seconds from the first message sent to the last one deleted.
    pub drain_seconds: Option<f64>,
    /// Seconds from a message's sending to its first receipt.
    pub wait_seconds: Option<Spread>,
    /// Seconds of work on a message.
    pub work_seconds: Option<Spread>,
    /// One entry for each message, in the order of sending.
    pub messages: Vec<Lineage>,
}

/// Counts of messages and jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Messages that SQS accepted, as far as the journal or a consumer knows.
    pub sent: u64,
    /// Messages whose sending was cut off before SQS's answer was written down, and that no consumer has seen.
    pub unconfirmed: u64,
    /// Messages that SQS refused for good.
    pub refused: u64,
    /// Messages received at least once.
    pub received: u64,
    /// Receipts beyond the first of each message.
    pub redelivered: u64,
    /// Messages deleted.
    pub deleted: u64,
    /// Messages that the analyzer counted as processed.
    pub counted: u64,
    /// Posts to the analyzer that named no message.
    pub anonymous: u64,
    /// Messages whose work was done more than once.
    pub duplicated: u64,
    /// Messages that are in no queue and were never worked on.
    pub lost: u64,
    /// Messages not deleted yet.
    pub unfinished: u64,
    /// Messages in the dead-letter queue.
    pub dead_lettered: u64,
    /// Messages that a consumer received although this stack did not send them.
    pub strangers: u64,
    /// Jobs created.
    pub jobs: u64,
    /// Jobs that found no message: more were made than there was work for.
    pub surplus: u64,
    /// Jobs that were killed, or whose work failed.
    pub killed: u64,
    /// Consumers that no scaler made as jobs: a Deployment's replicas, or `consume` by hand.
    pub consumers: u64,
    /// How often a consumer was told to end with a message in hand, which it gave back.
    pub kills: u64,
    /// Jobs that left no record of what they did: their pods are gone, or their image keeps none.
    pub silent: u64,
}

impl Report {
    /// Folds the evidence.
    #[must_use]
    pub fn from(evidence: &Evidence) -> Self {
        let mut fold = Fold::default();
        for event in &evidence.events {
            fold.take(event);
        }
        fold.finish(evidence)
    }
}

/// One run of `produce` and the number of a message in it.
type Sequence = (String, u64);

/// What has been read so far.
#[derive(Default)]
struct Fold {
    messages: BTreeMap<String, Lineage>,
    order: Vec<String>,
    attempted: BTreeSet<Sequence>,
    settled: BTreeSet<Sequence>,
    refused: u64,
    jobs: BTreeMap<String, Option<String>>,
    /// Jobs of which a consumer itself tells.
    spoke: BTreeSet<String>,
    /// Messages given back on a signal, each with who gave it back.
    given_back: BTreeSet<(String, String)>,
    /// How often consumers say that the analyzer counted a message.
    told: BTreeMap<String, u32>,
}

impl Fold {
    fn message(&mut self, id: &str) -> &mut Lineage {
        if !self.messages.contains_key(id) {
            self.order.push(id.to_owned());
        }
        self.messages.entry(id.to_owned()).or_insert_with(|| Lineage::new(id))
    }

    fn take(&mut self, event: &Event) {
        let at = event.at;
        match &event.what {
            // It went elsewhere: no consumer of this stack will see it.
            What::Sending { to: Some(_), .. } | What::Sent { to: Some(_), .. } | What::SendFailed { to: Some(_), .. } => {}
            What::Sending { numbers, run, .. } => self.attempted.extend(numbers.iter().map(|number| (run.clone(), *number))),
            What::Sent { message_id, number, run, .. } => {
                self.settled.insert((run.clone(), *number));
                let message = self.message(message_id);
                message.ours = true;
                message.number = Some(*number);
                message.sent_at = Some(message.sent_at.map_or(at, |earlier| earlier.min(at)));
            }
            What::SendFailed { number, run, .. } => {
                self.settled.insert((run.clone(), *number));
                self.refused += 1;
            }
            What::Received { message_id, job, sent_at, receive_count } => {
                self.spoke.insert(job.clone());
                let message = self.message(message_id);
                // The queue counts those, too, whose record went with their pod.
                message.receipts = (message.receipts + 1).max(*receive_count);
                message.first_received_at.get_or_insert(at);
                message.sent_at = message.sent_at.or(*sent_at);
                if !message.jobs.contains(job) {
                    message.jobs.push(job.clone());
                }
            }
            What::Worked { message_id, seconds, .. } => {
                let message = self.message(message_id);
                message.worked += 1;
                message.work_seconds = Some(*seconds);
            }
            What::Deleted { message_id, .. } => {
                self.message(message_id).deleted_at.get_or_insert(at);
            }
            What::ReleasedMessage { message_id, job, reason } => {
                self.message(message_id).released += 1;
                if *reason == Released::Signal {
                    self.given_back.insert((job.clone(), message_id.clone()));
                }
            }
            What::JobCreated { job, .. } => {
                self.jobs.entry(job.clone()).or_insert(None);
            }
            What::Counted { message_id, .. } => *self.told.entry(message_id.clone()).or_default() += 1,
            What::Idle { job } => {
                self.spoke.insert(job.clone());
                self.jobs.insert(job.clone(), Some("idle".to_owned()));
            }
            What::JobChanged { job, state: JobState::Complete | JobState::Failed, reason: Some(reason), .. } => {
                self.jobs.insert(job.clone(), Some(reason.clone()));
            }
            _ => {}
        }
    }

    fn finish(mut self, evidence: &Evidence) -> Report {
        for record in evidence.counts.iter().filter(|record| record.kind == "processed") {
            if let Some(id) = &record.message_id {
                self.message(id).counted += 1;
            }
        }
        if evidence.keeps == Keeps::Numbers {
            for (id, times) in std::mem::take(&mut self.told) {
                self.message(&id).counted = times;
            }
        }
        let mut totals = self.totals(evidence);
        let mut messages: Vec<Lineage> = self.order.iter().filter_map(|id| self.messages.remove(id)).collect();
        for message in &mut messages {
            message.fate = message.judge();
        }
        let unworked = count(messages.iter(), |m| matches!(m.fate, Fate::Waiting | Fate::Received));
        let held = u64::try_from(evidence.queue.total() + evidence.dead_letters.total()).unwrap_or(0);
        totals.lost = unworked.saturating_sub(held);
        // Work was done, the deletion was not written down: what the queue holds beyond the unworked ones was not deleted.
        let undeleted = count(messages.iter(), |m| m.fate == Fate::Worked).min(held.saturating_sub(unworked));
        totals.unfinished = unworked + undeleted;
        let (verdict, reason) = Verdict::judge(&totals, &messages, evidence);
        Report {
            verdict,
            reason,
            drain_seconds: drain(&messages),
            wait_seconds: Spread::of(messages.iter().filter_map(Lineage::wait_seconds)),
            work_seconds: Spread::of(messages.iter().filter_map(|message| message.work_seconds)),
            totals,
            messages,
        }
    }

    fn totals(&self, evidence: &Evidence) -> Totals {
        let all = || self.messages.values();
        let open = u64::try_from(self.attempted.difference(&self.settled).count()).unwrap_or(u64::MAX);
        // A batch whose answer was never written down may have been sent: ids that only a consumer knows are taken for those.
        let unknown = count(all(), |message| !message.ours);
        let adopted = unknown.min(open);
        let ended = |reasons: &[&str]| count(self.jobs.values(), |end| end.as_deref().is_some_and(|end| reasons.contains(&end)));
        Totals {
            sent: count(all(), |message| message.ours) + adopted,
            unconfirmed: open - adopted,
            refused: self.refused,
            received: count(all(), |message| message.receipts > 0),
            redelivered: all().map(|message| u64::from(message.receipts.saturating_sub(1))).sum(),
            deleted: count(all(), |message| message.deleted_at.is_some()),
            counted: count(all(), |message| message.counted > 0),
            anonymous: count(evidence.counts.iter(), |record| record.kind == "processed" && record.message_id.is_none()),
            duplicated: count(all(), |message| message.worked > 1),
            lost: 0,
            unfinished: 0,
            dead_lettered: u64::try_from(evidence.dead_letters.total()).unwrap_or(0),
            strangers: unknown - adopted,
            jobs: u64::try_from(self.jobs.len()).unwrap_or(u64::MAX),
            surplus: ended(&["idle"]),
            killed: ended(&["killed", "failed"]),
            consumers: count(self.spoke.iter(), |consumer| !self.jobs.contains_key(*consumer)),
            // Who was killed may have reached the journal and not the analyzer, or the other way round.
            kills: count(evidence.counts.iter(), |record| record.kind == "kill").max(count(self.given_back.iter(), |_| true)),
            silent: match evidence.witness {
                Witness::Journal => 0,
                Witness::Logs => count(self.jobs.keys(), |job| !self.spoke.contains(*job)),
            },
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>, wanted: impl Fn(&T) -> bool) -> u64 {
    u64::try_from(items.filter(|item| wanted(item)).count()).unwrap_or(u64::MAX)
}

fn drain(messages: &[Lineage]) -> Option<f64> {
    let first: Timestamp = messages.iter().filter_map(|message| message.sent_at).min()?;
    let last: Timestamp = messages.iter().filter_map(|message| message.deleted_at).max()?;
    Some(last.duration_since(first).as_secs_f64())
}

#[cfg(test)]
mod tests;
