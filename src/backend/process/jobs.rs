//! Jobs as child processes of this very binary, each with a folder and a lock that lives as long as it does.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use jiff::Timestamp;
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use super::state::{Folder, Record, close};
use crate::{
    backend::files,
    core::{
        error::{Error, Kind, Result},
        ports::{Job, JobSpec, Jobs},
        stack::StackName,
        work,
    },
};

/// How jobs are started and stopped.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program: this very binary.
    pub program: PathBuf,
    /// Where state is kept.
    pub state_dir: PathBuf,
    /// The stack that the jobs belong to.
    pub stack: StackName,
    /// Divides the consumer's sleep.
    pub pace: f64,
    /// A command to run as the work, instead of what the manifest says.
    pub work: Option<Vec<String>>,
    /// How long a job has to end after SIGTERM before it is killed.
    pub grace: Duration,
}

impl Launch {
    /// Starts this very binary, gives it 30 s to end, and leaves the work to the manifest.
    ///
    /// # Errors
    /// `Failed` when the binary's own path cannot be found; `State` when `state_dir` has no absolute form.
    pub fn new(state_dir: &std::path::Path, stack: &StackName, pace: f64) -> Result<Self> {
        let program = std::env::current_exe().map_err(|error| Error::failed("could not find the path of this program", error))?;
        let state_dir = std::path::absolute(state_dir).map_err(|error| files::fault("find", state_dir, &error))?;
        Ok(Self { program, state_dir, stack: stack.clone(), pace, work: None, grace: Duration::from_secs(30) })
    }
}

/// The jobs of one stack on this machine.
#[derive(Debug, Clone)]
pub struct ProcessJobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    launch: Launch,
    dir: PathBuf,
    /// Those that this process started and has not yet seen end.
    children: Mutex<HashMap<String, Child>>,
    /// What cannot change any more: records, and jobs that ended.
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    record: Record,
    ended: Option<Job>,
}

impl ProcessJobs {
    /// The jobs of the stack that `launch` names.
    #[must_use]
    pub fn new(launch: Launch) -> Self {
        let dir = launch.state_dir.join("stacks").join(launch.stack.as_str()).join("jobs");
        Self { inner: Arc::new(Inner { launch, dir, children: Mutex::default(), known: Mutex::default() }) }
    }
}

#[async_trait]
impl Jobs for ProcessJobs {
    async fn all(&self) -> Result<Vec<Job>> {
        self.blocking(Inner::all).await
    }

    async fn create(&self, spec: &JobSpec) -> Result<String> {
        let spec = spec.clone();
        self.blocking(move |inner| inner.create(spec)).await
    }

    async fn delete(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.blocking(move |inner| inner.delete(&name)).await
    }
}

