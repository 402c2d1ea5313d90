//! `produce --in-cluster`: the producer runs as a Job, and its log tells what it sent.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Sent;
use crate::core::{
    error::{Error, Kind, Result},
    event::{JobState, Reporter, What},
    log,
    ports::{JobSpec, Jobs},
};

/// How long a Job may take to say how it ended once its container has.
const END_LIMIT: Duration = Duration::from_mins(1);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// Creates the Job of `manifest`, which sends `count` messages, and reports what its log tells until it has ended.
/// Cancelling leaves the Job running.
///
/// # Errors
/// When the Job cannot be created, its log cannot be followed, or it failed.
pub async fn produce_in_cluster(
    jobs: &dyn Jobs,
    manifest: Value,
    count: u64,
    reporter: &dyn Reporter,
    cancel: &CancellationToken,
) -> Result<Sent> {
    let begun = Instant::now();
    let label = manifest["metadata"]["generateName"].as_str().unwrap_or_default().trim_end_matches('-').to_owned();
    let name = jobs.create(&JobSpec { scaled_job: label, generation: 0, manifest, env: BTreeMap::new() }).await?;
    reporter.tell(What::LogLine { job: name.clone(), line: "created".to_owned() });
    let mut told = Told { run: name.clone(), ..Told::default() };
    let mut lines = jobs.lines(&name);
    loop {
        let line = tokio::select! {
            () = cancel.cancelled() => return Ok(told.sum(count, begun)),
            line = lines.next() => line,
        };
        let Some(line) = line else { break };
        let line = line?;
        match log::event(&line, &name) {
            Some(event) => {
                told.take(&event.what);
                reporter.report(&event);
            }
            None if line.trim().is_empty() => {}
            None => reporter.tell(What::LogLine { job: name.clone(), line }),
        }
    }
    if ended(jobs, &name).await? == JobState::Complete {
        return Ok(told.sum(count, begun));
    }
    let mut sent = told.sum(count, begun);
    sent.fault = Some(
        Error::failed(format!("the producer's Job `{name}` failed"), format!("{} of {count} messages were sent", sent.sent))
            .hint(format!("see `kubectl logs job/{name}`")),
    );
    Ok(sent)
}

/// How the Job called `name` ended.
async fn ended(jobs: &dyn Jobs, name: &str) -> Result<JobState> {
    let begun = Instant::now();
    loop {
        let Some(job) = jobs.find(name).await? else {
            return Err(Error::new(Kind::NotFound, format!("the producer's Job `{name}` is gone"), "it was deleted while it was followed"));
        };
        if job.state.is_finished() {
            return Ok(job.state);
        }
        if begun.elapsed() > END_LIMIT {
            let why = format!("its container ended, and {} s later it does not say how", END_LIMIT.as_secs());
            return Err(Error::failed(format!("could not learn how the Job `{name}` ended"), why));
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[derive(Default)]
struct Told {
    run: String,
    sent: u64,
    failed: u64,
    refusal: Option<String>,
}

impl Told {
    fn take(&mut self, what: &What) {
        match what {
            What::Sent { .. } => self.sent += 1,
            What::SendFailed { code, .. } => {
                self.failed += 1;
                self.refusal = Some(code.clone());
            }
            _ => {}
        }
    }

    fn sum(self, count: u64, begun: Instant) -> Sent {
        let seconds = begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        let per_second = if seconds > 0.0 { self.sent as f64 / seconds } else { 0.0 };
        let unsent = count.saturating_sub(self.sent + self.failed);
        Sent {
            run: self.run,
            to: None,
            sent: self.sent,
            failed: self.failed,
            unsent,
            seconds,
            per_second,
            refusal: self.refusal,
            fault: None,
        }
    }
}
