//! The loop of a ScaledObject against a world in memory, on a clock that only the loop moves.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::json;

use super::{
    super::{
        End, Until,
        tests::{Source, World, how, lock, run_as, world},
    },
    *,
};
use crate::core::{
    event::Depth,
    keda::compare::Cause,
    ports::{Sight, Sights},
    settings::ScalingKind,
};

/// A target with no replicas behind a queue of `visible` messages, each of which is worth a replica.
fn object(visible: i64, spec: &Value) -> Arc<World> {
    let world = world(visible, &json!({}));
    let mut object = lock(&world.scaled_job);
    object["kind"] = json!("ScaledObject");
    let fields = object["spec"].as_object_mut().expect("a spec");
    fields.remove("jobTargetRef");
    fields.insert("scaleTargetRef".into(), json!({ "name": "video" }));
    for (key, value) in spec.as_object().into_iter().flatten() {
        fields.insert(key.clone(), value.clone());
    }
    drop(object);
    *lock(&world.replicas) = Some(0);
    world
}

fn watching(seconds: u64) -> Watching {
    Watching { kind: ScalingKind::ScaledObject, lasts: Some(Duration::from_secs(seconds)), ..how(Until::Cancelled) }
}

async fn run_for(world: &Arc<World>, seconds: u64) -> Watched {
    run_as(world, &watching(seconds), &CancellationToken::new()).await.expect("watched")
}

/// What the target was told, in order.
fn scaled(world: &World) -> Vec<(i32, i32, ScaledBy)> {
    let events = lock(&world.events);
    let scaled = events.iter().filter_map(|event| match event.what {
        What::Scaled { from, to, by, .. } => Some((from, to, by)),
        _ => None,
    });
    scaled.collect()
}

fn polls(world: &World) -> usize {
    world.told(|what| matches!(what, What::ObjectPolled { .. }))
}

fn syncs(world: &World) -> usize {
    world.told(|what| matches!(what, What::HpaSynced { .. }))
}

fn annotate(world: &World, annotations: Value) {
    lock(&world.scaled_job)["metadata"]["annotations"] = annotations;
}

/// Does `what` at the `look`th look at the target.
fn at_look(world: &World, look: u32, mut what: impl FnMut(&World) + Send + 'static) {
    let mut looks = 0;
    *lock(&world.step) = Some(Box::new(move |world| {
        looks += 1;
        if looks == look {
            what(world);
        }
    }));
}

