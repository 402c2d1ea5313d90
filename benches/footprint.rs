//! Start-up time and peak memory of `kedactl status`, memory of a watching process, and what the demo costs over its own work.
//!
//! `cargo bench --bench footprint`. Start-up is given beside that of `/bin/true`, started the same way in the same run.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[expect(dead_code, reason = "the benches share it, each uses a part")]
mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use support::{kedactl, median};

const STARTS: usize = 50;

fn main() {
    let state = tempfile::tempdir().expect("the temporary directory is writable");
    run(kedactl(state.path()).args(["setup"]));
    start_up(state.path());
    watching(state.path());
    demo();
}

/// Target: under 15 ms.
fn start_up(state: &Path) {
    let status = || {
        let mut command = kedactl(state);
        command.arg("status");
        command
    };
    let ours = median((0..STARTS).map(|_| milliseconds(status())).collect());
    let nothing = median((0..STARTS).map(|_| milliseconds(Command::new("/bin/true"))).collect());
    println!("status: {ours:.1} ms from start to end, /bin/true {nothing:.1} ms (target: under 15 ms)");
    let peak = (0..5).map(|_| peak_of(status())).fold(0.0, f64::max);
    println!("status: {:.1} MB of memory at most", peak / 1024.0);
}

/// Target: under 40 MB while it watches ten jobs.
fn watching(state: &Path) {
    run(kedactl(state).args(["produce", "--count", "10"]));
    let peak = peak_of({
        let mut command = kedactl(state);
        command.args(["watch", "--pace", "10"]);
        command
    });
    println!("watch: {:.1} MB of memory at most (target: under 40 MB)", peak / 1024.0);
}

/// Target: under 1 s over the work itself, which is 30 s divided by the pace.
fn demo() {
    for pace in [10, 30] {
        let overheads = (0..5).map(|_| {
            let state = tempfile::tempdir().expect("the temporary directory is writable");
            let begun = Instant::now();
            run(kedactl(state.path()).args(["demo", "--pace", &pace.to_string()]));
            begun.elapsed().as_secs_f64() - 30.0 / f64::from(pace)
        });
        println!("demo --pace {pace}: {:.2} s over the work itself (target: under 1 s)", median(overheads.collect()));
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("the binary starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn milliseconds(mut command: Command) -> f64 {
    let begun = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the program starts");
    assert!(status.success(), "{command:?}");
    begun.elapsed().as_secs_f64() * 1000.0
}

/// The high-water mark of the process's resident memory in KiB, read until it ends.
fn peak_of(mut command: Command) -> f64 {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
    let path = format!("/proc/{}/status", child.id());
    let mut peak: f64 = 0.0;
    loop {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak = peak.max(mark.unwrap_or(0.0));
        if let Some(status) = child.try_wait().expect("our own child can be waited for") {
            assert!(status.success(), "{command:?} ended with {status}");
            return peak;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}
