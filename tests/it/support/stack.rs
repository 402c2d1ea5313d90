//! A stack of a test's own: a fresh state directory and an environment that holds nothing else.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::process::{Output, Running};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_kedactl");

/// A fresh state directory. Dropping it ends every process that still uses it, then removes it.
pub(crate) struct Stack {
    state: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Stack {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let state = tempfile::Builder::new().prefix("kedactl-test-").tempdir().expect("the temporary directory is writable");
        Self { state, environment: Vec::new() }
    }

    /// One on which `setup` has run, with quick work and quick polls.
    pub(crate) fn ready() -> Self {
        let stack = Self::new();
        stack.ok(["setup", "--work-seconds", "1"]);
        stack
    }

    /// Adds an environment variable to every run.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The state directory.
    pub(crate) fn dir(&self) -> &Path {
        self.state.path()
    }

    /// The folder of the default stack.
    pub(crate) fn stack_dir(&self) -> PathBuf {
        self.dir().join("stacks/demo")
    }

    /// The binary with `args`, in a clean environment: no HOME, no AWS variables, no colour.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.program(BINARY, args)
    }

    /// `program` with `args`, in the same clean environment.
    pub(crate) fn program<S: AsRef<OsStr>>(&self, program: impl AsRef<OsStr>, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().current_dir(self.dir());
        for kept in ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command.env("NO_COLOR", "1").env("KEDACTL_STATE_DIR", self.dir());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs to the end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.spawn(args).wait()
    }

    /// Runs to the end with `input` on standard input.
    pub(crate) fn feed<S: AsRef<OsStr>>(&self, input: impl AsRef<[u8]>, args: impl IntoIterator<Item = S>) -> Output {
        Running::start(self.command(args), input.as_ref()).wait()
    }

    /// Runs to the end, which must be exit code 0.
    pub(crate) fn ok<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        let command = self.command(args);
        let name = format!("{:?}", command.get_args().collect::<Vec<_>>());
        let output = Running::start(command, b"").wait();
        assert_eq!(output.code, Some(0), "{name}: {output}");
        output
    }

    /// Runs with `--output json`, which must end with exit code 0 and one document.
    pub(crate) fn json<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> serde_json::Value {
        self.ok(args.into_iter().chain(["--output", "json"])).json()
    }

    /// Starts a run.
    pub(crate) fn spawn<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Running {
        Running::start(self.command(args), b"")
    }

    /// Every event that the journal of the default stack holds, in the order of its files.
    pub(crate) fn journal(&self) -> Vec<serde_json::Value> {
        let entries = fs::read_dir(self.stack_dir().join("journal")).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
        texts.flat_map(|text| text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<_>>()).collect()
    }

    /// Every file below the state directory.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// The processes of [`Stack::processes`] that are consumers.
    pub(crate) fn consumers(&self) -> Vec<i32> {
        let is_consumer = |pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|word| word == b"consume")
        };
        self.processes().into_iter().filter(is_consumer).collect()
    }

    /// The processes that use this state directory, as the operating system lists them.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let needle = format!("KEDACTL_STATE_DIR={}\0", self.dir().display());
        let uses = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.windows(needle.len()).any(|window| window == needle.as_bytes())
        };
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(uses).collect()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for pid in self.processes() {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
}
