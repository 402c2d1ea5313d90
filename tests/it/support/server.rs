//! The embedded AWS services on a port, as `kedactl local serve` offers them.

use super::{process::Running, stack::Stack};

/// A running `kedactl local serve`. Dropping it ends it.
pub(crate) struct Server {
    /// Where it listens: `http://HOST:PORT`.
    pub(crate) url: String,
    /// The process.
    pub(crate) process: Running,
}

impl Server {
    /// Starts it on a free port and waits until it listens.
    pub(crate) fn start(stack: &Stack) -> Self {
        Self::running(stack.spawn(["local", "serve", "--listen", "127.0.0.1:0"]))
    }

    /// The same on another address of this machine, such as one that pods can reach.
    pub(crate) fn reachable(stack: &Stack, host: &str) -> Self {
        Self::running(stack.spawn(["local", "serve", "--allow-remote", "--listen", &format!("{host}:0")]))
    }

    fn running(mut process: Running) -> Self {
        let url = process.line("the server says where it listens", address);
        Self { url, process }
    }
}

/// The first address in `line`.
fn address(line: &str) -> Option<String> {
    let rest = &line[line.find("http://")?..];
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ":/.".contains(c))).unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches(['/', '.']).to_owned())
}
