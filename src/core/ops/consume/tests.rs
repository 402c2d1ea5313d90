//! What a consumer does, against fakes of its ports.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::*;
use crate::core::{
    event::{Depth, Event},
    ports::{Artifact, CountRecord, Outgoing, SendOutcome, Sink},
};

/// Every port at once: it does what the test planned, and writes down each call in order.
#[derive(Default)]
struct World {
    messages: Mutex<VecDeque<Received>>,
    faults: Mutex<HashMap<&'static str, VecDeque<Error>>>,
    calls: Mutex<Vec<String>>,
    events: Mutex<Vec<Event>>,
    changed: Notify,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    fn with_message(body: &str) -> Self {
        let world = Self::default();
        let received = Received { message_id: "m1".into(), receipt: "r-secret".into(), body: body.into(), receive_count: 1, sent_at: None };
        guard(&world.messages).push_back(received);
        world
    }

    /// The next calls of `port` fail with these errors, one each.
    fn failing(self, port: &'static str, errors: impl IntoIterator<Item = Error>) -> Self {
        guard(&self.faults).insert(port, errors.into_iter().collect());
        self
    }

    fn call(&self, port: &'static str, text: &str) -> Result<()> {
        guard(&self.calls).push(format!("{port} {text}").trim_end().to_owned());
        self.changed.notify_waiters();
        guard(&self.faults).get_mut(port).and_then(VecDeque::pop_front).map_or(Ok(()), Err)
    }

    fn calls(&self) -> Vec<String> {
        guard(&self.calls).clone()
    }

    fn events(&self) -> Vec<String> {
        let name = |event: &Event| serde_json::to_value(event).expect("json")["event"].as_str().expect("tagged").to_owned();
        guard(&self.events).iter().map(name).collect()
    }

    /// Waits until `count` calls of `port` were made.
    async fn until(&self, port: &str, count: usize) {
        loop {
            let changed = self.changed.notified();
            if self.calls().iter().filter(|call| call.starts_with(port)).count() >= count {
                return;
            }
            changed.await;
        }
    }

    async fn consume(&self, work: &dyn Work, cancel: &CancellationToken) -> Result<Consumed> {
        let how = Consumption { job: "j1".into(), idle: Duration::ZERO, visibility: Duration::from_mins(1) };
        self.consume_as(work, &how, cancel).await
    }

    async fn consume_as(&self, work: &dyn Work, how: &Consumption, cancel: &CancellationToken) -> Result<Consumed> {
        let ports = Ports { queue: self, work, artifacts: self, analyzer: self, reporter: self };
        let outcome = consume(ports, how, cancel).await;
        let told = serde_json::to_string(&*guard(&self.events)).expect("json");
        assert!(!told.contains("r-secret"), "the receipt is told to nobody: {told}");
        outcome
    }
}

#[async_trait]
impl Sink for World {
    async fn send(&self, _: &[Outgoing]) -> Result<Vec<SendOutcome>> {
        unreachable!("a consumer does not send")
    }
}

#[async_trait]
impl Queue for World {
    async fn depth(&self) -> Result<Depth> {
        unreachable!("a consumer does not ask for it")
    }
    async fn receive(&self, _: Duration, _: Option<Duration>) -> Result<Option<Received>> {
        self.call("receive", "")?;
        Ok(guard(&self.messages).pop_front())
    }
    async fn extend(&self, receipt: &str, _: Duration) -> Result<()> {
        self.call("extend", receipt)
    }
    async fn release(&self, receipt: &str) -> Result<()> {
        self.call("release", receipt)
    }
    async fn delete(&self, receipt: &str) -> Result<()> {
        self.call("delete", receipt)
    }
}

#[async_trait]
impl Artifacts for World {
    async fn put(&self, key: &str, _: Vec<u8>) -> Result<String> {
        self.call("put", key).map(|()| format!("/artifacts/{key}"))
    }
}

#[async_trait]
impl Analyzer for World {
    async fn processed(&self, count: &Count) -> Result<()> {
        self.call("processed", &count.message_id)
    }
    async fn killed(&self, count: &Count) -> Result<()> {
        self.call("killed", &count.message_id)
    }
    async fn lines(&self) -> Result<Vec<String>> {
        unreachable!("a consumer does not ask for it")
    }
    async fn records(&self) -> Result<Vec<CountRecord>> {
        unreachable!("a consumer does not ask for it")
    }
    async fn reset(&self) -> Result<()> {
        unreachable!("a consumer does not reset")
    }
}

impl Reporter for World {
    fn report(&self, event: &Event) {
        guard(&self.events).push(event.clone());
    }
}