impl ProcessJobs {
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = self.inner.clone();
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Inner {
    fn folder(&self, name: &str) -> Folder {
        Folder(self.dir.join(name))
    }

    fn all(&self) -> Result<Vec<Job>> {
        self.reap();
        let names = self.names()?;
        let mut known = guard(&self.known);
        known.retain(|name, _| names.contains(name));
        let mut jobs = Vec::with_capacity(names.len());
        for name in &names {
            let Some(known) = self.know(&mut known, name)? else { continue };
            let job = match &known.ended {
                Some(job) => job.clone(),
                None => self.folder(name).look(&known.record)?,
            };
            if job.state.is_finished() && known.ended.is_none() {
                known.ended = Some(job.clone());
            }
            jobs.push(job);
        }
        jobs.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        Ok(jobs)
    }

    fn names(&self) -> Result<Vec<String>> {
        let fault = |error: io::Error| files::fault("read", &self.dir, &error);
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fault(error)),
        };
        entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).map_err(fault)).collect()
    }

    /// A folder without a whole record is a job that is just being made, or whose maker died before it was one.
    fn know<'a>(&self, known: &'a mut HashMap<String, Known>, name: &str) -> Result<Option<&'a mut Known>> {
        if !known.contains_key(name) {
            let folder = self.folder(name);
            match files::read_json::<Record>(&folder.record()) {
                Ok(Some(record)) => known.insert(name.to_owned(), Known { record, ended: None }),
                Err(error) if folder.is_alive()? => return Err(error),
                Ok(None) | Err(_) => return Ok(None),
            };
        }
        Ok(known.get_mut(name))
    }

    /// Takes note of children that ended, so that none stays a zombie.
    fn reap(&self) {
        guard(&self.children).retain(|name, child| match child.try_wait() {
            Ok(Some(status)) => {
                // Without this note the job still counts as killed: only the word for it is lost.
                let _ = close(&self.folder(name), child.id(), status);
                false
            }
            Ok(None) => true,
            Err(_) => false,
        });
    }

    fn create(&self, spec: JobSpec) -> Result<String> {
        self.reap();
        files::private_dir(&self.dir)?;
        let name = self.reserve(&spec.scaled_job)?;
        let folder = self.folder(&name);
        let record = Record { name: name.clone(), created_at: Timestamp::now(), spec };
        match self.start(&folder, &record) {
            Ok(child) => {
                guard(&self.children).insert(name.clone(), child);
                Ok(name)
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&folder.0);
                Err(error)
            }
        }
    }

    /// Makes a folder under a name that no other job has, as Kubernetes' `generateName` does.
    fn reserve(&self, scaled_job: &str) -> Result<String> {
        for _ in 0..100 {
            let name = format!("{scaled_job}-{}", suffix());
            let path = self.dir.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(files::fault("create", &path, &error)),
            }
        }
        Err(Error::failed(format!("could not name a job of `{scaled_job}`"), "every name tried is taken"))
    }

    fn start(&self, folder: &Folder, record: &Record) -> Result<Child> {
        let launch = &self.launch;
        let lock = files::lock_file(&folder.lock())?;
        lock.lock().map_err(|error| files::fault("lock", &folder.lock(), &error))?;
        let path = folder.log();
        let open = || files::private().append(true).create(true).open(&path);
        let (out, err) =
            open().and_then(|out| out.try_clone().map(|err| (out, err))).map_err(|error| files::fault("create", &path, &error))?;
        files::replace_json(&folder.record(), record)?;
        let mut command = Command::new(&launch.program);
        command
            .args(work::arguments(&record.spec, launch.work.as_deref()))
            .envs(&record.spec.env)
            .env("KEDACTL_STACK", launch.stack.as_str())
            .env("KEDACTL_STATE_DIR", &launch.state_dir)
            .env("KEDACTL_JOB", &record.name)
            .env("KEDACTL_PACE", launch.pace.to_string())
            // The lock goes with the process: it is free again when the last copy is closed, so ours is only dropped.
            .stdin(Stdio::from(lock))
            .stdout(out)
            .stderr(err)
            .process_group(0);
        command.spawn().map_err(|error| {
            Error::failed(format!("could not start job `{}`", record.name), error)
                .hint(format!("`{}` must be a program that can be run", launch.program.display()))
        })
    }

    fn delete(&self, name: &str) -> Result<()> {
        self.reap();
        let folder = self.folder(name);
        self.stop(name, &folder)?;
        self.reap();
        guard(&self.known).remove(name);
        match fs::remove_dir_all(&folder.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::fault("delete", &folder.0, &error)),
            _ => Ok(()),
        }
    }

    /// SIGTERM, and SIGKILL when the grace period is over; returns once the lock is free.
    fn stop(&self, name: &str, folder: &Folder) -> Result<()> {
        let begun = Instant::now();
        let mut told = false;
        let mut killed = false;
        // A pid may be another's by now, unless its process still holds the lock: so look before each signal.
        while folder.is_alive()? {
            let pid = self.pid(name, folder)?;
            let waited = begun.elapsed();
            match pid {
                Some(pid) if !told => {
                    let _ = kill(pid, Signal::SIGTERM);
                    told = true;
                }
                Some(pid) if !killed && waited >= self.launch.grace => {
                    let _ = killpg(pid, Signal::SIGKILL);
                    killed = true;
                }
                _ if waited >= self.launch.grace + Duration::from_secs(5) => {
                    let error = Error::new(Kind::Busy, format!("could not stop job `{name}`"), "its process does not end");
                    return Err(error.hint(format!("find who holds `{}` open", folder.lock().display())));
                }
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        Ok(())
    }

    /// The job's process: from the child if it is ours, from its own word otherwise. None while it is starting.
    fn pid(&self, name: &str, folder: &Folder) -> Result<Option<Pid>> {
        let ours = guard(&self.children).get(name).map(Child::id);
        let pid = match ours {
            Some(pid) => Some(pid),
            None => folder.progress()?.map(|progress| progress.pid),
        };
        Ok(pid.and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid > 1).map(Pid::from_raw))
    }
}

fn suffix() -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let bytes = uuid::Uuid::new_v4().into_bytes();
    bytes.iter().take(5).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

fn guard<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
