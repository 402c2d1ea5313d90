//! A model of a queue beside the service: whatever is done in whatever order, both say the same.
//!
//! The model knows only what AWS promises. Which visible messages of a standard queue come first is not promised, so
//! any will do; on a FIFO queue the messages must be exactly those, in that order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

use aws_sdk_sqs::{
    Client,
    types::{MessageSystemAttributeName, QueueAttributeName as Attribute},
};
use proptest::prelude::*;

use crate::backend::emulator::world::{World, admin};

/// The queue's own visibility timeout in seconds.
const VISIBILITY: i64 = 10;
/// Receives after which a message goes to the dead-letter queue.
const LIMIT: u32 = 3;
/// Messages that may exist at once: one receive then sees them all, and what it does not give must have a reason.
const MOST: usize = 10;

/// One thing that somebody does.
#[derive(Debug, Clone)]
enum Deed {
    Send {
        delay: i64,
        group: u8,
    },
    Receive {
        most: i32,
        visibility: Option<i64>,
    },
    /// With the handle of the receipt of this number, modulo how many there were.
    Delete(usize),
    Change(usize, i64),
    Pass(i64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => (0i64..4, 0u8..3).prop_map(|(delay, group)| Deed::Send { delay: (delay - 1).max(0), group }),
        4 => (1i32..=10, prop::option::of(0i64..15)).prop_map(|(most, visibility)| Deed::Receive { most, visibility }),
        2 => any::<usize>().prop_map(Deed::Delete),
        2 => (any::<usize>(), 0i64..15).prop_map(|(receipt, seconds)| Deed::Change(receipt, seconds)),
        2 => (1i64..12).prop_map(Deed::Pass),
    ];
    prop::collection::vec(deed, 1..40)
}

/// What a kind of queue promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Standard,
    Fifo,
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    group: u8,
    visible_at: i64,
    taken: bool,
    receives: u32,
    /// The latest receipt.
    receipt: Option<usize>,
}

#[derive(Debug, Default)]
struct Model {
    now: i64,
    /// In the order of sending.
    messages: Vec<Message>,
    buried: BTreeSet<String>,
    /// The message of each receipt, and its handle.
    receipts: Vec<(String, String)>,
}

impl Model {
    fn counters(&self) -> [usize; 3] {
        let count = |wanted: &dyn Fn(&&Message) -> bool| self.messages.iter().filter(wanted).count();
        [
            count(&|m| m.visible_at <= self.now),
            count(&|m| m.visible_at > self.now && m.taken),
            count(&|m| m.visible_at > self.now && !m.taken),
        ]
    }

    /// Ids that a receive may give, in order of sending.
    fn deliverable(&self, kind: Kind) -> Vec<String> {
        let is_free = |message: &Message| {
            let hides = |other: &Message| other.group == message.group && other.visible_at > self.now && other.taken;
            kind == Kind::Standard || !self.messages.iter().any(hides)
        };
        self.messages.iter().filter(|m| m.visible_at <= self.now && is_free(m)).map(|m| m.id.clone()).collect()
    }

    fn of_receipt(&mut self, number: usize) -> Option<&mut Message> {
        let id = self.receipts.get(number)?.0.clone();
        self.messages.iter_mut().find(|message| message.id == id && message.receipt == Some(number))
    }
}

struct Bench {
    world: World,
    client: Client,
    kind: Kind,
    url: String,
    dead_letters: String,
    model: Model,
}

impl Bench {
    async fn new(kind: Kind) -> Self {
        let world = World::empty();
        let client = world.sqs(admin());
        let ending = if kind == Kind::Fifo { ".fifo" } else { "" };
        let fifo = (kind == Kind::Fifo).then(|| (Attribute::FifoQueue, "true".to_owned()));
        let make = |name: &str| client.create_queue().queue_name(format!("{name}{ending}"));
        let dead = make("dead").set_attributes(fifo.clone().map(|pair| [pair].into())).send().await.expect("made");
        let mut attributes: BTreeMap<Attribute, String> = fifo.into_iter().collect();
        attributes.insert(Attribute::VisibilityTimeout, VISIBILITY.to_string());
        if kind == Kind::Standard {
            let arn = format!("arn:aws:sqs:us-east-1:123456789012:dead{ending}");
            let policy = serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": LIMIT });
            attributes.insert(Attribute::RedrivePolicy, policy.to_string());
        }
        let work = make("work").set_attributes(Some(attributes.into_iter().collect())).send().await.expect("made");
        let url = work.queue_url.expect("a URL");
        Self { world, client, kind, url, dead_letters: dead.queue_url.expect("a URL"), model: Model::default() }
    }

