//! The folder of one run: its jobs and replicas live there, and are gone when it ends.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::{StreamExt, stream};

use super::{
    jobs::ProcessJobs,
    pool::{TrialMakings, TrialPool},
    processes::Launch,
};
use crate::{
    backend::files,
    core::{
        error::{Error, Result},
        ports::Jobs,
    },
};

/// Jobs that are stopped at the same time.
const AT_ONCE: usize = 32;

/// One run. Its lock is free when its process is gone, however it ended: the next run clears what is left.
#[derive(Debug)]
pub struct Trial {
    dir: PathBuf,
    lock: PathBuf,
    _held: File,
    launch: Launch,
    /// How replicas are started.
    replica: Launch,
    all: Mutex<Vec<ProcessJobs>>,
}

impl Trial {
    /// Makes a folder under `runs`, and clears those of runs that are dead. Jobs are started by `launch`, replicas by `replica`.
    ///
    /// # Errors
    /// `State` when the folder cannot be made, or what is left of a dead run cannot be removed.
    pub async fn begin(runs: &Path, launch: Launch, replica: Launch) -> Result<Self> {
        files::private_dir(runs)?;
        clear(runs, &launch).await?;
        let name = format!("{}-{}", std::process::id(), uuid::Uuid::new_v4().simple());
        let (dir, lock) = (runs.join(&name), runs.join(format!("{name}.lock")));
        let held = files::lock_file(&lock)?;
        held.lock().map_err(|error| files::fault("lock", &lock, &error))?;
        files::private_dir(&dir)?;
        Ok(Self { dir, lock, _held: held, launch, replica, all: Mutex::default() })
    }

    /// The jobs of the object called `name`, in a folder of their own.
    #[must_use]
    pub fn jobs(&self, name: &str) -> ProcessJobs {
        let jobs = ProcessJobs::within(self.dir.join(name), self.launch.clone());
        self.all().push(jobs.clone());
        jobs
    }

    /// The replicas of the object called `name`, in a folder of their own.
    #[must_use]
    pub fn pool(&self, name: &str, makings: TrialMakings) -> TrialPool {
        let dir = self.dir.join(name);
        // At the end they are stopped as jobs are.
        self.all().push(ProcessJobs::within(dir.clone(), self.replica.clone()));
        TrialPool::within(dir, self.replica.clone(), makings)
    }

    /// Stops every job and every replica, and removes the folder. Returns how many still ran.
    ///
    /// # Errors
    /// `State` when one cannot be stopped or the folder cannot be removed.
    pub async fn end(self) -> Result<usize> {
        let all = std::mem::take(&mut *self.all());
        let stopped = stop(all).await?;
        remove(&self.dir)?;
        let _ = fs::remove_file(&self.lock);
        Ok(stopped)
    }

    fn all(&self) -> MutexGuard<'_, Vec<ProcessJobs>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn stop(all: Vec<ProcessJobs>) -> Result<usize> {
    let ends = stream::iter(all).map(|jobs| async move {
        let left = jobs.all().await?;
        let running: Vec<String> = left.into_iter().filter(|job| !job.state.is_finished()).map(|job| job.name).collect();
        let count = running.len();
        let ends: Vec<Result<()>> = stream::iter(&running).map(|name| jobs.delete(name)).buffer_unordered(AT_ONCE).collect().await;
        ends.into_iter().collect::<Result<Vec<()>>>().map(|_| count)
    });
    let ends: Vec<Result<usize>> = ends.buffer_unordered(AT_ONCE).collect().await;
    ends.into_iter().sum()
}

/// Stops the jobs of runs whose process is gone, and removes their folders.
async fn clear(runs: &Path, launch: &Launch) -> Result<()> {
    for entry in entries(runs)? {
        let Some(name) = entry.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".lock")) else { continue };
        let held = files::lock_file(&entry)?;
        if held.try_lock().is_err() {
            continue;
        }
        let dir = runs.join(name);
        let all = entries(&dir)?.into_iter().map(|object| ProcessJobs::within(object, launch.clone())).collect();
        stop(all).await?;
        remove(&dir)?;
        let _ = fs::remove_file(&entry);
    }
    Ok(())
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(files::fault("read", dir, &error)),
    }
}

fn remove(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::fault("remove", dir, &error)),
        _ => Ok(()),
    }
}