#[tokio::test(start_paused = true)]
async fn keda_wakes_the_target_the_hpa_doubles_it_and_when_the_cooldown_is_over_keda_ends_all() {
    let world = object(6, &json!({}));
    at_look(&world, 200, |world| *lock(&world.depth) = Depth::default());
    let how = Watching { lasts: None, until: Until::Drained, ..watching(0) };
    let watched = run_as(&world, &how, &CancellationToken::new()).await.expect("watched");
    let by = [(0, 1, ScaledBy::Keda), (1, 4, ScaledBy::Hpa), (4, 6, ScaledBy::Hpa), (6, 0, ScaledBy::Keda)];
    assert_eq!((scaled(&world), watched.end), (by.to_vec(), End::Drained));
    assert!(watched.seconds > 300.0, "the cooldown lasts five minutes, {watched:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_sync_is_one_period_after_the_first_poll_and_both_go_on_in_their_own_time() {
    let world = object(1, &json!({}));
    run_for(&world, 14).await;
    assert_eq!((polls(&world), syncs(&world)), (2, 0));
    run_for(&world, 46).await;
    assert_eq!((polls(&world), syncs(&world)), (2 + 5, 3));
}

#[tokio::test(start_paused = true)]
async fn a_faster_watch_makes_every_time_shorter() {
    let world = object(0, &json!({ "cooldownPeriod": 200 }));
    *lock(&world.replicas) = Some(2);
    lock(&world.depth).visible = 2;
    let fast = |millis: u64| Watching { pace: 10.0, lasts: Some(Duration::from_millis(millis)), ..watching(0) };
    run_as(&world, &fast(2_900), &CancellationToken::new()).await.expect("watched");
    assert_eq!((polls(&world), syncs(&world)), (3, 1));
    // The clock that tests do not move is behind: it was active two seconds from now.
    *lock(&world.depth) = Depth::default();
    run_as(&world, &fast(21_500), &CancellationToken::new()).await.expect("watched");
    assert_eq!(scaled(&world), []);
    run_as(&world, &fast(23_500), &CancellationToken::new()).await.expect("watched");
    assert_eq!(scaled(&world), [(2, 0, ScaledBy::Keda)]);
}

#[tokio::test(start_paused = true)]
async fn the_cooldown_outlasts_the_watch_that_began_it() {
    let world = object(0, &json!({ "cooldownPeriod": 100 }));
    *lock(&world.replicas) = Some(2);
    let active = Timestamp::now() - jiff::SignedDuration::from_secs(80);
    lock(&world.scaled_job)["status"] = json!({ "lastActiveTime": format!("{active:.0}") });
    run_for(&world, 15).await;
    assert_eq!(scaled(&world), [], "it still lasts");
    assert_eq!(lock(&world.scaled_job)["status"]["lastActiveTime"], format!("{active:.0}"), "and is kept");
    let conditions = lock(&world.scaled_job)["status"]["conditions"].clone();
    let active = conditions.as_array().and_then(|all| all.iter().find(|one| one["type"] == "Active")).cloned().unwrap_or_default();
    assert_eq!((&active["status"], &active["reason"]), (&json!("False"), &json!("ScalerCooldown")));
    run_for(&world, 35).await;
    assert_eq!(scaled(&world), [(2, 0, ScaledBy::Keda)]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_too_often_is_replaced_by_the_fallback_and_polls_and_syncs_count_together() {
    let world = object(5, &json!({ "fallback": { "failureThreshold": 3, "replicas": 3 } }));
    // Each time it is asked twice.
    lock(&world.faults).extend(["throttled"; 2 * 9]);
    run_for(&world, 12).await;
    assert_eq!(scaled(&world), [], "two failures are borne");
    run_for(&world, 25).await;
    assert_eq!(scaled(&world), [(0, 1, ScaledBy::Keda), (1, 3, ScaledBy::Hpa)]);
    let read_as_failed = |what: &What| matches!(what, What::ObjectPolled { why, .. } if why.contains("the fallback says 3"));
    assert!(world.told(read_as_failed) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_fails_without_a_fallback_leaves_the_target_alone() {
    let world = object(0, &json!({}));
    *lock(&world.replicas) = Some(3);
    lock(&world.faults).extend(["throttled"; 200]);
    run_for(&world, 59).await;
    assert_eq!((scaled(&world), polls(&world)), (Vec::new(), 6));
    assert!(syncs(&world) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_at_a_number_of_replicas_sets_it_and_the_hpa_is_new_when_it_ends() {
    let world = object(6, &json!({}));
    annotate(&world, json!({ "autoscaling.keda.sh/paused-replicas": "2" }));
    run_for(&world, 40).await;
    assert_eq!((scaled(&world), polls(&world), syncs(&world)), (vec![(0, 2, ScaledBy::Pause)], 0, 0));
    at_look(&world, 12, |world| annotate(world, json!({})));
    run_for(&world, 35).await;
    assert_eq!(scaled(&world)[1..], [(2, 4, ScaledBy::Hpa)], "one sync fits in");
    assert_eq!(world.told(|what| matches!(what, What::Paused { .. })), 3);
}

#[tokio::test(start_paused = true)]
async fn scaling_in_or_out_that_is_paused_does_not_happen() {
    let out = object(6, &json!({}));
    annotate(&out, json!({ "autoscaling.keda.sh/paused-scale-out": "true" }));
    *lock(&out.replicas) = Some(1);
    run_for(&out, 60).await;
    assert_eq!(scaled(&out), []);
    let into = object(0, &json!({ "cooldownPeriod": 0 }));
    annotate(&into, json!({ "autoscaling.keda.sh/paused-scale-in": "true" }));
    *lock(&into.replicas) = Some(5);
    let how = Watching { until: Until::Drained, ..watching(60) };
    let watched = run_as(&into, &how, &CancellationToken::new()).await.expect("watched");
    assert_eq!((scaled(&into), watched.end), (Vec::new(), End::Drained), "nobody will end them");
}

#[tokio::test(start_paused = true)]
async fn who_only_looks_scales_nothing() {
    let world = object(6, &json!({}));
    *lock(&world.holder) = Some("process 7".into());
    run_for(&world, 40).await;
    assert_eq!((scaled(&world), polls(&world), syncs(&world)), (Vec::new(), 0, 0));
    assert!(lock(&world.scaled_job)["status"].is_null(), "nor does it write");
}

#[tokio::test(start_paused = true)]
async fn without_a_target_the_watch_says_what_to_run() {
    let world = object(6, &json!({}));
    *lock(&world.replicas) = None;
    let error = run_as(&world, &watching(5), &CancellationToken::new()).await.expect_err("there is nothing to scale");
    assert_eq!(error.kind, Kind::NotFound);
    assert!(error.to_string().contains("Deployment `video`") && error.hint.is_some_and(|hint| hint.contains("setup --kind")));
}

#[tokio::test(start_paused = true)]
async fn what_only_pods_tell_keeps_its_bounds_and_that_is_said() {
    let cpu = json!([{ "type": "cpu", "metricType": "Utilization", "metadata": { "value": "50" } }]);
    let world = object(6, &json!({ "minReplicaCount": 2, "triggers": cpu }));
    run_for(&world, 60).await;
    assert_eq!(scaled(&world), [(0, 2, ScaledBy::Keda)]);
    let honest = |what: &What| matches!(what, What::Warning { message } if message.contains("only a cluster's metrics API knows"));
    assert_eq!(world.told(honest), 1);
}

#[tokio::test(start_paused = true)]
async fn cached_metrics_are_those_of_the_last_poll() {
    let trigger = |cached: bool| {
        let metadata = json!({ "queueURL": "q", "queueLength": "1", "awsRegion": "us-east-1" });
        json!([{ "type": "aws-sqs-queue", "useCachedMetrics": cached, "metadata": metadata }])
    };
    for (cached, expected) in [(true, vec![(0, 1, ScaledBy::Keda)]), (false, vec![(0, 1, ScaledBy::Keda), (1, 3, ScaledBy::Hpa)])] {
        let world = object(1, &json!({ "pollingInterval": 60, "triggers": trigger(cached) }));
        at_look(&world, 8, |world| lock(&world.depth).visible = 3);
        run_for(&world, 40).await;
        assert_eq!(scaled(&world), expected, "cached: {cached}");
    }
}

/// A ScaledObject that KEDA is content with.
struct Content;

impl Sights for Content {
    fn follow(&self, _kind: ScalingKind, _name: &str) -> BoxStream<'static, Result<Sight>> {
        let said = |text: &str| text.to_owned();
        let seen = Sight::Conditions { ready: said("True/ScaledObjectReady"), active: said("True/ScalerActive"), paused: said("False") };
        stream::iter([Ok(seen)]).chain(stream::pending()).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn what_keda_and_its_hpa_do_as_the_rules_say_agrees_and_this_process_does_nothing() {
    let world = object(6, &json!({}));
    let mut looks = 0;
    *lock(&world.step) = Some(Box::new(move |world| {
        looks += 1;
        match looks {
            8 => *lock(&world.replicas) = Some(1),
            22 => *lock(&world.replicas) = Some(4),
            _ => {}
        }
    }));
    let scalers = Source(world.clone());
    let ports = Ports { objects: &*world, jobs: &*world, workloads: &*world, lease: &*world, scalers: &scalers, reporter: &*world };
    let watched = follow(ports, &Content, &watching(25), &CancellationToken::new()).await.expect("followed");
    assert_eq!(watched.end, End::Lasted);
    assert_eq!(scaled(&world), [(0, 1, ScaledBy::Cluster), (1, 4, ScaledBy::Cluster)]);
    let agrees = |what: &What| matches!(what, What::ReplicasCompared { cause: Cause::Same | Cause::Phase, .. });
    let compared = world.told(|what| matches!(what, What::ReplicasCompared { .. }));
    assert_eq!((compared > 2, world.told(agrees)), (true, compared));
    assert!(lock(&world.scaled_job)["status"].is_null(), "nor does it write");
}
