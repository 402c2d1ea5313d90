//! Who shares an answer with whom, on a clock that moves by hand.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::{
    sync::Semaphore,
    time::{advance, sleep},
};

use super::*;
use crate::core::{
    keda::{
        authorization::AwsAuthorization,
        trigger::{place::Place, question::Request},
    },
    ports::Inquiry,
};

/// A source that counts how often it is asked, and answers with that, a second later.
#[derive(Default)]
struct Source {
    asked: AtomicUsize,
    fails: AtomicUsize,
}

struct Asker {
    source: Arc<Source>,
    question: Question,
    target: f64,
}

#[async_trait]
impl Metric for Asker {
    fn name(&self) -> &'static str {
        "s0-q"
    }

    fn target(&self) -> f64 {
        self.target
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.measure(&self.ask().await?)
    }

    fn inquiry(&self) -> Option<&dyn Inquiry> {
        Some(self)
    }
}

#[async_trait]
impl Inquiry for Asker {
    fn question(&self) -> &Question {
        &self.question
    }

    async fn ask(&self) -> Result<Answer> {
        let turn = self.source.asked.fetch_add(1, Ordering::SeqCst) + 1;
        sleep(Duration::from_secs(1)).await;
        if self.source.fails.load(Ordering::SeqCst) >= turn {
            return Err(Error::failed("could not read", "denied"));
        }
        Ok(Answer::Count(i64::try_from(turn).expect("few")))
    }

    fn measure(&self, answer: &Answer) -> Result<TriggerReading> {
        let value = crate::core::keda::number::to_float(answer.count()?);
        let reading = TriggerReading { value, target: self.target, error: None, ..TriggerReading::failed("s0-q", "") };
        Ok(reading)
    }
}

/// Metrics that share their answers; each asks `stream`, of the same source.
struct World {
    source: Arc<Source>,
    answers: Arc<Answers>,
}

impl World {
    fn new() -> Self {
        Self { source: Arc::default(), answers: Arc::default() }
    }

    fn metric(&self, stream: &str, target: f64) -> SharedMetric {
        let request = Request::StreamSummary { stream: stream.to_owned() };
        let question = Question { authorization: AwsAuthorization::Operator, place: Place::default(), request };
        let inner = Arc::new(Asker { source: self.source.clone(), question, target });
        SharedMetric { inner, answers: self.answers.clone() }
    }

    fn asked(&self) -> usize {
        self.source.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn polls_that_are_due_together_ask_once_and_each_makes_its_own_of_the_answer() {
    let world = World::new();
    let metrics = [1.0, 2.0, 3.0].map(|target| world.metric("a", target));
    let due = Instant::now();
    let readings = join_all(metrics.iter().map(|metric| metric.read_due(due))).await;
    let values: Vec<(f64, f64)> =
        readings.into_iter().map(|reading| reading.map(|read| (read.value, read.target)).expect("read")).collect();
    assert_eq!((values, world.asked()), (vec![(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)], 1));
    metrics[0].read_due(due).await.expect("a late poll of the same moment");
    assert_eq!(world.asked(), 1);
    world.metric("b", 1.0).read_due(due).await.expect("another question");
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_a_poll_was_due_does_not_serve_it_even_while_it_is_under_way() {
    let world = World::new();
    let metric = world.metric("a", 1.0);
    let first = Instant::now();
    let half = Duration::from_millis(500);
    let second = async {
        sleep(half).await;
        metric.read_due(first + half).await
    };
    let (one, other) = tokio::join!(metric.read_due(first), second);
    assert_eq!((one.expect("read").value, other.expect("read").value, world.asked()), (1.0, 2.0, 2));
    metric.read().await.expect("what is due at no time asks for itself");
    assert_eq!(world.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failure_serves_those_who_wait_for_it_and_nobody_later() {
    let world = World::new();
    world.source.fails.store(1, Ordering::SeqCst);
    let metrics = [world.metric("a", 1.0), world.metric("a", 2.0)];
    let due = Instant::now();
    let readings = join_all(metrics.iter().map(|metric| metric.read_due(due))).await;
    assert!(readings.iter().all(Result::is_err) && world.asked() == 1);
    let again = join_all(metrics.iter().map(|metric| metric.read_due(due))).await;
    assert!(again.iter().all(Result::is_ok) && world.asked() == 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_answered_although_who_asked_first_is_gone() {
    let world = World::new();
    let (first, second) = (world.metric("a", 1.0), world.metric("a", 2.0));
    let due = Instant::now();
    {
        let mut gone = std::pin::pin!(first.read_due(due));
        assert!(futures_util::poll!(&mut gone).is_pending());
    }
    advance(Duration::from_millis(100)).await;
    assert_eq!((second.read_due(due).await.expect("read").value, world.asked()), (1.0, 1));
}

#[test]
fn the_rule_is_when_the_question_was_asked() {
    let due = Instant::now();
    let just = Duration::from_nanos(1);
    assert!(serves(due, due) && serves(due + just, due) && !serves(due, due + just));
}

proptest! {
    /// Polls of one source at any times, through turns that are few: nobody is told what was asked before its poll was due.
    #[test]
    fn nobody_decides_on_older_data_than_a_request_of_its_own_would_have_given(
        dues in proptest::collection::vec(0_u64..5_000, 1..30),
        turns in 1_usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let outcome: Vec<(u64, u64)> = runtime.block_on(async {
            let (answers, turns, began) = (Arc::new(Answers::default()), Semaphore::new(turns), Instant::now());
            let metric: Arc<dyn Metric> = Arc::new(Clocked { began, question: World::new().question() });
            let polls = dues.iter().map(|due| async {
                let at = began + Duration::from_millis(*due);
                tokio::time::sleep_until(at).await;
                let _turn = turns.acquire().await.expect("open");
                let shared = SharedMetric { inner: metric.clone(), answers: answers.clone() };
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds of five seconds")]
                let told = shared.read_due(at).await.expect("read").value as u64;
                (*due, told)
            });
            join_all(polls).await
        });
        for (due, told) in outcome {
            prop_assert!(told >= due, "due at {due} ms, asked at {told} ms");
        }
    }
}

impl World {
    fn question(&self) -> Question {
        self.metric("a", 1.0).inner.inquiry().expect("it asks").question().clone()
    }
}

/// Answers with the milliseconds at which it was asked.
struct Clocked {
    began: Instant,
    question: Question,
}

#[async_trait]
impl Metric for Clocked {
    fn name(&self) -> &'static str {
        "s0-q"
    }

    fn target(&self) -> f64 {
        1.0
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.measure(&self.ask().await?)
    }

    fn inquiry(&self) -> Option<&dyn Inquiry> {
        Some(self)
    }
}

#[async_trait]
impl Inquiry for Clocked {
    fn question(&self) -> &Question {
        &self.question
    }

    async fn ask(&self) -> Result<Answer> {
        let asked = self.began.elapsed().as_millis();
        sleep(Duration::from_millis(70)).await;
        Ok(Answer::Count(i64::try_from(asked).expect("short")))
    }

    fn measure(&self, answer: &Answer) -> Result<TriggerReading> {
        let value = crate::core::keda::number::to_float(answer.count()?);
        Ok(TriggerReading { value, error: None, ..TriggerReading::failed("s0-q", "") })
    }
}
