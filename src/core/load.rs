//! What `produce` sends, when and where to: a pure function of count, rate and seed.

mod destination;
mod limits;
mod rate;

use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::ports::Outgoing;

pub use destination::Destination;
pub use limits::{Bodied, Limits, MOST_BYTES, MOST_DELAY, MOST_MESSAGES, MOST_STREAM, check_group, count, value};
pub use rate::Rate;

/// With a rate, messages due within this time travel together: at 50/s five at a time, at 1/s one.
const SLOT: Duration = Duration::from_millis(100);
/// The qualities a video may be asked for.
const QUALITIES: [&str; 4] = ["480p", "720p", "1080p", "4k"];

/// The bodies of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bodies {
    /// Video-encoding requests; the same seed gives the same requests.
    Videos {
        /// The seed.
        seed: u64,
    },
    /// One body for all.
    Same(String),
    /// One body each.
    Each(Vec<String>),
    /// One after another, again and again.
    Turns(Vec<String>),
}

/// Messages to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// How many.
    pub count: u64,
    /// Their bodies.
    pub bodies: Bodies,
    /// How fast; absent means as fast as the queue takes them.
    pub rate: Option<Rate>,
    /// Seconds before each becomes visible, 0 to 900.
    pub delay_seconds: Option<u32>,
    /// The message group; FIFO queues need one.
    pub group: Option<String>,
    /// Whether the queue is FIFO: messages then have deduplication ids and travel in order.
    pub fifo: bool,
    /// Names this run; unique, as deduplication ids follow from it.
    pub run: String,
    /// Where they go; absent means the stack's queue, or another one that was named by its URL.
    pub to: Option<Destination>,
}

/// Messages that travel together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// When, from the start of the run.
    pub due: Duration,
    /// As many as one request takes.
    pub messages: Vec<Outgoing>,
}

impl Load {
    /// The messages, numbered from 1.
    pub fn messages(&self) -> impl Iterator<Item = Outgoing> + Send + '_ {
        (1..=self.count).map(|number| Outgoing {
            number,
            body: self.body(number),
            delay_seconds: self.delay_seconds,
            group: self.group.clone(),
            deduplication: self.fifo.then(|| format!("{}-{number}", self.run)),
        })
    }

    /// What their destination takes.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.to.as_ref().map_or(Limits::SQS, Destination::limits)
    }

    /// The messages in batches, in order of time.
    pub fn batches(&self) -> impl Iterator<Item = Batch> + Send + '_ {
        let limits = self.limits();
        let mut messages = self.messages().peekable();
        std::iter::from_fn(move || {
            let first = messages.next()?;
            let due = self.due(first.number);
            let mut bytes = first.body.len();
            let mut batch = vec![first];
            while batch.len() < limits.batch {
                let fits = |next: &Outgoing| bytes + next.body.len() <= limits.request && self.due(next.number) < due + SLOT;
                let Some(next) = messages.next_if(fits) else { break };
                bytes += next.body.len();
                batch.push(next);
            }
            Some(Batch { due, messages: batch })
        })
    }

    fn due(&self, number: u64) -> Duration {
        self.rate.map_or(Duration::ZERO, |rate| rate.due(number - 1))
    }

    fn body(&self, number: u64) -> String {
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        match &self.bodies {
            Bodies::Videos { seed } => video(*seed, number),
            Bodies::Same(body) => body.clone(),
            Bodies::Each(bodies) => bodies.get(index).cloned().unwrap_or_default(),
            Bodies::Turns(bodies) => bodies.get(index % bodies.len().max(1)).cloned().unwrap_or_default(),
        }
    }
}

/// A video-encoding request. Hashed rather than drawn, so that each stands alone and stays the same in every version.
fn video(seed: u64, number: u64) -> String {
    let digest = Sha256::digest([seed.to_be_bytes(), number.to_be_bytes()].concat());
    let clip = u32::from_be_bytes([0, digest[1], digest[2], digest[3]]);
    let quality = QUALITIES[usize::from(digest[0]) % QUALITIES.len()];
    let request = Request { video: format!("clip-{clip:06x}.mp4"), quality, n: number };
    serde_json::to_string(&request).expect("a struct of text and numbers is JSON")
}

/// What the video encoder is asked for.
#[derive(Serialize)]
struct Request {
    video: String,
    quality: &'static str,
    n: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(count: u64) -> Load {
        let bodies = Bodies::Videos { seed: 0 };
        Load { count, bodies, rate: None, delay_seconds: None, group: None, fifo: false, run: "r".into(), to: None }
    }

    fn rated(count: u64, rate: &str) -> Load {
        Load { rate: Some(rate.parse().expect("valid")), ..load(count) }
    }

