//! The queue as producers, consumers and scalers use it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kedactl::{
    backend::{Identity, journal::Memory},
    core::{
        error::Kind,
        event::Depth,
        keda::manifest::{Trigger, scaled_job},
        ops::setup,
        ports::{Asked, Outgoing, Queue, Received, SendOutcome},
    },
};

use serde_json::Value;

use super::{World, worlds};

fn message(number: u64, body: &str) -> Outgoing {
    Outgoing { number, body: body.to_owned(), delay_seconds: None, group: None, deduplication: None }
}

fn sent(outcome: &SendOutcome) -> &str {
    match outcome {
        SendOutcome::Sent(id) => id,
        SendOutcome::Refused { code, message, .. } => panic!("refused: {code}: {message}"),
    }
}

/// The work queue of a stack that is set up, as `identity`.
async fn queue(world: &World, identity: Identity) -> Arc<dyn Queue> {
    for resource in world.backend.resources().await.expect("listed") {
        resource.apply().await.unwrap_or_else(|error| panic!("{}: {}: {error}", world.name, resource.id()));
    }
    world.backend.queue(identity, None).await.expect("reached")
}

async fn receive(queue: &dyn Queue) -> Option<Received> {
    queue.receive(Duration::ZERO, None).await.expect("received")
}

#[tokio::test]
async fn what_is_sent_is_received_with_its_id_and_gone_once_deleted() {
    for world in worlds().await {
        let queue = queue(&world, Identity::Workload).await;
        let outcomes = queue.send(&[message(1, "ünïcode & <xml>")]).await.expect("sent");
        let received = receive(&*queue).await.expect("a message");
        assert_eq!((received.message_id.as_str(), received.body.as_str()), (sent(&outcomes[0]), "ünïcode & <xml>"), "{}", world.name);
        assert_eq!(received.receive_count, 1);
        assert!(received.sent_at.is_some());
        queue.delete(&received.receipt).await.expect("deleted");
        queue.delete(&received.receipt).await.expect("deleting twice is fine");
        assert_eq!(receive(&*queue).await, None, "{}", world.name);
    }
}

#[tokio::test]
async fn a_batch_has_one_outcome_each_in_order() {
    for world in worlds().await {
        let queue = queue(&world, Identity::Workload).await;
        let batch: Vec<Outgoing> = (0..10).map(|number| message(number, &format!("body {number}"))).collect();
        let outcomes = queue.send(&batch).await.expect("sent");
        let mut bodies = BTreeMap::new();
        for _ in 0..10 {
            let received = receive(&*queue).await.expect("ten messages");
            bodies.insert(received.message_id, received.body);
        }
        let expected = outcomes.iter().zip(&batch).map(|(outcome, message)| (sent(outcome).to_owned(), message.body.clone())).collect();
        assert_eq!(bodies, expected, "{}", world.name);
    }
}

#[tokio::test]
async fn a_batch_larger_than_one_request_is_sent_all_the_same() {
    for world in worlds().await {
        let queue = queue(&world, Identity::Workload).await;
        let batch: Vec<Outgoing> = (0..10).map(|number| message(number, &"x".repeat(200 * 1024))).collect();
        let outcomes = queue.send(&batch).await.expect("sent");
        assert_eq!(outcomes.iter().map(sent).count(), 10, "{}", world.name);
    }
}

#[tokio::test]
async fn a_message_that_sqs_refuses_is_refused_alone_and_for_good() {
    for world in worlds().await {
        let queue = queue(&world, Identity::Workload).await;
        let late = Outgoing { delay_seconds: Some(901), ..message(2, "too late") };
        let outcomes = match queue.send(&[message(1, "fine"), late]).await {
            Ok(outcomes) => outcomes,
            // moto refuses the whole batch.
            Err(error) if world.name == "moto" => {
                assert!(!error.is_passing(), "{error}");
                continue;
            }
            Err(error) => panic!("{}: {error}", world.name),
        };
        sent(&outcomes[0]);
        assert!(matches!(&outcomes[1], SendOutcome::Refused { passing: false, .. }), "{}: {:?}", world.name, outcomes[1]);
    }
}

#[tokio::test]
async fn a_released_message_is_visible_at_once_and_counted_again() {
    for world in worlds().await {
        let queue = queue(&world, Identity::Workload).await;
        queue.send(&[message(1, "x")]).await.expect("sent");
        let first = receive(&*queue).await.expect("a message");
        assert_eq!(receive(&*queue).await, None, "{}: it is hidden", world.name);
        queue.release(&first.receipt).await.expect("released");
        let second = receive(&*queue).await.expect("visible again");
        assert_eq!((second.message_id.as_str(), second.receive_count), (first.message_id.as_str(), 2), "{}", world.name);
        queue.extend(&second.receipt, Duration::from_mins(10)).await.expect("extended");
        assert_eq!(receive(&*queue).await, None, "{}: it is hidden still", world.name);
    }
}

