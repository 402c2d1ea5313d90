//! Processes of this very binary, each with a folder and a lock that lives as long as it does.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use super::{
    plain,
    state::{Folder, Record, Word, close, running},
};
use crate::{
    backend::files,
    core::{
        error::{Error, Kind, Result},
        ports::JobSpec,
        stack::StackName,
        work,
    },
};

/// How processes are started and stopped.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program: this very binary.
    pub program: PathBuf,
    /// Where state is kept.
    pub state_dir: PathBuf,
    /// The stack that the processes belong to.
    pub stack: StackName,
    /// Divides the consumer's sleep, and pauses before a start.
    pub pace: f64,
    /// A command to run as the work, instead of what the manifest says.
    pub work: Option<Vec<String>>,
    /// A command to run instead of this very binary: its exit code says how the job ended.
    pub plain: Option<Vec<String>>,
    /// How long a job has to end after SIGTERM before it is killed.
    pub grace: Duration,
}

impl Launch {
    /// Starts this very binary, gives it 30 s to end, and leaves the work to the manifest.
    ///
    /// # Errors
    /// `Failed` when the binary's own path cannot be found; `State` when `state_dir` has no absolute form.
    pub fn new(state_dir: &Path, stack: &StackName, pace: f64) -> Result<Self> {
        let program = std::env::current_exe().map_err(|error| Error::failed("could not find the path of this program", error))?;
        let state_dir = std::path::absolute(state_dir).map_err(|error| files::fault("find", state_dir, &error))?;
        Ok(Self { program, state_dir, stack: stack.clone(), pace, work: None, plain: None, grace: Duration::from_secs(30) })
    }

    /// Who says how its processes stand.
    fn word(&self) -> Word {
        if self.plain.is_some() { Word::ExitCode } else { Word::Own }
    }

    /// The folder of those in `role`.
    pub(super) fn folder(&self, role: Role) -> PathBuf {
        self.state_dir.join("stacks").join(self.stack.as_str()).join(role.folder())
    }
}

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A job: it processes one message and ends.
    Job,
    /// A replica of a Deployment: it goes on until it is told to end.
    Replica,
}

impl Role {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Job, Self::Replica];

    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Job => "jobs",
            Self::Replica => "replicas",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Replica => "replica",
        }
    }

    /// The arguments of the consumer, where the container runs another program.
    fn consumer(self) -> &'static [&'static str] {
        match self {
            Self::Job => &["consume"],
            Self::Replica => &["consume", "--loop"],
        }
    }
}

/// The processes that have a folder in one place.
#[derive(Debug)]
pub(super) struct Processes {
    pub(super) launch: Launch,
    role: Role,
    dir: PathBuf,
    /// Those that this process started and has not yet seen end.
    children: Mutex<HashMap<String, Child>>,
}

impl Processes {
    pub(super) fn new(launch: Launch, role: Role) -> Self {
        Self::within(launch.folder(role), launch, role)
    }

    /// Those whose folders are in `dir`.
    pub(super) fn within(dir: PathBuf, launch: Launch, role: Role) -> Self {
        Self { launch, role, dir, children: Mutex::default() }
    }

