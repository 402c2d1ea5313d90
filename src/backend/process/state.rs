//! What the folder of a job or a replica says: the record its creator wrote, the state it writes itself, and whether it holds its lock.

use std::{
    fs::{self, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::processes::Role;
use crate::{
    backend::files,
    core::{
        error::{Error, Result},
        event::{Event, JobState, Reporter, What},
        ports::{Job, JobSpec},
    },
};

/// Written once, by the creator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    #[serde(flatten)]
    pub(super) spec: JobSpec,
}

/// Written by the job itself, again at each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) state: JobState,
    pub(super) pid: u32,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) reason: Option<String>,
    pub(super) message_id: Option<String>,
}

/// The files of one process.
#[derive(Debug, Clone)]
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    pub(super) fn record(&self) -> PathBuf {
        self.0.join("record.json")
    }

    fn state(&self) -> PathBuf {
        self.0.join("state.json")
    }

    /// Removes what an earlier process said of itself; absent is fine.
    pub(super) fn forget_progress(&self) -> Result<()> {
        match fs::remove_file(self.state()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::fault("delete", &self.state(), &error)),
            _ => Ok(()),
        }
    }

    pub(super) fn progress(&self) -> Result<Option<Progress>> {
        files::read_json(&self.state())
    }

    /// Whether the process lives: it holds the lock as long as it does, however it ends.
    pub(super) fn is_alive(&self) -> Result<bool> {
        let path = self.lock();
        let file = match files::private().read(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(files::fault("open", &path, &error)),
        };
        // Shared, so that two who look at once do not take each other for the job.
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(files::fault("lock", &path, &error)),
        }
    }

    /// The job as the scaler sees it.
    pub(super) fn look(&self, record: &Record) -> Result<Job> {
        // First the lock: a job that ends between the two looks has then written its end.
        let alive = self.is_alive()?;
        let progress = self.progress()?;
        let ended = progress.as_ref().filter(|progress| progress.state.is_finished());
        let (state, reason) = match (ended, alive) {
            (Some(end), _) => (end.state, end.reason.clone()),
            (None, false) => (JobState::Failed, Some("killed".to_owned())),
            (None, true) => (progress.as_ref().map_or(JobState::Pending, |progress| progress.state), None),
        };
        Ok(Job {
            name: record.name.clone(),
            scaled_job: record.spec.scaled_job.clone(),
            generation: Some(record.spec.generation),
            state,
            reason,
            created_at: record.created_at,
            completed_at: ended.filter(|end| end.state == JobState::Complete).and_then(|end| end.ended_at),
            message_id: progress.and_then(|progress| progress.message_id),
            view: None,
        })
    }
}

/// A process's own hand on its state file: running from [`Status::find`] on, the message in hand, then the end.
#[derive(Debug)]
pub struct Status {
    path: PathBuf,
    role: Role,
    progress: Mutex<Progress>,
}

impl Status {
    /// Says that the job or replica called `name` runs in this process, if one of that name was made under `stack_dir`.
    ///
    /// # Errors
    /// `State` when that cannot be written: a process that cannot say how it stands should not begin.
    pub fn find(stack_dir: &Path, name: &str) -> Result<Option<Self>> {
        let folder = |role: Role| Folder(stack_dir.join(role.folder()).join(name));
        let found = Role::ALL.into_iter().map(|role| (role, folder(role))).find(|(_, folder)| folder.record().exists());
        found.map(|(role, folder)| Self::begin(folder.state(), role)).transpose()
    }

    fn begin(path: PathBuf, role: Role) -> Result<Self> {
        let progress = Progress {
            state: JobState::Running,
            pid: std::process::id(),
            started_at: Timestamp::now(),
            ended_at: None,
            reason: None,
            message_id: None,
        };
        files::replace_json(&path, &progress)?;
        Ok(Self { path, role, progress: Mutex::new(progress) })
    }

    /// Says how it ended and why, in a word: `done`, `idle`, `killed` or `failed`. The last act.
    ///
    /// # Errors
    /// `State` when it cannot be written; it then counts as killed.
    pub fn end(&self, state: JobState, reason: &str) -> Result<()> {
        self.change(|progress| {
            progress.state = state;
            progress.ended_at = Some(Timestamp::now());
            progress.reason = Some(reason.to_owned());
        })
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) -> Result<()> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut progress);
        files::replace_json(&self.path, &*progress)
    }
}

impl Reporter for Status {
    fn report(&self, event: &Event) {
        let message_id = match (&event.what, self.role) {
            (What::Received { message_id, .. }, _) => Some(message_id.clone()),
            // A job keeps the message that it was about; a replica goes on to the next.
            (What::Deleted { .. } | What::ReleasedMessage { .. }, Role::Replica) => None,
            _ => return,
        };
        // Only a convenience for those who look: the end is what counts, and its fault is reported.
        let _ = self.change(|progress| progress.message_id = message_id);
    }
}

/// Who says how a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The job itself: without its word it failed.
    Own,
    /// Its exit code: it is a program that knows nothing of this.
    ExitCode,
}

/// Says, for a process that cannot do so itself, that it runs.
pub(super) fn running(folder: &Folder, pid: u32) -> Result<(), Error> {
    let progress = Progress { state: JobState::Running, pid, started_at: Timestamp::now(), ended_at: None, reason: None, message_id: None };
    files::replace_json(&folder.state(), &progress)
}

/// Says, for a process that ended without a word, that it did: by its exit code, or by a signal.
pub(super) fn close(folder: &Folder, pid: u32, status: std::process::ExitStatus, word: Word) -> Result<(), Error> {
    let progress = folder.progress()?;
    if progress.as_ref().is_some_and(|progress| progress.state.is_finished()) {
        return Ok(());
    }
    let now = Timestamp::now();
    let blank = Progress { state: JobState::Failed, pid, started_at: now, ended_at: None, reason: None, message_id: None };
    let mut progress = progress.unwrap_or(blank);
    let (state, reason) = match (word, status.code()) {
        (Word::ExitCode, Some(0)) => (JobState::Complete, "done"),
        (_, Some(_)) => (JobState::Failed, "failed"),
        (_, None) => (JobState::Failed, "killed"),
    };
    progress.state = state;
    progress.ended_at = Some(now);
    progress.reason = Some(reason.to_owned());
    files::replace_json(&folder.state(), &progress)
}