#[tokio::test]
async fn the_counters_tell_visible_in_flight_and_delayed_apart() {
    for world in worlds().await {
        let queue = queue(&world, Identity::Workload).await;
        let administrator = world.backend.queue(Identity::Administrator, None).await.expect("reached");
        let delayed = Outgoing { delay_seconds: Some(900), ..message(3, "later") };
        queue.send(&[message(1, "x"), message(2, "y"), delayed]).await.expect("sent");
        receive(&*queue).await.expect("a message");
        let depth = administrator.depth().await.expect("counted");
        assert_eq!(depth, Depth { visible: 1, in_flight: 1, delayed: 1 }, "{}", world.name);
    }
}

#[tokio::test]
async fn a_trigger_is_read_under_the_operators_identity() {
    for world in worlds().await {
        let queue = queue(&world, Identity::Workload).await;
        queue.send(&[message(1, "x"), message(2, "y")]).await.expect("sent");
        let trigger = trigger(&world).await;
        let env = BTreeMap::new();
        let asked = Asked {
            owner: "scaledjob.default.test",
            index: 0,
            trigger: &trigger,
            env: &env,
            pod: &Value::Null,
            reporter: &Memory::default(),
        };
        let metric = world.backend.scalers().await.expect("scalers").build(asked).await.expect("built").expect("a metric");
        let reading = metric.read().await.expect("read");
        assert!((reading.value - 2.0).abs() < f64::EPSILON && reading.active, "{}: {reading:?}", world.name);
        assert_eq!(metric.depth().await.expect("counted"), Some(Depth { visible: 2, in_flight: 0, delayed: 0 }));
        assert!(metric.name().starts_with("s0-aws-sqs-"), "{}", metric.name());
    }
}

/// The trigger of the ScaledJob that setup made.
async fn trigger(world: &World) -> Trigger {
    let name = &world.settings().names.scaled_job;
    let object = world.backend.objects().await.expect("objects").get("ScaledJob", name).await.expect("read").expect("setup made it");
    let read = scaled_job(&object).expect("valid");
    read.spec.triggers.into_iter().next().expect("one trigger")
}

#[tokio::test]
async fn an_absent_queue_is_not_found_and_setup_is_the_way_out() {
    for world in worlds().await {
        let url = world.settings().queue_url("nobody-made-this");
        let queue = world.backend.queue(Identity::Administrator, Some(&url)).await.expect("reached");
        let error = queue.depth().await.expect_err("absent");
        assert_eq!(error.kind, Kind::NotFound, "{}: {error}", world.name);
        assert!(error.hint.expect("a way out").contains("kedactl setup"));
    }
}

#[tokio::test]
async fn a_wrong_receipt_is_refused_without_being_repeated() {
    for world in worlds().await {
        let queue = queue(&world, Identity::Workload).await;
        let error = queue.extend("not-a-receipt", Duration::from_secs(1)).await.expect_err("refused");
        assert!(!format!("{error:?}").contains("not-a-receipt"), "{}: {error:?}", world.name);
    }
}

#[tokio::test]
async fn no_identity_may_do_the_work_of_another() {
    let world = World::embedded();
    let workload = queue(&world, Identity::Workload).await;
    let operator = world.backend.queue(Identity::Operator, None).await.expect("reached");
    let refused =
        [workload.depth().await.err(), operator.send(&[message(1, "x")]).await.err(), operator.receive(Duration::ZERO, None).await.err()];
    for error in refused {
        let error = error.expect("the policy does not allow it");
        assert_eq!(error.kind, Kind::Denied, "{error}");
        assert!(error.to_string().contains("is not authorized to perform: sqs:"), "{error}");
    }
    operator.depth().await.expect("the scaler's policy allows it");
}

#[tokio::test]
async fn a_wrong_trust_policy_breaks_the_identity_in_the_words_of_aws() {
    let world = World::embedded();
    queue(&world, Identity::Workload).await;
    let iam = aws_sdk_iam::Client::new(&world.sdk);
    let role = world.settings().names.workload_role.clone();
    let trust = iam.get_role().role_name(&role).send().await.expect("read").role.expect("there");
    let trust = trust.assume_role_policy_document.expect("it has one").replace("aws-sqs", "someone-else");
    let trust = percent_encoding::percent_decode_str(&trust).decode_utf8().expect("text").into_owned();
    iam.update_assume_role_policy().role_name(&role).policy_document(trust).send().await.expect("changed");
    let queue = world.backend.queue(Identity::Workload, None).await.expect("reached");
    let error = queue.send(&[message(1, "x")]).await.expect_err("denied");
    assert_eq!(error.kind, Kind::Denied);
    assert!(error.to_string().contains("Not authorized to perform sts:AssumeRoleWithWebIdentity"), "{error}");
    let resources = world.backend.resources().await.expect("listed");
    let plan = setup::plan(&resources).await.expect("planned");
    assert_eq!(plan.changes().map(|step| step.id.name.clone()).collect::<Vec<_>>(), [role], "setup would repair exactly that");
}
