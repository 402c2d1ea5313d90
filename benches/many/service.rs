//! The embedded service on a port of this process, as far away as AWS, counting what it is asked.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use futures_util::{StreamExt, stream};
use kedactl::backend::emulator::Emulator;
use tokio::{net::TcpListener, runtime::Runtime};

use super::ROUND_TRIP;

/// The service; it ends when this is dropped.
pub(super) struct AwsService {
    pub(super) url: String,
    asked: Arc<AtomicU64>,
    _runtime: Runtime,
}

/// The queue of that number.
pub(super) fn queue_url(number: usize) -> String {
    format!("https://sqs.us-east-1.amazonaws.com/123456789012/{}", name(number))
}

fn name(number: usize) -> String {
    format!("bench-{number:05}")
}

impl AwsService {
    /// Serves the file at `path`, with so many queues.
    pub(super) fn start(path: &Path, queues: usize) -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let emulator = Emulator::open(path).expect("opens");
        let asked = Arc::new(AtomicU64::new(0));
        let url = runtime.block_on(async {
            make(&emulator, queues).await;
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
            let url = format!("http://{}", listener.local_addr().expect("bound"));
            let router = Router::new().fallback(answer).with_state((emulator, asked.clone()));
            tokio::spawn(async move { axum::serve(listener, router).await });
            url
        });
        Self { url, asked, _runtime: runtime }
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn make(emulator: &Emulator, queues: usize) {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIABENCH00000000000", "none", None, None, "bench"))
        .http_client(emulator.http_client())
        .build();
    let client = aws_sdk_sqs::Client::from_conf(config);
    let make = async |number| {
        client.create_queue().queue_name(name(number)).send().await.expect("a queue is made");
    };
    stream::iter(0..queues).for_each_concurrent(64, make).await;
}

async fn answer(State((emulator, asked)): State<(Emulator, Arc<AtomicU64>)>, request: Request) -> Response {
    asked.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    tokio::time::sleep(ROUND_TRIP).await;
    emulator.handle(Request::from_parts(parts, body)).await.map(Body::from)
}
