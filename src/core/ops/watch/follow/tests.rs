//! KEDA as a stream of sights, on a clock that only the loop moves.

use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::json;
use std::{sync::Arc, time::Duration};

use super::{
    super::tests::{Source, World, how, lock, world},
    *,
};
use crate::core::{event::JobState, keda::compare::Cause};

/// Sights, each after so many seconds.
struct Script(Vec<(u64, Sight)>);

impl Sights for Script {
    fn follow(&self, _kind: ScalingKind, _name: &str) -> BoxStream<'static, Result<Sight>> {
        let start = Instant::now();
        let sights = stream::iter(self.0.clone()).then(move |(second, sight)| async move {
            sleep_until(start + Duration::from_secs(second)).await;
            Ok(sight)
        });
        sights.chain(stream::pending()).boxed()
    }
}

fn status(ready: &str) -> Sight {
    Sight::Conditions { ready: ready.into(), active: "True/ScalerActive".into(), paused: "False".into() }
}

fn jobs(count: usize, state: JobState) -> Sight {
    Sight::Jobs((0..count).map(|number| World::job(&format!("video-{number}"), state, 1)).collect())
}

async fn run(world: &Arc<World>, seconds: u64, script: Vec<(u64, Sight)>) -> Result<Watched> {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        stop.cancel();
    });
    let scalers = Source(world.clone());
    let ports = Ports { objects: &**world, jobs: &**world, workloads: &**world, lease: &**world, scalers: &scalers, reporter: &**world };
    follow(ports, &Script(script), &how(Until::Drained), &cancel).await
}

fn compared(world: &World) -> Vec<(i64, i64, Cause)> {
    let events = lock(&world.events);
    let found = events.iter().filter_map(|event| match &event.what {
        What::Compared { expected, created, cause, .. } => Some((*expected, *created, *cause)),
        _ => None,
    });
    found.collect()
}

#[tokio::test(start_paused = true)]
async fn what_keda_does_as_the_rules_say_agrees_and_the_end_is_drained() {
    let world = world(3, &json!({}));
    let seen = world.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(12)).await;
        lock(&seen.depth).visible = 0;
    });
    let script = vec![
        (0, status("True/ScaledJobReady: defined")),
        (0, jobs(0, JobState::Pending)),
        (2, jobs(3, JobState::Running)),
        (13, jobs(3, JobState::Complete)),
    ];
    let watched = run(&world, 60, script).await.expect("followed");
    assert_eq!(watched.end, End::Drained);
    assert_eq!(compared(&world), [(3, 3, Cause::Same)]);
    assert_eq!(world.told(|what| matches!(what, What::JobCreated { .. })), 3);
    assert_eq!(lock(&world.jobs).len(), 0, "nothing is created here");
}

#[tokio::test(start_paused = true)]
async fn a_keda_that_says_why_it_creates_nothing_is_quoted() {
    let world = world(3, &json!({}));
    let failed =
        Sight::Said { object: "ScaledJob/video".into(), reason: "KEDAScalerFailed".into(), note: "access denied".into(), warning: true };
    let script = vec![(0, status("Unknown")), (0, jobs(0, JobState::Pending)), (5, status("False/TriggerError: broken")), (6, failed)];
    run(&world, 15, script).await.expect("followed");
    assert_eq!(compared(&world), [(3, 0, Cause::ScalerFailed)]);
    assert_eq!(world.told(|what| matches!(what, What::ClusterEvent { warning: true, .. })), 1);
}

#[tokio::test(start_paused = true)]
async fn a_scaled_job_that_is_deleted_ends_it() {
    let world = world(1, &json!({}));
    let seen = world.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        lock(&seen.scaled_job)["metadata"]["name"] = json!("other");
    });
    let script = vec![(0, jobs(0, JobState::Pending)), (4, Sight::Gone)];
    let error = run(&world, 60, script).await.expect_err("it is gone");
    assert_eq!(error.kind, Kind::NotFound);
}
