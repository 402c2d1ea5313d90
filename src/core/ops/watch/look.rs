//! Looking between polls: what changed in jobs and counters since the last look. Nothing is decided on it.

use std::collections::BTreeMap;

use super::{Ports, scaler::Scaler};
use crate::core::{
    error::Result,
    event::{Depth, JobState, Reporter, What},
    ports::Job,
};

/// What was seen last.
#[derive(Default)]
pub(super) struct Look {
    jobs: BTreeMap<String, Job>,
    depths: Option<Vec<(String, Depth)>>,
    looked: bool,
    done: u64,
}

impl Look {
    /// Jobs that processed a message and ended since the first look.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Whether all queues are known to be empty and at most `minimum` jobs run.
    pub(super) fn is_drained(&self, minimum: i64) -> bool {
        let running = self.jobs.values().filter(|job| !job.state.is_finished()).count();
        let empty = self.depths.as_ref().is_some_and(|depths| depths.iter().all(|(_, depth)| depth.total() == 0));
        empty && i64::try_from(running).unwrap_or(i64::MAX) <= minimum
    }

    /// Looks at jobs and counters, and tells what changed.
    pub(super) async fn refresh(&mut self, ports: Ports<'_>, scaler: &Scaler<'_>) -> Result<()> {
        // Jobs first: a job that ends in between then still counts as running, and drained is not said too early.
        let jobs = ports.jobs.list(scaler.name()).await?;
        self.take(&jobs, ports.reporter);
        let depths = scaler.depths().await;
        if depths.is_some() && depths != self.depths {
            ports.reporter.tell(What::DepthChanged { depths: depths.clone().unwrap_or_default() });
        }
        self.depths = depths;
        Ok(())
    }

    /// Takes in a list of all jobs, and tells which changed. What had ended before the first look is old news.
    pub(super) fn take(&mut self, jobs: &[Job], reporter: &dyn Reporter) {
        for job in jobs {
            let before = self.jobs.get(&job.name);
            let is_news = match before {
                Some(before) => before.state != job.state || before.message_id != job.message_id,
                None => self.looked || !job.state.is_finished(),
            };
            if is_news {
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
        }
        self.jobs = jobs.iter().map(|job| (job.name.clone(), job.clone())).collect();
        self.looked = true;
    }
}
