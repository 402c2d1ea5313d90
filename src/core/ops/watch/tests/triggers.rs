//! Triggers that fail, cannot be built, or ask for what cannot be.

use super::*;

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
