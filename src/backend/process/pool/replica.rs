//! One worker process as a replica: whether it is ready, what becomes of it when it dies, and its end.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Owner;
use crate::{
    backend::{
        files,
        process::{
            processes::Processes,
            state::{Progress, Record},
        },
    },
    core::{
        error::Result,
        event::JobState,
        ports::{JobSpec, Replica},
        replicas::{Deaths, Standing},
        work::paced,
    },
};

/// How long a pod has to end when its template does not say.
const GRACE: i64 = 30;

/// What whoever keeps the workers writes down of one.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Kept {
    /// How often it was started anew.
    restarts: u32,
    /// How often it died in a row.
    deaths: u32,
    /// When it was last started anew.
    started_at: Option<Timestamp>,
    /// When a dead one is started again.
    due_at: Option<Timestamp>,
    /// When it was decided that it ends.
    ending_at: Option<Timestamp>,
    /// Whether it was told.
    told: bool,
}

/// One worker as it is now.
pub(super) struct Worker {
    pub(super) record: Record,
    kept: Kept,
    progress: Option<Progress>,
    is_alive: bool,
}

impl Worker {
    /// The worker called `name`; nothing while it is being made.
    pub(super) fn look(processes: &Processes, name: &str) -> Result<Option<Self>> {
        let folder = processes.folder(name);
        let Some(record) = processes.record(name)? else { return Ok(None) };
        let is_alive = folder.is_alive()?;
        let progress = folder.progress()?;
        let kept = files::read_json(&folder.0.join("kept.json"))?.unwrap_or_default();
        Ok(Some(Self { record, kept, progress, is_alive }))
    }

    /// Kind and name of the object that wants it.
    pub(super) fn owner(&self) -> Owner {
        let manifest = &self.record.spec.manifest;
        (manifest["kind"].as_str().unwrap_or_default().to_owned(), self.record.spec.scaled_job.clone())
    }

    pub(super) fn is_ending(&self) -> bool {
        self.kept.ending_at.is_some()
    }

    /// Its own word of the process that lives; nothing while it starts, or is dead.
    fn running(&self) -> Option<&Progress> {
        self.progress.as_ref().filter(|progress| self.is_alive && progress.state == JobState::Running)
    }

    pub(super) fn replica(&self) -> Replica {
        Replica {
            name: self.record.name.clone(),
            is_ready: self.running().is_some() && !self.is_ending(),
            is_ending: self.is_ending(),
            created_at: self.record.created_at,
            message_id: self.running().and_then(|progress| progress.message_id.clone()),
        }
    }

    /// How it stands, when replicas are made from `spec` today.
    pub(super) fn standing(&self, spec: Option<&JobSpec>) -> Standing {
        Standing {
            name: self.record.name.clone(),
            created_at: self.record.created_at,
            ready_at: self.running().map(|progress| progress.started_at),
            restarts: self.kept.restarts,
            is_outdated: spec.is_some_and(|spec| spec.spec() != self.record.spec.spec() || spec.env != self.record.spec.env),
        }
    }

    /// Tells it to end: SIGTERM, once. Told a second time, a consumer ends without giving its message back.
    pub(super) fn end(&self, processes: &Processes, now: Timestamp) -> Result<()> {
        let told = self.is_alive && processes.tell(&self.record.name)?;
        self.keep(processes, Kept { ending_at: self.kept.ending_at.or(Some(now)), told, ..self.kept })
    }

    /// Of one that is ending: removes it once it has ended, tells it if that was not possible yet, and kills it when its grace
    /// period is over.
    pub(super) fn see_off(&self, processes: &Processes, now: Timestamp) -> Result<()> {
        let Some(ending_at) = self.kept.ending_at else { return Ok(()) };
        if !self.is_alive {
            return processes.remove(&self.record.name);
        }
        let grace = self.record.spec.spec()["template"]["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(GRACE);
        if now.duration_since(ending_at) >= jiff::SignedDuration::from_secs(grace) {
            processes.kill(&self.record.name)?;
        } else if !self.kept.told {
            self.end(processes, now)?;
        }
        Ok(())
    }

    /// Starts a dead one again, after the pause that is due.
    pub(super) fn revive(&self, processes: &Processes, now: Timestamp) -> Result<()> {
        if self.is_alive {
            return Ok(());
        }
        if let Some(due_at) = self.kept.due_at {
            return if now < due_at { Ok(()) } else { self.restart(processes, now, self.kept) };
        }
        let pace = processes.launch.pace;
        let started_at = self.kept.started_at.unwrap_or(self.record.created_at);
        let lived = Duration::try_from(now.duration_since(started_at)).unwrap_or_default();
        let deaths = Deaths(self.kept.deaths).after(lived.mul_f64(pace));
        let pause = deaths.pause();
        let kept = Kept { deaths: deaths.0, due_at: now.checked_add(paced(pause, pace)).ok(), ..self.kept };
        if pause.is_zero() { self.restart(processes, now, kept) } else { self.keep(processes, kept) }
    }

    fn restart(&self, processes: &Processes, now: Timestamp, kept: Kept) -> Result<()> {
        processes.folder(&self.record.name).forget_progress()?;
        self.keep(processes, Kept { restarts: kept.restarts.saturating_add(1), started_at: Some(now), due_at: None, ..kept })?;
        processes.start(&self.record)
    }

    fn keep(&self, processes: &Processes, kept: Kept) -> Result<()> {
        files::replace_json(&processes.folder(&self.record.name).0.join("kept.json"), &kept)
    }
}
