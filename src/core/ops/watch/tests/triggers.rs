//! Triggers that fail, cannot be built, or ask for what cannot be.

use super::*;

fn other(kind: &str) -> Value {
    json!({ "triggers": [{ "type": kind, "metadata": {} }] })
}

#[tokio::test(start_paused = true)]
async fn a_failing_trigger_is_asked_twice_in_one_poll_and_the_next_poll_recovers() {
    let world = world(3, &json!({}));
    lock(&world.faults).extend(["throttled", "throttled"]);
    run_for(&world, 15).await;
    assert_eq!(*lock(&world.reads), 3);
    assert_eq!(world.told(|what| matches!(what, What::ScalerFailed { .. })), 1);
    assert_eq!(created(&world), 3);
}

#[tokio::test(start_paused = true)]
async fn one_fault_is_forgiven_within_the_poll() {
    let world = world(3, &json!({}));
    lock(&world.faults).push_back("reset");
    run_for(&world, 5).await;
    assert_eq!((created(&world), world.told(|what| matches!(what, What::ScalerFailed { .. }))), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_cannot_be_built_still_fills_the_minimum() {
    let trigger = json!([{ "type": "aws-sqs-queue", "metadata": { "queueURL": "broken" } }]);
    let world = world(5, &json!({ "minReplicaCount": 2, "triggers": trigger }));
    run_for(&world, 5).await;
    assert_eq!(created(&world), 2);
    assert_eq!(world.told(|what| matches!(what, What::ScalerFailed { .. })), 1);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_asks_for_what_cannot_be_ends_the_watch_at_the_start_only() {
    let wrong = json!([{ "type": "aws-sqs-queue", "metadata": { "queueURL": "wrong" } }]);
    let first = world(1, &json!({ "triggers": wrong }));
    lock(&first.jobs).push(World::job("old", JobState::Running, 0));
    let error = run(&first, Until::Drained, &CancellationToken::new()).await.expect_err("refused");
    assert_eq!((error.exit_code(), created(&first), lock(&first.deleted).len()), (2, 0, 0));

    let later = world(0, &json!({}));
    *lock(&later.step) = Some(Box::new(move |world| {
        let mut object = lock(&world.scaled_job);
        object["spec"]["triggers"] = wrong.clone();
        object["metadata"]["generation"] = json!(2);
    }));
    run_for(&later, 15).await;
    assert!(later.told(|what| matches!(what, What::ScalerFailed { .. })) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_without_a_queue_keeps_the_watch_going_while_it_is_active() {
    let world = world(0, &other("aws-cloudwatch"));
    *lock(&world.shards) = 1.0;
    let mut looks = 0;
    *lock(&world.step) = Some(Box::new(move |world| {
        looks += 1;
        if looks == 8 {
            world.finish_all();
            *lock(&world.shards) = 0.0;
        }
    }));
    let watched = run(&world, Until::Drained, &CancellationToken::new()).await.expect("watched");
    assert_eq!((watched.end, polls(&world), created(&world)), (End::Drained, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn who_only_looks_asks_a_trigger_without_a_queue_too_before_it_says_drained() {
    let world = world(0, &other("aws-cloudwatch"));
    *lock(&world.holder) = Some("process 7".into());
    let watched = run(&world, Until::Drained, &CancellationToken::new()).await.expect("watched");
    assert_eq!((watched.end, polls(&world)), (End::Drained, 0));
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_shards_says_once_that_it_does_not_end_and_lasts_as_long_as_it_may() {
    let world = world(0, &other("aws-kinesis-stream"));
    *lock(&world.shards) = 2.0;
    let watching = Watching { lasts: Some(Duration::from_secs(25)), ..how(Until::Drained) };
    let watched = run_as(&world, &watching, &CancellationToken::new()).await.expect("watched");
    assert_eq!((watched.end, watched.seconds, polls(&world)), (End::Lasted, 25.0, 3));
    assert_eq!(world.told(|what| matches!(what, What::Warning { .. })), 0, "its end is known");

    let cancel = CancellationToken::new();
    cancel.cancel();
    run(&world, Until::Drained, &cancel).await.expect("watched");
    let warns = |what: &What| matches!(what, What::Warning { message } if message.contains("`aws-kinesis-stream` counts shards"));
    assert_eq!(world.told(warns), 1);
}