    async fn act(&mut self, deed: &Deed) -> Result<(), TestCaseError> {
        match *deed {
            Deed::Send { delay, group } => self.send(delay, group).await,
            Deed::Receive { most, visibility } => self.receive(most, visibility).await?,
            Deed::Delete(choice) => self.delete(choice).await?,
            Deed::Change(choice, seconds) => self.change(choice, seconds).await?,
            Deed::Pass(seconds) => {
                self.world.time.fetch_add(seconds, Ordering::SeqCst);
                self.model.now += seconds;
            }
        }
        prop_assert_eq!(self.counters(&self.url).await, self.model.counters());
        Ok(())
    }

    async fn counters(&self, url: &str) -> [usize; 3] {
        let names = [
            Attribute::ApproximateNumberOfMessages,
            Attribute::ApproximateNumberOfMessagesNotVisible,
            Attribute::ApproximateNumberOfMessagesDelayed,
        ];
        let request = self.client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
        let attributes = request.send().await.expect("counted").attributes.expect("attributes");
        names.map(|name| attributes[&name].parse().expect("a number"))
    }

    async fn send(&mut self, delay: i64, group: u8) {
        if self.model.messages.len() >= MOST {
            return;
        }
        let number = self.model.receipts.len() + self.model.messages.len() + self.model.buried.len();
        let mut request = self.client.send_message().queue_url(&self.url).message_body(format!("body {number}"));
        let delay = if self.kind == Kind::Fifo { 0 } else { delay };
        request = match self.kind {
            Kind::Standard => request.delay_seconds(i32::try_from(delay).expect("small")),
            Kind::Fifo => request.message_group_id(group.to_string()).message_deduplication_id(uuid::Uuid::new_v4().to_string()),
        };
        let id = request.send().await.expect("sent").message_id.expect("an id");
        let visible_at = self.model.now + delay;
        self.model.messages.push(Message { id, group, visible_at, taken: false, receives: 0, receipt: None });
    }

    async fn receive(&mut self, most: i32, visibility: Option<i64>) -> Result<(), TestCaseError> {
        let (deliverable, now) = (self.model.deliverable(self.kind), self.model.now);
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(most).wait_time_seconds(0);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let request = request.set_visibility_timeout(visibility.map(|seconds| i32::try_from(seconds).expect("small")));
        let given = request.send().await.expect("received").messages.unwrap_or_default();
        let ids: Vec<String> = given.iter().map(|message| message.message_id.clone().expect("an id")).collect();
        let most = usize::try_from(most).expect("positive");

        let worn = |id: &String| self.kind == Kind::Standard && self.model.messages.iter().any(|m| m.id == *id && m.receives >= LIMIT);
        let fresh: Vec<String> = deliverable.iter().filter(|id| !worn(id)).cloned().collect();
        match self.kind {
            Kind::Fifo => prop_assert_eq!(&ids, &fresh.iter().take(most).cloned().collect::<Vec<_>>()),
            Kind::Standard => {
                prop_assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "no message twice in one answer");
                prop_assert!(ids.iter().all(|id| fresh.contains(id)), "{:?} of {:?}", ids, fresh);
                prop_assert_eq!(ids.len(), fresh.len().min(most));
            }
        }
        self.bury(&deliverable, ids.len() < most).await?;

