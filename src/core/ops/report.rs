//! Gathers the evidence and gives the verdict.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::core::{
    error::{Kind, Result},
    event::{Event, What},
    log::note,
    ports::{Analyzer, CountRecord, Job, Jobs, Journal, Queue},
    report::{Evidence, Keeps, Report, Witness, join, lines},
};

/// Logs that are read at the same time.
const LOGS: usize = 16;

/// What `kedactl report` shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reported {
    /// The analyzer's own lines: `2026-01-17 05:50:45 - processed count 1`.
    pub counts: Vec<String>,
    /// The verdict and what it is proven from.
    #[serde(flatten)]
    pub report: Report,
}

/// Where the evidence comes from.
pub struct Sources<'a> {
    /// The journal of the stack.
    pub journal: &'a dyn Journal,
    /// The jobs, where they write into logs of their own and not into the journal.
    pub jobs: Option<&'a dyn Jobs>,
    /// The result analyzer.
    pub analyzer: &'a dyn Analyzer,
    /// The work queue.
    pub queue: &'a dyn Queue,
    /// Its dead-letter queue.
    pub dead_letters: &'a dyn Queue,
}

/// Fetches the counts through the analyzer's interface and joins them with the journal, the jobs' own status and logs,
/// and the queues' counters.
///
/// The queues are asked first: a message that is deleted meanwhile then looks unfinished, never lost.
///
/// # Errors
/// When a queue, the analyzer, the jobs or the journal cannot be read.
pub async fn report(sources: Sources<'_>) -> Result<Reported> {
    let (queue, dead_letters) = futures_util::future::try_join(sources.queue.depth(), sources.dead_letters.depth()).await?;
    let lines = sources.analyzer.lines().await?;
    let (keeps, counts) = records(sources.analyzer, &lines).await?;
    let mut events = sources.journal.events()?;
    let mut witness = Witness::Journal;
    if let Some(jobs) = sources.jobs {
        witness = Witness::Logs;
        events = join(events, told(jobs).await?);
    }
    let evidence = Evidence { witness, keeps, events, counts, queue, dead_letters };
    Ok(Reported { counts: lines, report: Report::from(&evidence) })
}

/// The analyzer's records. The article's has none, and on a path that it does not know it answers nothing at all.
async fn records(analyzer: &dyn Analyzer, text: &[String]) -> Result<(Keeps, Vec<CountRecord>)> {
    match analyzer.records().await {
        Ok(records) => Ok((Keeps::Messages, records)),
        Err(error) if matches!(error.kind, Kind::NotFound | Kind::Unavailable) => Ok((Keeps::Numbers, lines::records(text))),
        Err(error) => Err(error),
    }
}

/// What the jobs that still exist tell: their own status, and what their pods logged.
async fn told(jobs: &dyn Jobs) -> Result<Vec<Event>> {
    let each = stream::iter(jobs.all().await?).map(|job| tell(jobs, job)).buffered(LOGS);
    let events: Vec<Vec<Event>> = each.try_collect().await?;
    Ok(events.into_iter().flatten().collect())
}

async fn tell(jobs: &dyn Jobs, mut job: Job) -> Result<Vec<Event>> {
    let mut events = jobs.records(&job.name).await?;
    if job.scaled_job.is_empty() {
        // The producer's: what it sent counts, and it consumes nothing.
        return Ok(events);
    }
    for event in &events {
        note(&mut job, &event.what);
    }
    let generation = job.generation.unwrap_or_default();
    events.insert(0, Event { at: job.created_at, about: None, what: What::JobCreated { job: job.name.clone(), generation } });
    if job.state.is_finished() {
        let at = job.completed_at.or_else(|| events.last().map(|event| event.at)).unwrap_or(job.created_at);
        events.push(Event {
            at,
            about: None,
            what: What::JobChanged {
                job: job.name,
                state: job.state,
                reason: job.reason,
                message_id: job.message_id,
                created_at: job.created_at,
            },
        });
    }
    Ok(events)
}
