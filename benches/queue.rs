//! Send, receive and delete by the official SDK over HTTP: the embedded service beside its peers in one run, as ratios.
//!
//! `cargo bench --bench queue`. Peers that are not installed are left out with a line: moto's server is taken from `.venv` (which
//! `tests/run peers` makes), fakecloud from `$KEDACTL_PEERS/bin` or the path. `KEDACTL_BENCH_SECONDS` is the time per peer and shape.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[expect(dead_code, reason = "the benches share it, each uses a part")]
mod support;

use std::time::{Duration, Instant};

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry},
};
use support::{Server, free_port, kedactl, peer};
use tokio::{sync::Barrier, task::JoinSet};

/// Tasks that send, receive and delete at once, each on a queue of its own.
const LANES: u32 = 64;
/// Messages per queue: moto slows down with the square of it.
const MESSAGES: u32 = 100;

/// How many messages one request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Single,
    TenAtOnce,
}

/// Seconds spent on each operation, summed over rounds, and the messages of one operation.
#[derive(Debug, Default, Clone, Copy)]
struct Spent {
    seconds: [f64; 3],
    messages: f64,
}

impl Spent {
    /// Messages per second of send, receive and delete, and of all three in turn: a message's whole way.
    fn rates(&self) -> [f64; 4] {
        let [send, receive, delete] = self.seconds;
        [send, receive, delete, send + receive + delete].map(|seconds| self.messages / seconds)
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts");
    let budget =
        std::env::var("KEDACTL_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).map_or(Duration::from_secs(5), Duration::from_secs);
    let state = tempfile::tempdir().expect("the temporary directory is writable");
    let servers = servers(state.path());
    println!("messages per second over HTTP, {LANES} clients at once; in brackets: kedactl over the peer");
    for shape in [Shape::Single, Shape::TenAtOnce] {
        println!("\n{shape:?}");
        println!("{:<18}{:>17}{:>17}{:>17}{:>17}", "", "send", "receive", "delete", "all three");
        let mut ours = None;
        for server in &servers {
            let rates = runtime.block_on(measure(&server.url, shape, budget)).rates();
            let base = *ours.get_or_insert(rates);
            let cell = |at: usize| format!("{:.0} ({:.1}x)", rates[at], base[at] / rates[at]);
            println!("{:<18}{:>17}{:>17}{:>17}{:>17}", server.name, cell(0), cell(1), cell(2), cell(3));
        }
    }
}

/// Ours first, then every peer that is installed.
fn servers(state: &std::path::Path) -> Vec<Server> {
    let mut ours = kedactl(state);
    ours.args(["local", "serve", "--listen", "127.0.0.1:0"]);
    let mut moto = std::process::Command::new(peer("moto_server"));
    moto.args(["-H", "127.0.0.1", "-p", "0"]);
    let mut fakecloud = std::process::Command::new(peer("fakecloud"));
    fakecloud.args(["--addr", &format!("127.0.0.1:{}", free_port())]);
    let started = [("kedactl (durable)", ours), ("moto", moto), ("fakecloud", fakecloud)];
    started.into_iter().filter_map(|(name, command)| Server::start(name, command)).collect()
}

/// Runs rounds until `budget` is spent; at least one.
async fn measure(url: &str, shape: Shape, budget: Duration) -> Spent {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "bench"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(url)
        .build();
    let client = Client::from_conf(config);
    let begun = Instant::now();
    let mut spent = Spent::default();
    while spent.messages == 0.0 || begun.elapsed() < budget {
        let round = round(&client, shape).await;
        for (sum, seconds) in spent.seconds.iter_mut().zip(round) {
            *sum += seconds;
        }
        spent.messages += f64::from(MESSAGES) * f64::from(LANES);
    }
    spent
}

/// One round on fresh queues: all send, then all receive, then all delete. Seconds of each.
async fn round(client: &Client, shape: Shape) -> [f64; 3] {
    let barrier = std::sync::Arc::new(Barrier::new(LANES as usize));
    let mut lanes = JoinSet::new();
    for _ in 0..LANES {
        lanes.spawn(lane(client.clone(), shape, barrier.clone()));
    }
    let times = lanes.join_all().await;
    // The barrier makes all lanes begin each operation together; it ends when the slowest is done.
    std::array::from_fn(|at| times.iter().map(|lane: &[f64; 3]| lane[at]).fold(0.0, f64::max))
}

async fn lane(client: Client, shape: Shape, barrier: std::sync::Arc<Barrier>) -> [f64; 3] {
    let name = format!("bench-{}", uuid::Uuid::new_v4());
    let queue = client.create_queue().queue_name(name).send().await.expect("a queue is made");
    let url = queue.queue_url.expect("a queue has a URL");
    barrier.wait().await;
    let begun = Instant::now();
    send(&client, &url, shape).await;
    let sent = begun.elapsed().as_secs_f64();
    barrier.wait().await;
    let begun = Instant::now();
    let handles = receive(&client, &url, shape).await;
    let received = begun.elapsed().as_secs_f64();
    barrier.wait().await;
    let begun = Instant::now();
    delete(&client, &url, shape, handles).await;
    let deleted = begun.elapsed().as_secs_f64();
    barrier.wait().await;
    client.delete_queue().queue_url(url).send().await.expect("the queue is deleted");
    [sent, received, deleted]
}

async fn send(client: &Client, url: &str, shape: Shape) {
    let body = r#"{"video":"clip-0001.mp4","quality":"1080p","n":1}"#;
    if shape == Shape::Single {
        for _ in 0..MESSAGES {
            client.send_message().queue_url(url).message_body(body).send().await.expect("a message is sent");
        }
        return;
    }
    for _ in 0..MESSAGES / 10 {
        let entry = |n: usize| SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(body).build().expect("complete");
        let answer = client.send_message_batch().queue_url(url).set_entries(Some((0..10).map(entry).collect())).send().await;
        assert_eq!(answer.expect("a batch is sent").successful.len(), 10);
    }
}

async fn receive(client: &Client, url: &str, shape: Shape) -> Vec<String> {
    let at_once = if shape == Shape::Single { 1 } else { 10 };
    let mut handles = Vec::with_capacity(MESSAGES as usize);
    while handles.len() < MESSAGES as usize {
        let answer = client.receive_message().queue_url(url).max_number_of_messages(at_once).visibility_timeout(600).send().await;
        let messages = answer.expect("a receive is answered").messages.unwrap_or_default();
        assert!(!messages.is_empty(), "{} of {MESSAGES} messages came", handles.len());
        handles.extend(messages.into_iter().filter_map(|message| message.receipt_handle));
    }
    handles
}

async fn delete(client: &Client, url: &str, shape: Shape, handles: Vec<String>) {
    if shape == Shape::Single {
        for handle in handles {
            client.delete_message().queue_url(url).receipt_handle(handle).send().await.expect("a message is deleted");
        }
        return;
    }
    for ten in handles.chunks(10) {
        let entry = |(n, handle): (usize, &String)| {
            DeleteMessageBatchRequestEntry::builder().id(n.to_string()).receipt_handle(handle).build().expect("complete")
        };
        let entries = ten.iter().enumerate().map(entry).collect();
        let answer = client.delete_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
        assert_eq!(answer.expect("a batch is deleted").successful.len(), ten.len());
    }
}
