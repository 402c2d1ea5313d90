//! The embedded AWS services on a loopback port, as `kedactl local serve` offers them.

use super::{process::Running, stack::Stack};

/// A running `kedactl local serve`. Dropping it ends it.
pub(crate) struct Server {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The process.
    pub(crate) process: Running,
}

impl Server {
    /// Starts it on a free port and waits until it listens.
    pub(crate) fn start(stack: &Stack) -> Self {
        let mut process = stack.spawn(["local", "serve", "--listen", "127.0.0.1:0"]);
        let url = process.line("the server says where it listens", address);
        Self { url, process }
    }
}

/// The first loopback address in `line`.
fn address(line: &str) -> Option<String> {
    let rest = &line[line.find("http://127.0.0.1:")?..];
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ":/.".contains(c))).unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches(['/', '.']).to_owned())
}
