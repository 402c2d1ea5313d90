//! One ScaledJob being scaled: reconcile when it changes, poll when it is time.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::{
    Ports, Watching,
    look::Look,
    triggers::{Backlog, Origin, Triggers, depths_of},
};
use crate::core::{
    error::{Error, Kind, Result},
    event::What,
    keda::{
        decision::{Decision, TriggerReading, decide},
        history::surplus,
        job::job_spec,
        jobs::{JobView, count},
        manifest::{self, Propagation, ScaledJob, Trigger},
        rollout::outdated,
    },
    ports::{Held, Job},
    work::paced,
};

/// Jobs that are created, or deleted, at the same time.
const AT_ONCE: usize = 16;

/// The ScaledJob as it was last read, and what reads its triggers.
pub(super) struct Scaler<'a> {
    ports: Ports<'a>,
    how: &'a Watching,
    scaled_job: ScaledJob,
    triggers: Triggers<'a>,
    /// What was reconciled: generation, whether paused, and whether as the one who scales.
    reconciled: Option<(i64, bool, bool)>,
    polled: bool,
    /// When the next poll is due, a whole interval after the last one began.
    expected: Option<Instant>,
    /// Why the ScaledJob could not be read, said once.
    complaint: Option<String>,
}

impl<'a> Scaler<'a> {
    /// Reads the ScaledJob; it must exist and be valid.
    pub(super) async fn load(ports: Ports<'a>, how: &'a Watching) -> Result<Self> {
        let name = &how.object;
        let Some(value) = ports.objects.get("ScaledJob", name).await? else {
            return Err(missing(name, "nothing is set up in this stack"));
        };
        let scaled_job = manifest::scaled_job(&value)?;
        let triggers = Triggers::unbuilt(ports, scaled_job.identifier());
        Ok(Self { ports, how, scaled_job, triggers, reconciled: None, polled: false, expected: None, complaint: None })
    }

    pub(super) fn name(&self) -> &str {
        &self.scaled_job.metadata.name
    }

    pub(super) fn triggers(&self) -> &[Trigger] {
        &self.scaled_job.spec.triggers
    }

    pub(super) fn is_paused(&self) -> bool {
        self.scaled_job.is_paused()
    }

    /// Jobs kept even without messages.
    pub(super) fn minimum(&self) -> i64 {
        self.scaled_job.spec.rules().bounds.min
    }

    /// Time from one poll to the next.
    pub(super) fn interval(&self) -> Duration {
        paced(Duration::from_secs(self.scaled_job.spec.polling_interval_seconds()), self.how.pace)
    }

    /// Whether there was a poll since the last reconcile; who only looks needs none.
    pub(super) fn has_polled(&self, scales: bool) -> bool {
        self.polled || !scales
    }

    /// What is behind the triggers; `None` when one cannot be told.
    pub(super) async fn backlog(&mut self) -> Option<Backlog> {
        let interval = self.interval();
        self.triggers.backlog(Origin::of_job(&self.scaled_job.spec), interval).await
    }

    /// Reads the ScaledJob again; when its generation or its pause changed, does what KEDA's reconcile does.
    /// Returns whether it did. A ScaledJob that cannot be read stays as it was.
    ///
    /// # Errors
    /// `NotFound` when it was deleted: that ends the loop, as KEDA's.
    /// `Input`, the first time, when a trigger asks for what cannot be. Later this is an event at each poll, as in KEDA.
    pub(super) async fn reconcile(&mut self, scales: bool) -> Result<bool> {
        let read = self.ports.objects.get("ScaledJob", &self.how.object).await;
        match read.and_then(|value| value.map(|value| manifest::scaled_job(&value)).transpose()) {
            Ok(Some(scaled_job)) => self.scaled_job = scaled_job,
            Ok(None) => return Err(missing(&self.how.object, "it was deleted while it was watched")),
            Err(error) => {
                let message = format!("the ScaledJob is left as it was: {error}");
                if self.complaint.as_ref() != Some(&message) {
                    self.ports.reporter.tell(What::Warning { message: message.clone() });
                    self.complaint = Some(message);
                }
                return Ok(false);
            }
        }
        self.complaint = None;
        let now = (self.scaled_job.metadata.generation, self.is_paused(), scales);
        let before = self.reconciled.replace(now);
        if before == Some(now) {
            return Ok(false);
        }
        if before.is_some_and(|(_, paused, _)| paused) != now.1 {
            self.ports.reporter.tell(What::Paused { paused: now.1 });
        }
        // KEDA rolls out before it builds, so that an update with a broken trigger still deletes jobs. The first time
        // nothing is deleted for a ScaledJob that is then refused.
        if before.is_none() {
            self.build().await;
            if let Some(error) = self.triggers.refusal() {
                return Err(error.clone());
            }
        }
        if scales && !now.1 {
            self.roll_out(before.map(|(generation, ..)| generation)).await;
        }
        if before.is_some() {
            self.build().await;
        }
        self.polled = now.1;
        self.expected = None;
        Ok(true)
    }

