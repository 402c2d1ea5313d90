//! One process that scales two thousand ScaledJobs polled every ten seconds: `run -f` beside the naive way, both over HTTP to the
//! embedded service with a round trip as AWS has it.
//!
//! `cargo bench --bench objects`. The naive way polls everything at the same moment, asks once for each trigger and has an SDK client
//! for each; all else is the same code. `KEDACTL_BENCH_OBJECTS` and `KEDACTL_BENCH_SECONDS` say other numbers.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[expect(dead_code, reason = "the benches share it, each uses a part")]
mod support;

mod many;

use many::{Figures, Shape, Way, measure, naive};

fn main() {
    // The naive way is this very program, started again: its memory and its time are its own then.
    if let Some(manifest) = std::env::var_os("KEDACTL_BENCH_NAIVE") {
        return naive::run(manifest.as_ref());
    }
    let objects = number("KEDACTL_BENCH_OBJECTS", 2000);
    let seconds = number("KEDACTL_BENCH_SECONDS", 40);
    println!("{objects} ScaledJobs, a poll every 10 s, {seconds} s each, {} ms to AWS and back", many::ROUND_TRIP.as_millis());
    for shape in [Shape { objects, queues: objects }, Shape { objects, queues: objects.div_ceil(5) }] {
        println!("\n{} queues\n{}", shape.queues, Figures::HEADER);
        let ours = measure(shape, seconds, Way::Run);
        println!("{}", ours.row("kedactl run"));
        let theirs = measure(shape, seconds, Way::Naive);
        println!("{}", theirs.row("naive"));
        println!("{}", ours.over(&theirs));
        if shape.queues == objects {
            println!("{}", measure(shape, seconds, Way::Embedded).row("run, AWS in process"));
        }
    }
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