        let hide = visibility.unwrap_or(VISIBILITY);
        for answer in given {
            let number = self.model.receipts.len();
            let (id, handle) = (answer.message_id.expect("an id"), answer.receipt_handle.expect("a handle"));
            let message = self.model.messages.iter_mut().find(|message| message.id == id).expect("it was deliverable");
            message.receives += 1;
            (message.visible_at, message.taken, message.receipt) = (now + hide, true, Some(number));
            let count = &answer.attributes.expect("attributes")[&MessageSystemAttributeName::ApproximateReceiveCount];
            prop_assert_eq!(count, &message.receives.to_string());
            self.model.receipts.push((id, handle));
        }
        Ok(())
    }

    /// Those received too often that came up are in the dead-letter queue now: all of them when the answer was not full.
    async fn bury(&mut self, deliverable: &[String], all: bool) -> Result<(), TestCaseError> {
        let moved = self.moved().await;
        let worn = |m: &Message| deliverable.contains(&m.id) && m.receives >= LIMIT && self.kind == Kind::Standard;
        let candidates: BTreeSet<String> = self.model.messages.iter().filter(|m| worn(m)).map(|m| m.id.clone()).collect();
        prop_assert!(moved.is_subset(&candidates), "{:?} of {:?}", moved, candidates);
        prop_assert!(!all || moved == candidates, "{:?} of {:?}", moved, candidates);
        self.model.messages.retain(|message| !moved.contains(&message.id));
        self.model.buried.extend(moved);
        Ok(())
    }

    /// Ids that came to the dead-letter queue since the last look; they are taken out of it.
    async fn moved(&self) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        loop {
            let request = self.client.receive_message().queue_url(&self.dead_letters).max_number_of_messages(10).wait_time_seconds(0);
            let given = request.send().await.expect("received").messages.unwrap_or_default();
            if given.is_empty() {
                return ids;
            }
            for message in given {
                let handle = message.receipt_handle.expect("a handle");
                self.client.delete_message().queue_url(&self.dead_letters).receipt_handle(handle).send().await.expect("deleted");
                ids.insert(message.message_id.expect("an id"));
            }
        }
    }

    async fn delete(&mut self, choice: usize) -> Result<(), TestCaseError> {
        let Some((number, handle)) = self.choose(choice) else { return Ok(()) };
        let (now, kind) = (self.model.now, self.kind);
        let answer = self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await;
        let Some(message) = self.model.of_receipt(number) else {
            prop_assert!(answer.is_ok(), "deleting twice, or with an old handle, is no error");
            return Ok(());
        };
        // A FIFO queue wants a handle that still hides its message; a standard queue takes it until it is received anew.
        let counts = kind == Kind::Standard || message.visible_at > now;
        let id = message.id.clone();
        prop_assert_eq!(answer.is_ok(), counts);
        if counts {
            self.model.messages.retain(|message| message.id != id);
        }
        Ok(())
    }

    async fn change(&mut self, choice: usize, seconds: i64) -> Result<(), TestCaseError> {
        let Some((number, handle)) = self.choose(choice) else { return Ok(()) };
        let now = self.model.now;
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(handle);
        let answer = request.visibility_timeout(i32::try_from(seconds).expect("small")).send().await;
        if let Some(message) = self.model.of_receipt(number) {
            let counts = message.visible_at > now;
            prop_assert_eq!(answer.is_ok(), counts, "only what is in flight can be hidden for longer");
            if counts {
                message.visible_at = now + seconds;
            }
        }
        Ok(())
    }

    fn choose(&self, choice: usize) -> Option<(usize, String)> {
        let count = self.model.receipts.len();
        (count > 0).then(|| (choice % count, self.model.receipts[choice % count].1.clone()))
    }
}

fn run(kind: Kind, deeds: &[Deed]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut bench = Bench::new(kind).await;
        for deed in deeds {
            bench.act(deed).await?;
        }
        Ok(())
    })
}

/// One message is received too often already; the others are now, and stay visible while the receive goes on.
#[test]
fn a_receive_does_not_bury_what_it_gives() {
    let send = Deed::Send { delay: 0, group: 0 };
    let receive = Deed::Receive { most: 10, visibility: Some(0) };
    let deeds = [&send, &receive, &send, &send, &receive, &receive, &receive, &receive];
    run(Kind::Standard, &deeds.map(Clone::clone)).expect("as its model");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_standard_queue_is_as_its_model(deeds in deeds()) {
        run(Kind::Standard, &deeds)?;
    }

    #[test]
    fn a_fifo_queue_is_as_its_model(deeds in deeds()) {
        run(Kind::Fifo, &deeds)?;
    }
}