    async fn build(&mut self) {
        self.triggers.build(Origin::of_job(&self.scaled_job.spec)).await;
    }

    async fn read(&mut self, due: Instant) -> Vec<TriggerReading> {
        self.triggers.read(Origin::of_job(&self.scaled_job.spec), due).await
    }

    /// Deletes jobs of older generations, unless the rollout is gradual. Comes before the triggers are built, as in KEDA.
    async fn roll_out(&self, before: Option<i64>) {
        let Ok(jobs) = self.ports.jobs.list(self.name()).await else { return };
        let views: Vec<JobView> = jobs.iter().map(JobView::from).collect();
        let generation = self.scaled_job.metadata.generation;
        let names = outdated(&views, generation, self.scaled_job.spec.effective_rollout());
        let deleted = names.len();
        self.delete(names, "rollout", self.scaled_job.spec.propagation()).await;
        if deleted > 0 || before.is_some_and(|before| before != generation) {
            self.ports.reporter.tell(What::RolledOut { generation, deleted });
        }
    }

    /// One poll, which was due at `due`: ask every trigger, count the jobs, decide, create, clean up. Ends when the lease lapses
    /// meanwhile.
    pub(super) async fn poll(&mut self, look: &mut Look, held: &dyn Held, due: Instant) -> Result<()> {
        if self.is_paused() {
            return Ok(());
        }
        let began = Instant::now();
        let late = self.expected.map_or(Duration::ZERO, |expected| began.saturating_duration_since(expected));
        self.expected = Some(began + self.interval());
        let readings = self.read(due).await;
        let timing = self.triggers.timing(Origin::of_job(&self.scaled_job.spec), late);
        let jobs = self.ports.jobs.list(self.name()).await?;
        look.take(&jobs, self.ports).await;
        let views: Vec<JobView> = jobs.iter().map(JobView::from).collect();
        let decision = self.decide(&readings, &views);
        let create = decision.create;
        self.ports.reporter.tell(What::Polled { depths: depths_of(&readings), decision: Box::new(decision), timing: Some(timing) });
        self.create(create, held).await;
        if !held.is_held() {
            return Ok(());
        }
        let names = surplus(&views, self.scaled_job.spec.history_limits());
        self.delete(names, "history", Propagation::Background).await;
        self.polled = true;
        let late = began.elapsed().saturating_sub(self.interval());
        if !late.is_zero() {
            let message = format!("a poll took {:.1} s longer than the polling interval", late.as_secs_f64());
            self.ports.reporter.tell(What::Warning { message });
        }
        Ok(())
    }

    /// What the rules say of the triggers as they are now and of `jobs`. Changes nothing.
    pub(super) async fn forecast(&mut self, jobs: &[Job]) -> Decision {
        let readings = self.read(Instant::now()).await;
        let views: Vec<JobView> = jobs.iter().map(JobView::from).collect();
        self.decide(&readings, &views)
    }

    fn decide(&self, readings: &[TriggerReading], jobs: &[JobView]) -> Decision {
        let spec = &self.scaled_job.spec;
        decide(&spec.rules(), readings, count(jobs, spec.pending_pod_conditions()))
    }

    /// Creates `count` jobs, several at once; one that cannot be created does not stop the rest.
    async fn create(&self, count: i64, held: &dyn Held) {
        if count <= 0 {
            return;
        }
        let generation = self.scaled_job.metadata.generation;
        let spec = job_spec(&self.scaled_job, self.triggers.env().clone());
        let due = stream::iter(0..count).take_while(|_| std::future::ready(held.is_held()));
        let mut created = due.map(|_| self.ports.jobs.create(&spec)).buffered(AT_ONCE);
        let mut complaints = BTreeMap::<String, u64>::new();
        while let Some(outcome) = created.next().await {
            match outcome {
                Ok(job) => self.ports.reporter.tell(What::JobCreated { job, generation }),
                Err(error) => *complaints.entry(error.to_string()).or_default() += 1,
            }
        }
        for (error, times) in complaints {
            let message = if times == 1 {
                format!("a job could not be created: {error}")
            } else {
                format!("{times} jobs could not be created: {error}")
            };
            self.ports.reporter.tell(What::Warning { message });
        }
    }

    async fn delete(&self, names: Vec<String>, reason: &str, propagation: Propagation) {
        stream::iter(names)
            .for_each_concurrent(AT_ONCE, |name| async move {
                let what = match self.ports.jobs.delete_with(&name, propagation).await {
                    Ok(()) => What::JobDeleted { job: name, reason: reason.to_owned() },
                    Err(error) => What::Warning { message: format!("job `{name}` could not be deleted: {error}") },
                };
                self.ports.reporter.tell(what);
            })
            .await;
    }
}

fn missing(scaled_job: &str, why: &str) -> Error {
    Error::new(Kind::NotFound, format!("no ScaledJob `{scaled_job}`"), why)
        .hint("run `kedactl setup`, or pass a manifest with `kedactl watch -f FILE`")
}
