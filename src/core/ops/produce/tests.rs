//! Tests of `produce`, against a queue that answers as it is told.

use std::{collections::BTreeMap, sync::atomic::AtomicUsize, sync::atomic::Ordering};

use async_trait::async_trait;

use super::*;
use crate::core::{
    error::{Kind, Result},
    event::Event,
    load::{Bodies, Destination},
};

/// How the queue answers one call.
type Answer = dyn Fn(&[Outgoing]) -> Result<Vec<SendOutcome>> + Send + Sync;

struct Told {
    answer: Box<Answer>,
    calls: Mutex<Vec<Vec<u64>>>,
    wire: AtomicUsize,
    most: AtomicUsize,
}

impl Told {
    fn new(answer: impl Fn(&[Outgoing]) -> Result<Vec<SendOutcome>> + Send + Sync + 'static) -> Self {
        Self { answer: Box::new(answer), calls: Mutex::default(), wire: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    fn calls(&self) -> Vec<Vec<u64>> {
        self.calls.lock().expect("no test panics while it holds it").clone()
    }
}

#[async_trait]
impl Sink for Told {
    async fn send(&self, batch: &[Outgoing]) -> Result<Vec<SendOutcome>> {
        let wire = self.wire.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(wire, Ordering::SeqCst);
        self.calls.lock().expect("no test panics while it holds it").push(batch.iter().map(|message| message.number).collect());
        let answer = (self.answer)(batch);
        tokio::task::yield_now().await;
        self.wire.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

/// Keeps what was reported.
#[derive(Default)]
struct Kept(Mutex<Vec<What>>);

impl Reporter for Kept {
    fn report(&self, event: &Event) {
        self.0.lock().expect("no test panics while it holds it").push(event.what.clone());
    }
}

impl Kept {
    fn all(self) -> Vec<What> {
        self.0.into_inner().expect("no test panics while it holds it")
    }
}

fn load(count: u64) -> Load {
    Load { count, bodies: Bodies::Same("x".into()), rate: None, delay_seconds: None, group: None, fifo: false, run: "r".into(), to: None }
}

fn accepted(batch: &[Outgoing]) -> Vec<SendOutcome> {
    batch.iter().map(|message| SendOutcome::Sent(format!("id-{}", message.number))).collect()
}

fn refusal(passing: bool) -> SendOutcome {
    SendOutcome::Refused { code: "Odd".into(), message: "no".into(), passing }
}

async fn send(queue: &Told, load: &Load, cancel: &CancellationToken) -> (Sent, Vec<What>) {
    let kept = Kept::default();
    let run = Run {
        sink: queue,
        reporter: &kept,
        name: &load.run,
        to: load.to.as_ref().map(ToString::to_string),
        stop: cancel.child_token(),
        pause: Duration::from_millis(1),
        totals: Mutex::default(),
    };
    let sent = run.send(load).await;
    (sent, kept.all())
}

#[tokio::test]
async fn every_message_is_sent_once_and_named_in_an_event() {
    let queue = Told::new(|batch| Ok(accepted(batch)));
    let (sent, events) = send(&queue, &load(25), &CancellationToken::new()).await;
    assert_eq!((sent.sent, sent.failed, sent.unsent, sent.fault), (25, 0, 0, None));
    let ids: BTreeMap<u64, String> = events
        .iter()
        .filter_map(|what| match what {
            What::Sent { message_id, number, .. } => Some((*number, message_id.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(ids.len(), 25);
    assert_eq!(ids[&25], "id-25");
    assert_eq!(events.last(), Some(&What::ProduceFinished { sent: 25, failed: 0, to: None }));
}

#[tokio::test]
async fn a_batch_is_announced_before_it_goes_on_the_wire() {
    let queue = Told::new(|batch| Ok(accepted(batch)));
    let (_, events) = send(&queue, &load(3), &CancellationToken::new()).await;
    let announced = events.iter().position(|what| *what == What::Sending { numbers: vec![1, 2, 3], run: "r".into(), to: None });
    let first = events.iter().position(|what| matches!(what, What::Sent { .. }));
    assert!(announced.expect("announced") < first.expect("sent"));
}

#[tokio::test]
async fn several_batches_travel_at_once_but_not_too_many() {
    let queue = Told::new(|batch| Ok(accepted(batch)));
    send(&queue, &load(1000), &CancellationToken::new()).await;
    assert_eq!(queue.most.load(Ordering::SeqCst), CONCURRENCY);
    let queue = Told::new(|batch| Ok(accepted(batch)));
    send(&queue, &Load { fifo: true, ..load(100) }, &CancellationToken::new()).await;
    assert_eq!(queue.most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn only_what_was_refused_for_now_is_sent_again() {
    let first = AtomicUsize::new(0);
    let queue = Told::new(move |batch| {
        let mut outcomes = accepted(batch);
        if first.fetch_add(1, Ordering::SeqCst) == 0 {
            outcomes[2] = refusal(true);
            outcomes[4] = refusal(true);
        }
        Ok(outcomes)
    });
    let (sent, _) = send(&queue, &load(5), &CancellationToken::new()).await;
    assert_eq!((sent.sent, sent.failed), (5, 0));
    assert_eq!(queue.calls(), [vec![1, 2, 3, 4, 5], vec![3, 5]]);
}

#[tokio::test]
async fn a_message_refused_for_good_is_reported_and_the_rest_is_sent() {
    let queue =
        Told::new(|batch| Ok(batch.iter().map(|m| if m.number == 2 { refusal(false) } else { SendOutcome::Sent("i".into()) }).collect()));
    let (sent, events) = send(&queue, &load(3), &CancellationToken::new()).await;
    assert_eq!((sent.sent, sent.failed, sent.refusal.as_deref()), (2, 1, Some("Odd")));
    assert!(events.contains(&What::SendFailed { number: 2, run: "r".into(), code: "Odd".into(), attempts: 1, to: None }));
}

#[tokio::test]
async fn trying_again_is_bounded() {
    let queue = Told::new(|batch| Ok(batch.iter().map(|_| refusal(true)).collect()));
    let (sent, events) = send(&queue, &load(1), &CancellationToken::new()).await;
    assert_eq!((sent.sent, sent.failed, queue.calls().len()), (0, 1, 5));
    assert!(events.contains(&What::SendFailed { number: 1, run: "r".into(), code: "Odd".into(), attempts: 5, to: None }));
}

#[tokio::test]
async fn who_gets_on_is_patient() {
    let queue = Told::new(|batch| {
        let first = batch[0].number;
        Ok(batch.iter().map(|message| if message.number == first { SendOutcome::Sent("i".into()) } else { refusal(true) }).collect())
    });
    let (sent, _) = send(&queue, &load(10), &CancellationToken::new()).await;
    assert_eq!((sent.sent, sent.failed, queue.calls().len()), (10, 0, 10));
}

#[tokio::test]
async fn events_say_where_it_goes_when_that_is_not_the_queue() {
    let to: Destination = "kinesis://clicks".parse().expect("valid");
    let queue =
        Told::new(|batch| Ok(batch.iter().map(|m| if m.number == 1 { refusal(false) } else { SendOutcome::Sent("i".into()) }).collect()));
    let (sent, events) = send(&queue, &Load { to: Some(to), ..load(1200) }, &CancellationToken::new()).await;
    assert_eq!((sent.sent, sent.failed, sent.to.as_deref()), (1199, 1, Some("kinesis://clicks")));
    assert_eq!(queue.calls().iter().map(Vec::len).max(), Some(500));
    let told: Vec<serde_json::Value> = events.iter().map(|what| serde_json::to_value(what).expect("JSON")).collect();
    assert!(told.iter().all(|event| event["to"] == "kinesis://clicks"), "{told:?}");
}

#[tokio::test]
async fn a_denied_call_stops_the_run_at_once() {
    let queue = Told::new(|_| Err(Error::new(Kind::Denied, "could not send", "access denied").code("AccessDenied")));
    let (sent, _) = send(&queue, &load(1000), &CancellationToken::new()).await;
    assert_eq!(sent.fault.expect("fault").kind, Kind::Denied);
    assert_eq!((sent.sent, sent.refusal.as_deref()), (0, Some("AccessDenied")));
    assert!(queue.calls().len() <= CONCURRENCY, "{}", queue.calls().len());
    assert_eq!(sent.failed + sent.unsent, 1000);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let first = AtomicUsize::new(0);
    let queue = Told::new(move |batch| match first.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Error::new(Kind::Unavailable, "could not send", "connection lost")),
        _ => Ok(accepted(batch)),
    });
    let (sent, _) = send(&queue, &load(2), &CancellationToken::new()).await;
    assert_eq!((sent.sent, sent.fault, queue.calls().len()), (2, None, 2));
}

#[tokio::test]
async fn when_stopped_no_batch_starts_and_those_on_the_wire_are_accounted_for() {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let queue = Told::new(move |batch| {
        if batch[0].number > 20 {
            stop.cancel();
        }
        Ok(accepted(batch))
    });
    let (sent, events) = send(&queue, &load(1000), &cancel).await;
    let on_the_wire: usize = queue.calls().iter().map(Vec::len).sum();
    assert_eq!(sent.sent, on_the_wire as u64);
    assert_eq!(sent.sent + sent.unsent, 1000);
    assert!((30..=20 + 10 * CONCURRENCY).contains(&on_the_wire), "{on_the_wire}");
    assert_eq!(events.last(), Some(&What::ProduceFinished { sent: sent.sent, failed: 0, to: None }));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_rate() {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let queue = Told::new(move |batch| {
        stop.cancel();
        Ok(accepted(batch))
    });
    let slow = Load { rate: Some("1/h".parse().expect("valid")), ..load(2) };
    let (sent, _) = tokio::time::timeout(Duration::from_mins(1), send(&queue, &slow, &cancel)).await.expect("stops at once");
    assert_eq!((sent.sent, sent.unsent), (1, 1));
}
