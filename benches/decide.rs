//! How long one decision of the scaler takes, for one trigger and for ten, with every strategy.
//!
//! `cargo bench --bench decide`.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{hint::black_box, time::Instant};

use kedactl::core::keda::{
    bounds::Bounds,
    decision::{Parts, Rules, TriggerReading, decide},
    jobs::Counts,
    strategy::Strategy,
};

const DECISIONS: u32 = 200_000;

fn main() {
    for strategy in ["default", "custom", "accurate", "eager"] {
        for triggers in [1, 10] {
            println!("{strategy:<10}{triggers:>3} triggers{:>8.0} ns per decision", nanoseconds(strategy, triggers));
        }
    }
}

fn nanoseconds(strategy: &str, triggers: usize) -> f64 {
    let rules = Rules {
        bounds: Bounds::new(Some(0), Some(100)),
        strategy: Strategy::select(Some(strategy), Some(1), Some("0.5")),
        ..Rules::default()
    };
    let readings: Vec<TriggerReading> = (0..triggers).map(reading).collect();
    let begun = Instant::now();
    for running in 0..DECISIONS {
        let jobs = Counts { running: i64::from(running % 20), pending: i64::from(running % 3) };
        black_box(decide(black_box(&rules), black_box(&readings), black_box(jobs)));
    }
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(DECISIONS)
}

fn reading(index: usize) -> TriggerReading {
    TriggerReading {
        metric: format!("s{index}-aws-sqs-test-queue"),
        value: 10.0,
        target: 1.0,
        active: true,
        activation: Some(0.0),
        parts: Some(Parts { visible: 10, in_flight: Some(0), delayed: None }),
        counted: None,
        error: None,
    }
}
