//! The work as any command: the message on stdin and in the environment, an artifact in a file; its exit code decides.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::files,
    core::{
        error::{Error, Kind, Result},
        ports::{Artifact, Received, Work},
        work::{Request, summary},
    },
};

/// The longest text that is passed in a variable, in bytes: Linux takes 128 KiB. A longer one is only on stdin.
const LONGEST_VARIABLE: usize = 100 * 1024;

/// Runs a command for each message, never through a shell.
#[derive(Debug, Clone)]
pub struct CommandWork {
    program: PathBuf,
    words: Vec<String>,
    scratch: PathBuf,
    grace: Duration,
}

impl CommandWork {
    /// The work of running `words`, the program first. Its artifact is written under `scratch`, a folder that is made when needed and
    /// removed afterwards.
    ///
    /// # Errors
    /// `Input` when there is no such program: better now than with a message in hand.
    pub fn new(words: Vec<String>, scratch: PathBuf) -> Result<Self> {
        let Some(name) = words.first() else {
            return Err(Error::input("command", "", "a program must follow `--`"));
        };
        let program = program(name).map_err(|error| error.hint("name a program: kedactl consume -- ./examples/encode.sh"))?;
        Ok(Self { program, words, scratch, grace: Duration::from_secs(5) })
    }

    fn spawn(&self, message: &Received, output: &Path) -> Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(&self.words[1..]);
        let request = Request::parse(&message.body).unwrap_or_default();
        let variables = [
            ("KEDACTL_MESSAGE_ID", Some(&message.message_id)),
            ("KEDACTL_MESSAGE_BODY", Some(&message.body)),
            ("VIDEO", request.video.as_ref()),
            ("QUALITY", request.quality.as_ref()),
        ];
        for (name, value) in variables {
            match value.filter(|value| value.len() <= LONGEST_VARIABLE && !value.contains('\0')) {
                Some(value) => command.env(name, value),
                // Not what the consumer itself may have inherited.
                None => command.env_remove(name),
            };
        }
        command
            .env("KEDACTL_OUTPUT", output)
            .stdin(Stdio::piped())
            // The consumer's stdout is its result; what the command says is a remark.
            .stdout(Stdio::from(io::stderr()))
            .process_group(0)
            .kill_on_drop(true);
        command.spawn().map_err(|error| Error::failed(format!("could not start `{}`", self.words[0]), error))
    }
}

#[async_trait]
impl Work for CommandWork {
    async fn run(&self, message: &Received, stop: &CancellationToken) -> Result<Artifact> {
        let begun = Instant::now();
        files::private_dir(&self.scratch)?;
        let scratch = Scratch(&self.scratch);
        let output = scratch.0.join("output");
        let mut child = self.spawn(message, &output)?;
        let mut group = Group::of(&child);
        let stdin = child.stdin.take();
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A command may end without having read its message.
                let _ = stdin.write_all(message.body.as_bytes()).await;
            }
        };
        let ended = async {
            tokio::select! {
                status = child.wait() => status,
                () = feed => child.wait().await,
            }
        };
        let status = tokio::select! {
            status = ended => status.map_err(|error| Error::failed(format!("could not wait for `{}`", self.words[0]), error))?,
            () = stop.cancelled() => {
                group.signal(Signal::SIGTERM);
                let _ = timeout(self.grace, child.wait()).await;
                drop(group);
                let _ = child.wait().await;
                return Err(Error::new(Kind::Interrupted, "the work was stopped", ""));
            }
        };
        // It ended by itself: whatever it left running on purpose is its own affair.
        group.0 = None;
        if !status.success() {
            return Err(Error::failed(format!("`{}` failed", self.words[0]), status));
        }
        match fs::read(&output) {
            Ok(content) => {
                let request = Request::parse(&message.body).unwrap_or_default();
                Ok(Artifact { extension: request.extension().unwrap_or_default().to_owned(), content })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(summary(message, &self.words[0], begun.elapsed())),
            Err(error) => Err(files::fault("read", &output, &error)),
        }
    }
}

/// The command's process group. What is left of it is killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            let _ = killpg(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// Removed when dropped, however the work ends.
struct Scratch<'a>(&'a Path);

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0);
    }
}

/// The path of the program called `name`.
///
/// # Errors
/// `Input` when there is no such program.
pub(super) fn program(name: &str) -> Result<PathBuf> {
    find(name).ok_or_else(|| {
        let why = if name.contains('/') { "there is no such file, or it may not be run" } else { "it is not on the PATH" };
        Error::input("command", name, why)
    })
}

/// Finds a program as a shell would: a name with a slash is a path, any other is looked for on the PATH.
fn find(name: &str) -> Option<PathBuf> {
    use nix::unistd::{AccessFlags, access};
    let runs = |path: &PathBuf| path.is_file() && access(path, AccessFlags::X_OK).is_ok();
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(runs);
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(name)).find(runs)
}

#[cfg(test)]
mod tests;