    fn shape(load: &Load) -> Vec<(u64, usize)> {
        load.batches().map(|batch| (u64::try_from(batch.due.as_millis()).expect("small"), batch.messages.len())).collect()
    }

    #[test]
    fn a_request_is_the_same_for_the_same_seed_in_every_version() {
        let first = load(1).messages().next().expect("one").body;
        let request: serde_json::Value = serde_json::from_str(&first).expect("valid");
        assert_eq!(first, r#"{"video":"clip-3ccd10.mp4","quality":"480p","n":1}"#);
        assert_eq!(request["n"], 1);
        let other = Load { bodies: Bodies::Videos { seed: 1 }, ..load(1) };
        assert_ne!(other.messages().next().expect("one").body, first);
    }

    #[test]
    fn every_quality_is_asked_for() {
        let bodies: Vec<String> = load(100).messages().map(|message| message.body).collect();
        for quality in QUALITIES {
            assert!(bodies.iter().any(|body| body.contains(&format!("\"{quality}\""))), "{quality}");
        }
    }

    #[test]
    fn messages_travel_in_tens() {
        assert_eq!(shape(&load(25)), [(0, 10), (0, 10), (0, 5)]);
    }

    #[test]
    fn a_rate_spreads_batches_over_time() {
        assert_eq!(shape(&rated(10, "50/s")), [(0, 5), (100, 5)]);
        assert_eq!(shape(&rated(3, "1/s")), [(0, 1), (1000, 1), (2000, 1)]);
        assert_eq!(shape(&rated(25, "1000/s")), [(0, 10), (10, 10), (20, 5)]);
    }

    #[test]
    fn large_bodies_travel_in_smaller_batches() {
        let large = Load { bodies: Bodies::Same("x".repeat(MOST_BYTES / 2)), ..load(5) };
        assert_eq!(shape(&large), [(0, 2), (0, 2), (0, 1)]);
        let largest = Load { bodies: Bodies::Same("x".repeat(MOST_BYTES)), ..load(2) };
        assert_eq!(shape(&largest), [(0, 1), (0, 1)]);
    }

    #[test]
    fn values_come_in_turns() {
        let turns = Load { bodies: Bodies::Turns(["1", "5", "3"].map(str::to_owned).to_vec()), ..load(5) };
        assert_eq!(turns.messages().map(|message| message.body).collect::<Vec<_>>(), ["1", "5", "3", "1", "5"]);
    }

    #[test]
    fn a_batch_is_as_large_as_the_destination_takes() {
        let to = |to: &str, count| Load { to: Some(to.parse().expect("valid")), ..load(count) };
        assert_eq!(shape(&to("kinesis://s", 1001)), [(0, 500), (0, 500), (0, 1)]);
        assert_eq!(shape(&to("dynamodb://tbl", 30)), [(0, 25), (0, 5)]);
        assert_eq!(shape(&to("cloudwatch://n/m", 300)), [(0, 150), (0, 150)]);
        let large = Load { bodies: Bodies::Same("x".repeat(MOST_BYTES)), ..to("kinesis://s", 9) };
        assert_eq!(shape(&large), [(0, 4), (0, 4), (0, 1)]);
    }

    #[test]
    fn only_fifo_messages_have_deduplication_ids() {
        let fifo = Load { fifo: true, group: Some("g".into()), ..load(2) };
        let ids: Vec<_> = fifo.messages().map(|message| message.deduplication).collect();
        assert_eq!(ids, [Some("r-1".to_owned()), Some("r-2".to_owned())]);
        assert!(load(1).messages().all(|message| message.deduplication.is_none()));
    }

    proptest! {
        #[test]
        fn batches_hold_every_message_once_within_all_limits(
            sizes in prop::collection::vec(1usize..400_000, 1..40),
            per_second in prop::option::of(1u32..2000),
        ) {
            let bodies: Vec<String> = sizes.iter().map(|size| "x".repeat(*size)).collect();
            let rate = per_second.map(|n| format!("{n}/s").parse().expect("valid"));
            let load = Load { count: bodies.len() as u64, bodies: Bodies::Each(bodies.clone()), rate, ..load(0) };
            let batches: Vec<Batch> = load.batches().collect();
            for batch in &batches {
                let bytes: usize = batch.messages.iter().map(|message| message.body.len()).sum();
                prop_assert!((1..=10).contains(&batch.messages.len()) && bytes <= MOST_BYTES);
            }
            prop_assert!(batches.windows(2).all(|pair| pair[0].due <= pair[1].due));
            let sent: Vec<_> = batches.into_iter().flat_map(|batch| batch.messages).collect();
            prop_assert!(sent.iter().zip(1..).all(|(message, number)| message.number == number));
            prop_assert_eq!(sent.into_iter().map(|message| message.body).collect::<Vec<_>>(), bodies);
        }
    }
}