/// Work that does as it is told.
enum Plan {
    Succeed,
    Fail,
    Panic,
    /// Works until `stop`, as a command that must be told.
    UntilStopped,
    /// Works until the test says so.
    UntilTold(Notify),
}

#[async_trait]
impl Work for Plan {
    async fn run(&self, message: &Received, stop: &CancellationToken) -> Result<Artifact> {
        match self {
            Self::Succeed => {}
            Self::Fail => return Err(Error::failed("the encoder failed", "exit status: 3")),
            Self::Panic => panic!("no such codec"),
            Self::UntilStopped => stop.cancelled().await,
            Self::UntilTold(told) => told.notified().await,
        }
        Ok(Artifact { extension: "mp4".into(), content: message.body.clone().into_bytes() })
    }
}

fn passing() -> Error {
    Error::new(Kind::Unavailable, "no answer", "throttled")
}

fn gone() -> Error {
    Error::failed("no", "the receipt handle is not valid any more").code("ReceiptHandleIsInvalid")
}

fn lasting() -> impl Iterator<Item = Error> {
    std::iter::repeat_with(|| Error::failed("no", "for good")).take(100)
}

#[tokio::test]
async fn a_message_is_worked_on_stored_deleted_and_counted_in_that_order() {
    let world = World::with_message(r#"{"video":"v.mp4"}"#);
    let outcome = world.consume(&Plan::Succeed, &CancellationToken::new()).await.expect("done");
    assert_eq!(outcome, Consumed::Done { message_id: "m1".into(), location: "/artifacts/m1.mp4".into() });
    assert_eq!(world.calls(), ["receive", "put m1.mp4", "delete r-secret", "processed m1"]);
    assert_eq!(world.events(), ["received", "worked", "stored", "deleted", "counted"]);
}

#[tokio::test]
async fn an_empty_queue_ends_the_consumer_well() {
    let world = World::default();
    assert_eq!(world.consume(&Plan::Succeed, &CancellationToken::new()).await.expect("idle"), Consumed::Idle);
    assert_eq!((world.calls(), world.events()), (vec!["receive".to_owned()], vec!["idle".to_owned()]));
}

#[tokio::test]
async fn the_queue_is_asked_until_the_idle_budget_is_spent_but_not_in_a_rush() {
    let world = World::default();
    let how = Consumption { job: "j1".into(), idle: Duration::from_millis(250), visibility: Duration::from_mins(1) };
    let begun = Instant::now();
    assert_eq!(world.consume_as(&Plan::Succeed, &how, &CancellationToken::new()).await.expect("idle"), Consumed::Idle);
    assert!(begun.elapsed() >= how.idle);
    assert!((2..=4).contains(&world.calls().len()), "{:?}", world.calls());
}

#[tokio::test]
async fn a_message_that_is_not_json_is_processed_with_a_warning() {
    let world = World::with_message("Hello from message 1");
    world.consume(&Plan::Succeed, &CancellationToken::new()).await.expect("done");
    assert_eq!(world.events(), ["received", "warning", "worked", "stored", "deleted", "counted"]);
}

#[tokio::test]
async fn failed_work_gives_the_message_back_at_once() {
    let world = World::with_message("{}");
    let error = world.consume(&Plan::Fail, &CancellationToken::new()).await.expect_err("failed");
    assert_eq!((error.what.as_str(), error.exit_code()), ("the encoder failed", 1));
    assert_eq!(world.calls(), ["receive", "release r-secret"]);
    assert_eq!(world.events(), ["received", "released-message"]);
}

#[tokio::test]
async fn a_panic_gives_the_message_back_at_once() {
    let world = World::with_message("{}");
    let error = world.consume(&Plan::Panic, &CancellationToken::new()).await.expect_err("panicked");
    assert_eq!(error.to_string(), "the work panicked: no such codec");
    assert_eq!(world.calls(), ["receive", "release r-secret"]);
}

#[tokio::test]
async fn a_signal_gives_the_message_back_and_counts_the_kill() {
    let (world, cancel) = (World::with_message("{}"), CancellationToken::new());
    let signal = async {
        world.until("receive", 1).await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(world.consume(&Plan::UntilStopped, &cancel), signal);
    assert_eq!(outcome.expect("interrupted"), Consumed::Interrupted { message_id: Some("m1".into()) });
    let calls = world.calls();
    assert_eq!(calls.iter().filter(|call| !call.starts_with("put")).collect::<Vec<_>>(), ["receive", "release r-secret", "killed m1"]);
    assert!(!calls.iter().any(|call| call.starts_with("delete")));
}

#[tokio::test]
async fn a_signal_before_any_message_ends_the_consumer_without_asking() {
    let (world, cancel) = (World::with_message("{}"), CancellationToken::new());
    cancel.cancel();
    assert_eq!(world.consume(&Plan::Succeed, &cancel).await.expect("interrupted"), Consumed::Interrupted { message_id: None });
    assert_eq!(world.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_analyzer_that_is_down_does_not_fail_the_message() {
    let world = World::with_message("{}").failing("processed", lasting());
    let outcome = world.consume(&Plan::Succeed, &CancellationToken::new()).await.expect("done");
    assert!(matches!(outcome, Consumed::Done { .. }));
    assert_eq!(world.events(), ["received", "worked", "stored", "deleted", "warning"]);
}

#[tokio::test]
async fn passing_faults_of_every_port_are_tried_again() {
    let mut world = World::with_message("{}");
    for port in ["receive", "put", "delete", "processed"] {
        world = world.failing(port, [passing()]);
    }
    world.consume(&Plan::Succeed, &CancellationToken::new()).await.expect("done");
    let twice = ["receive", "receive", "put m1.mp4", "put m1.mp4", "delete r-secret", "delete r-secret", "processed m1", "processed m1"];
    assert_eq!(world.calls(), twice);
}

#[tokio::test]
async fn a_queue_that_refuses_is_an_error() {
    let world = World::default().failing("receive", [Error::new(Kind::Denied, "no", "sqs:ReceiveMessage")]);
    assert_eq!(world.consume(&Plan::Succeed, &CancellationToken::new()).await.expect_err("denied").kind, Kind::Denied);
    assert_eq!(world.events(), Vec::<String>::new());
}

#[tokio::test]
async fn an_artifact_that_cannot_be_stored_gives_the_message_back() {
    let world = World::with_message("{}").failing("put", lasting());
    world.consume(&Plan::Succeed, &CancellationToken::new()).await.expect_err("not stored");
    assert_eq!(world.calls(), ["receive", "put m1.mp4", "release r-secret"]);
}

#[tokio::test]
async fn a_message_that_cannot_be_deleted_is_neither_counted_nor_kept() {
    let world = World::with_message("{}").failing("delete", lasting()).failing("release", lasting());
    world.consume(&Plan::Succeed, &CancellationToken::new()).await.expect_err("not deleted");
    assert_eq!(world.calls(), ["receive", "put m1.mp4", "delete r-secret", "release r-secret"]);
    assert_eq!(world.events(), ["received", "worked", "stored", "warning"]);
}

#[tokio::test]
async fn the_heartbeat_extends_while_the_work_goes_on_and_stops_with_it() {
    let (world, told) = (World::with_message("{}").failing("extend", [passing()]), Plan::UntilTold(Notify::new()));
    let how = Consumption { job: "j1".into(), idle: Duration::ZERO, visibility: Duration::from_millis(15) };
    let cancel = CancellationToken::new();
    let end = async {
        world.until("extend", 3).await;
        let Plan::UntilTold(notify) = &told else { unreachable!("made above") };
        notify.notify_one();
    };
    let (outcome, ()) = tokio::join!(world.consume_as(&told, &how, &cancel), end);
    outcome.expect("done");
    let calls = world.calls();
    let last = calls.iter().rposition(|call| call.starts_with("extend")).expect("extended");
    assert!(last < calls.iter().position(|call| call.starts_with("delete")).expect("deleted"), "{calls:?}");
    let extended = world.events().iter().filter(|event| *event == "extended").count();
    assert_eq!(extended, calls.iter().filter(|call| call.starts_with("extend")).count() - 1, "the first failed, and passed");
}

#[tokio::test]
async fn a_message_that_is_not_ours_any_more_is_finished_with_one_warning() {
    let (world, told) = (World::with_message("{}").failing("extend", [gone()]), Plan::UntilTold(Notify::new()));
    let how = Consumption { job: "j1".into(), idle: Duration::ZERO, visibility: Duration::from_millis(15) };
    let cancel = CancellationToken::new();
    let end = async {
        world.until("extend", 1).await;
        let Plan::UntilTold(notify) = &told else { unreachable!("made above") };
        notify.notify_one();
    };
    let (outcome, ()) = tokio::join!(world.consume_as(&told, &how, &cancel), end);
    assert!(matches!(outcome.expect("done"), Consumed::Done { .. }));
    assert_eq!(world.events(), ["received", "warning", "worked", "stored", "deleted", "counted"]);
}
