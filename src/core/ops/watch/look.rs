//! Looking between polls: what changed in jobs and counters since the last look. Nothing is decided on it.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::{Ports, scaler::Scaler, triggers::Backlog};
use crate::core::{
    error::Result,
    event::{JobState, What},
    log::note,
    ports::Job,
};

/// Logs that are read at the same time.
const LOGS: usize = 8;

/// What was seen last.
#[derive(Default)]
pub(super) struct Look {
    jobs: BTreeMap<String, Job>,
    backlog: Option<Backlog>,
    looked: bool,
    done: u64,
}

impl Look {
    /// Jobs that processed a message and ended since the first look.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Whether all queues are known to be empty, all other triggers to be inactive, and at most `minimum` jobs run.
    pub(super) fn is_drained(&self, minimum: i64) -> bool {
        let running = self.jobs.values().filter(|job| !job.state.is_finished()).count();
        let empty = self.backlog.as_ref().is_some_and(Backlog::is_empty);
        empty && i64::try_from(running).unwrap_or(i64::MAX) <= minimum
    }

    /// Looks at jobs and counters, and tells what changed.
    pub(super) async fn refresh(&mut self, ports: Ports<'_>, scaler: &mut Scaler<'_>) -> Result<()> {
        // Jobs first: a job that ends in between then still counts as running, and drained is not said too early.
        let jobs = ports.jobs.list(scaler.name()).await?;
        self.take(&jobs, ports).await;
        self.measure(ports, scaler).await;
        Ok(())
    }

    /// Looks at the counters, and tells what changed.
    pub(super) async fn measure(&mut self, ports: Ports<'_>, scaler: &mut Scaler<'_>) {
        let backlog = scaler.backlog().await;
        Backlog::tell(self.backlog.as_ref(), backlog.as_ref(), ports.reporter);
        self.backlog = backlog;
    }

    /// Takes in a list of all jobs, and tells which changed. What had ended before the first look is old news. Of a job
    /// that ended, what it wrote down in its own log is told too, while that log is there.
    pub(super) async fn take(&mut self, jobs: &[Job], ports: Ports<'_>) {
        let reporter = ports.reporter;
        let mut jobs = jobs.to_vec();
        self.remember(&mut jobs);
        let news: Vec<usize> = (0..jobs.len()).filter(|index| self.is_news(&jobs[*index])).collect();
        self.read_logs(&mut jobs, &news, ports).await;
        for index in news {
            let job = &jobs[index];
            if job.state == JobState::Complete && job.reason.as_deref() == Some("done") {
                self.done += 1;
            }
            reporter.tell(What::JobChanged {
                job: job.name.clone(),
                state: job.state,
                reason: job.reason.clone(),
                message_id: job.message_id.clone(),
                created_at: job.created_at,
            });
        }
        self.jobs = jobs.into_iter().map(|job| (job.name.clone(), job)).collect();
        self.looked = true;
    }

    /// What a log told before is still so.
    fn remember(&self, jobs: &mut [Job]) {
        for job in jobs {
            if let Some(before) = self.jobs.get(&job.name).filter(|before| before.state == job.state) {
                job.reason = job.reason.take().or_else(|| before.reason.clone());
                job.message_id = job.message_id.take().or_else(|| before.message_id.clone());
            }
        }
    }

    fn is_news(&self, job: &Job) -> bool {
        match self.jobs.get(&job.name) {
            Some(before) => before.state != job.state || before.message_id != job.message_id,
            None => self.looked || !job.state.is_finished(),
        }
    }

    /// Reads the logs of those among the `news` that ended: several at once.
    async fn read_logs(&self, jobs: &mut [Job], news: &[usize], ports: Ports<'_>) {
        let ended = |index: &usize| jobs[*index].state.is_finished() && jobs[*index].view.is_some();
        let names: Vec<(usize, String)> = news.iter().copied().filter(ended).map(|index| (index, jobs[index].name.clone())).collect();
        let mut logs = stream::iter(names)
            .map(|(index, name)| async move {
                let records = ports.jobs.records(&name).await;
                (index, records)
            })
            .buffered(LOGS);
        while let Some((index, records)) = logs.next().await {
            match records {
                Ok(records) => {
                    for event in &records {
                        ports.reporter.report(event);
                        note(&mut jobs[index], &event.what);
                    }
                }
                Err(error) => ports.reporter.tell(What::Warning { message: error.to_string() }),
            }
        }
    }
}
