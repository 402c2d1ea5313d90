//! What the tests share: a stack of their own, the real binary, waits with a deadline, and skips that are counted.

mod cluster;
mod eks;
mod faulty;
mod process;
mod scrape;
mod server;
mod stack;

use std::{
    env,
    io::Write,
    time::{Duration, Instant},
};

pub(crate) use cluster::{Detour, Space};
pub(crate) use eks::{Eks, Seen};
pub(crate) use faulty::{Fault, Faulty};
pub(crate) use process::{Output, Running};
pub(crate) use scrape::{Page, get};
pub(crate) use server::Server;
pub(crate) use stack::{BINARY, Stack};

/// How long anything may take before a test fails: generous, for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not hold within [`PATIENCE`]; `what` names the condition.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Waits until `look` finds something, and returns it.
///
/// # Panics
/// When nothing is found within [`PATIENCE`]; `what` names what was looked for.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "gave up after {} s waiting until {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Records that the calling test could not run here, so that the closing line of `tests/run` counts it as skipped.
///
/// Use it as `return skipped("no moto server");`.
#[expect(clippy::print_stderr, reason = "the test runner shows it")]
pub(crate) fn skipped(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("unnamed test");
    eprintln!("skipped {test}: {reason}");
    if let Some(path) = env::var_os("KEDACTL_SKIPS") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("KEDACTL_SKIPS names a writable file");
        writeln!(file, "{test}\t{reason}").expect("KEDACTL_SKIPS is writable");
    }
}

/// The address of moto's server, when `tests/run` started one.
pub(crate) fn moto_url() -> Option<String> {
    env::var("KEDACTL_MOTO_URL").ok().filter(|url| !url.is_empty())
}
