//! Gathers the evidence and gives the verdict.

use serde::Serialize;

use crate::core::{
    error::Result,
    ports::{Analyzer, Journal, Queue},
    report::{Evidence, Report},
};

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
    /// The result analyzer.
    pub analyzer: &'a dyn Analyzer,
    /// The work queue.
    pub queue: &'a dyn Queue,
    /// Its dead-letter queue.
    pub dead_letters: &'a dyn Queue,
}

/// Fetches the counts through the analyzer's interface and joins them with the journal and the queues' counters.
///
/// The queues are asked first: a message that is deleted meanwhile then looks unfinished, never lost.
///
/// # Errors
/// When a queue, the analyzer or the journal cannot be read.
pub async fn report(sources: Sources<'_>) -> Result<Reported> {
    let (queue, dead_letters) = futures_util::future::try_join(sources.queue.depth(), sources.dead_letters.depth()).await?;
    let counts = sources.analyzer.lines().await?;
    let records = sources.analyzer.records().await?;
    let events = sources.journal.events()?;
    Ok(Reported { counts, report: Report::from(&Evidence { events, counts: records, queue, dead_letters }) })
}
