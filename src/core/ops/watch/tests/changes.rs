//! What changes under the loop: the spec, the history, the lease, the weather.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_changed_spec_deletes_jobs_of_the_old_generation_and_polls_at_once() {
    let world = world(2, &json!({}));
    let mut looks = 0;
    *lock(&world.step) = Some(Box::new(move |world| {
        looks += 1;
        if looks == 4 {
            let mut object = lock(&world.scaled_job);
            object["spec"]["maxReplicaCount"] = json!(1);
            object["metadata"]["generation"] = json!(2);
        }
    }));
    run_for(&world, 8).await;
    assert_eq!(*lock(&world.deleted), ["video-0", "video-1"]);
    assert_eq!(polls(&world), 2);
    assert_eq!(lock(&world.jobs).iter().map(|job| job.generation).collect::<Vec<_>>(), [Some(2)]);
    assert_eq!(world.told(|what| matches!(what, What::RolledOut { generation: 2, deleted: 2 })), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gradual_rollout_leaves_running_jobs_alone() {
    let world = world(0, &json!({ "rollout": { "strategy": "gradual" } }));
    lock(&world.jobs).push(World::job("old", JobState::Running, 0));
    run_for(&world, 5).await;
    assert!(lock(&world.deleted).is_empty());
}

#[tokio::test(start_paused = true)]
async fn finished_jobs_beyond_the_history_limit_are_deleted() {
    let world = world(0, &json!({ "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 0 }));
    for (name, state, second) in [("a", JobState::Complete, 1), ("b", JobState::Complete, 2), ("c", JobState::Failed, 3)] {
        let mut job = World::job(name, state, 1);
        job.completed_at = (state == JobState::Complete).then(|| Timestamp::from_second(second).expect("in range"));
        lock(&world.jobs).push(job);
    }
    run_for(&world, 5).await;
    assert_eq!(lock(&world.jobs).iter().map(|job| job.name.clone()).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_scaled_job_that_becomes_invalid_is_left_as_it_was_and_said_once() {
    let world = world(1, &json!({}));
    let mut looks = 0;
    *lock(&world.step) = Some(Box::new(move |world| {
        looks += 1;
        if looks == 2 {
            lock(&world.scaled_job)["spec"]["triggers"] = json!([]);
        }
    }));
    run_for(&world, 25).await;
    assert_eq!(polls(&world), 3);
    assert_eq!(world.told(|what| matches!(what, What::Warning { .. })), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_lapses_while_jobs_are_created_stops_the_creation_and_the_clean_up() {
    let world = world(500, &json!({ "maxReplicaCount": 500, "successfulJobsHistoryLimit": 0 }));
    lock(&world.jobs).push(World::job("old", JobState::Complete, 1));
    let lapsed = world.lapsed.clone();
    *lock(&world.creating) = Some(Box::new(move |jobs| {
        if jobs == 40 {
            lapsed.store(true, Ordering::SeqCst);
        }
    }));
    *lock(&world.holder) = None;
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let seen = world.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        *lock(&seen.holder) = Some("process 8".into());
        stop.cancel();
    });
    run(&world, Until::Cancelled, &cancel).await.expect("watched");
    assert!(created(&world) < 40 + 16, "{} jobs were created", created(&world));
    assert_eq!(lock(&world.deleted).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_passing_fault_is_said_once_and_polls_go_on() {
    let world = world(1, &json!({}));
    lock(&world.list_faults).extend([Kind::Unavailable, Kind::Unavailable, Kind::Unavailable]);
    run_for(&world, 25).await;
    assert_eq!(world.told(|what| matches!(what, What::Warning { .. })), 1);
    assert_eq!(created(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn a_paused_scaled_job_is_not_polled_until_it_is_resumed() {
    let world = world(2, &json!({}));
    lock(&world.scaled_job)["metadata"]["annotations"] = json!({ "autoscaling.keda.sh/paused": "true" });
    let mut looks = 0;
    *lock(&world.step) = Some(Box::new(move |world| {
        looks += 1;
        if looks == 30 {
            assert_eq!(polls(world), 0);
            lock(&world.scaled_job)["metadata"]["annotations"] = json!({});
        }
    }));
    run_for(&world, 60).await;
    assert!(polls(&world) > 0);
    assert_eq!(created(&world), 2);
    assert_eq!(world.told(|what| matches!(what, What::Paused { .. })), 2);
}