    /// Where their folders are.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn folder(&self, name: &str) -> Folder {
        Folder(self.dir.join(name))
    }

    /// The names of all folders.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let fault = |error: io::Error| files::fault("read", &self.dir, &error);
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fault(error)),
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).map_err(fault));
        names.filter(|name| !name.as_ref().is_ok_and(|name| name.starts_with('.'))).collect()
    }

    /// What the creator of `name` wrote. A folder without a whole record is a process that is just being made, or whose
    /// maker died before it was one.
    pub(super) fn record(&self, name: &str) -> Result<Option<Record>> {
        let folder = self.folder(name);
        match files::read_json::<Record>(&folder.record()) {
            Err(error) if folder.is_alive()? => Err(error),
            Ok(record) => Ok(record),
            Err(_) => Ok(None),
        }
    }

    /// Takes note of children that ended, so that none stays a zombie.
    pub(super) fn reap(&self) {
        self.children().retain(|name, child| match child.try_wait() {
            Ok(Some(status)) => {
                // Without this note the process still counts as killed: only the word for it is lost.
                let _ = close(&self.folder(name), child.id(), status, self.launch.word());
                false
            }
            Ok(None) => true,
            Err(_) => false,
        });
    }

    /// Starts a process under a name that no other has; returns the name. Nothing is left behind when it cannot be started.
    pub(super) fn create(&self, spec: JobSpec) -> Result<String> {
        self.reap();
        files::private_dir(&self.dir)?;
        let name = self.reserve(&spec.scaled_job)?;
        let record = Record { name: name.clone(), created_at: Timestamp::now(), spec };
        match self.start(&record) {
            Ok(()) => Ok(name),
            Err(error) => {
                let _ = fs::remove_dir_all(self.dir.join(&name));
                Err(error)
            }
        }
    }

    /// Makes a folder under a name that no other has, as Kubernetes' `generateName` does.
    fn reserve(&self, prefix: &str) -> Result<String> {
        for _ in 0..100 {
            let name = format!("{prefix}-{}", suffix());
            let path = self.dir.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(files::fault("create", &path, &error)),
            }
        }
        Err(Error::failed(format!("could not name a {} of `{prefix}`", self.role.word()), "every name tried is taken"))
    }

    /// Starts the process that `record` describes, whose folder is there.
    pub(super) fn start(&self, record: &Record) -> Result<()> {
        let (launch, folder) = (&self.launch, self.folder(&record.name));
        let lock = files::lock_file(&folder.lock())?;
        lock.lock().map_err(|error| files::fault("lock", &folder.lock(), &error))?;
        // Only now: a record without a locked lock is a process that has ended.
        files::replace_json(&folder.record(), record)?;
        let path = folder.log();
        let open = || files::private().append(true).create(true).open(&path);
        let (out, err) =
            open().and_then(|out| out.try_clone().map(|err| (out, err))).map_err(|error| files::fault("create", &path, &error))?;
        let mut command = Command::new(&launch.program);
        match &launch.plain {
            Some(words) => plain::prepare(&mut command, words),
            None => {
                command.args(work::arguments(&record.spec, self.role.consumer(), launch.work.as_deref()));
            }
        }
        command
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
        let child = command.spawn().map_err(|error| {
            Error::failed(format!("could not start {} `{}`", self.role.word(), record.name), error)
                .hint(format!("`{}` must be a program that can be run", launch.program.display()))
        })?;
        if launch.word() == Word::ExitCode {
            // Without it the job only seems to be starting for as long as it runs.
            let _ = running(&folder, child.id());
        }
        self.children().insert(record.name.clone(), child);
        Ok(())
    }

    /// SIGTERM, and SIGKILL when the grace period is over; returns once the lock is free.
    pub(super) fn stop(&self, name: &str) -> Result<()> {
        let folder = self.folder(name);
        let begun = Instant::now();
        let (mut told, mut killed) = (false, false);
        while folder.is_alive()? {
            let waited = begun.elapsed();
            if !told {
                told = self.tell(name)?;
            } else if !killed && waited >= self.launch.grace {
                killed = self.kill(name)?;
            }
            if waited >= self.launch.grace + Duration::from_secs(5) {
                let error = Error::new(Kind::Busy, format!("could not stop {} `{name}`", self.role.word()), "its process does not end");
                return Err(error.hint(format!("find who holds `{}` open", folder.lock().display())));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Sends SIGTERM; false while it is not known to which process, as it is starting.
    pub(super) fn tell(&self, name: &str) -> Result<bool> {
        let Some(pid) = self.living(name)? else { return Ok(false) };
        let _ = kill(pid, Signal::SIGTERM);
        Ok(true)
    }

    /// Kills the process and all of its group; false while it is not known which.
    pub(super) fn kill(&self, name: &str) -> Result<bool> {
        let Some(pid) = self.living(name)? else { return Ok(false) };
        let _ = killpg(pid, Signal::SIGKILL);
        Ok(true)
    }

    /// A pid may be another's by now, unless its process still holds the lock: so look before each signal.
    fn living(&self, name: &str) -> Result<Option<Pid>> {
        let pid = self.pid(name)?;
        Ok(if self.folder(name).is_alive()? { pid } else { None })
    }

    /// The process: from the child if it is ours, from its own word otherwise. None while it is starting.
    pub(super) fn pid(&self, name: &str) -> Result<Option<Pid>> {
        let ours = self.children().get(name).map(Child::id);
        let pid = match ours {
            Some(pid) => Some(pid),
            None => self.folder(name).progress()?.map(|progress| progress.pid),
        };
        Ok(pid.and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid > 1).map(Pid::from_raw))
    }

    /// Removes the folder of a process that has ended; absent is fine.
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        self.reap();
        let path = self.dir.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::fault("delete", &path, &error)),
            _ => Ok(()),
        }
    }

    fn children(&self) -> MutexGuard<'_, HashMap<String, Child>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn suffix() -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let bytes = uuid::Uuid::new_v4().into_bytes();
    bytes.iter().take(5).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}
