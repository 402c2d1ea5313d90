//! One run of the binary: its output as it comes, signals, and a deadline.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{PATIENCE, wait_for};

/// What a finished run left behind.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// Exit code; absent when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Everything written to standard output.
    pub(crate) stdout: String,
    /// Everything written to standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// Standard output as one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is not one JSON document ({error}):\n{self}"))
    }

    /// Standard output as JSON lines.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("`{line}` is not JSON ({error})"));
        self.stdout.lines().map(parse).collect()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// A run that may not have ended. Dropping it kills it.
pub(crate) struct Running {
    name: String,
    child: Child,
    stdout: Captured,
    stderr: Captured,
}

impl Running {
    /// Starts `command` with `input` on its standard input.
    pub(crate) fn start(mut command: Command, input: &[u8]) -> Self {
        let name = format!("{command:?}");
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{name} starts: {error}"));
        let mut stdin = child.stdin.take().expect("piped above");
        let input = input.to_vec();
        std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let stdout = Captured::of(child.stdout.take().expect("piped above"));
        let stderr = Captured::of(child.stderr.take().expect("piped above"));
        Self { name, child, stdout, stderr }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// What it has written to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// Waits until a line of its output satisfies `wanted`, and returns what that made of the line.
    pub(crate) fn line<T>(&mut self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        wait_for(what, || {
            let found = [self.stdout(), self.stderr()].iter().find_map(|text| text.lines().find_map(&wanted));
            if found.is_none() && self.has_ended() {
                // The last lines may arrive after the process has gone.
                let text = [self.stdout.wait(), self.stderr.wait()];
                let found = text.iter().find_map(|text| text.lines().find_map(&wanted));
                assert!(found.is_some(), "{} ended before {what}:\n{}", self.name, text.join("\n--- stderr\n"));
                return found;
            }
            found
        })
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.status().is_some()
    }

    fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child can be waited for")
    }

    /// Sends `signal`. A process that has ended is left alone.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if !self.has_ended() {
            let pid = Pid::from_raw(self.id().try_into().expect("a process id fits"));
            kill(pid, signal).expect("our own child can be signalled");
        }
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it runs longer than [`PATIENCE`], or when a process that it left behind still holds its output.
    pub(crate) fn wait(mut self) -> Output {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.status() {
                break status;
            }
            if Instant::now() > deadline {
                self.kill();
                panic!("{} still ran after {} s:\n{}\n{}", self.name, PATIENCE.as_secs(), self.stdout(), self.stderr());
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        Output { code: status.code(), stdout: self.stdout.wait(), stderr: self.stderr.wait() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The text of one output stream, gathered by a thread.
struct Captured {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Captured {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let sink = text.clone();
        let reader = std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                sink.lock().expect("no reader panics").push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        self.text.lock().expect("no reader panics").clone()
    }

    /// Everything, after the process has ended.
    fn wait(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            let deadline = Instant::now() + Duration::from_secs(10);
            while !reader.is_finished() {
                assert!(Instant::now() < deadline, "a process that was left behind still holds the output");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.so_far()
    }
}
