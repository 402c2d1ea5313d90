//! What the benches share: the binary on a fresh state directory, peers found or started, medians.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// The release binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_kedactl");

/// The binary over `state`, in an environment that holds nothing else.
pub(crate) fn kedactl(state: &std::path::Path) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().env("KEDACTL_STATE_DIR", state).env("NO_COLOR", "1").current_dir(state);
    command
}

/// A server process; dropping it ends it.
pub(crate) struct Server {
    /// What it is, as the table names it.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) url: String,
    child: Child,
}

impl Server {
    /// Starts `command` and waits until its output names a loopback address; `None`, with a line, when it does not.
    pub(crate) fn start(name: &'static str, mut command: Command) -> Option<Self> {
        let mut child = match command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
            Ok(child) => child,
            Err(error) => {
                println!("{name}: skipped, it does not start ({error})");
                return None;
            }
        };
        let (tell, hear) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            read(stdout, tell.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            read(stderr, tell);
        }
        let Ok(url) = hear.recv_timeout(Duration::from_secs(30)) else {
            println!("{name}: skipped, it does not say where it listens");
            let _ = child.kill();
            let _ = child.wait();
            return None;
        };
        Some(Self { name, url, child })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads `stream` to its end, so that the process never blocks on it, and tells the first address that it names.
fn read(stream: impl std::io::Read + Send + 'static, tell: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some(url) = address(&line) {
                let _ = tell.send(url);
            }
        }
    });
}

fn address(line: &str) -> Option<String> {
    let at = line.find("127.0.0.1:").or_else(|| line.find("0.0.0.0:"))?;
    let port: String = line[line[at..].find(':')? + at + 1..].chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("http://127.0.0.1:{port}"))
}

/// The program called `name` in the repository's Python environment, in `$KEDACTL_PEERS/bin`, or on the path.
pub(crate) fn peer(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let peers = std::env::var_os("KEDACTL_PEERS").map(|dir| PathBuf::from(dir).join("bin"));
    let places = [Some(root.join(".venv/bin")), peers];
    places.into_iter().flatten().map(|dir| dir.join(name)).find(|path| path.exists()).unwrap_or_else(|| PathBuf::from(name))
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// The middle of `values`.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
