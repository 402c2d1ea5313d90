//! Contract of the analyzer: the same over HTTP and in process; and what a client of the bare interface sees.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::routing::post;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::backend::{
    analyzer::{AnalyzerStore, router},
    listen::{bind, serve},
};

fn fresh() -> (tempfile::TempDir, Router) {
    let dir = tempfile::tempdir().expect("tempdir");
    let store = AnalyzerStore::open(&dir.path().join("analyzer.db")).expect("opened");
    (dir, router(store))
}

/// Serves `router` on a free port while `visit` runs.
async fn served<T>(router: Router, visit: impl AsyncFnOnce(String) -> T) -> T {
    let listener = bind("--listen", "127.0.0.1:0".parse().expect("valid")).await.expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let cancel = CancellationToken::new();
    let visiting = async {
        let seen = visit(url).await;
        cancel.cancel();
        seen
    };
    let (served, seen) = tokio::join!(serve("the analyzer", listener, router, cancel.clone()), visiting);
    served.expect("served");
    seen
}

fn count(message: &str, job: &str) -> Count {
    Count { message_id: message.into(), job: job.into() }
}

async fn contract(analyzer: &dyn Analyzer) {
    assert_eq!(analyzer.lines().await.expect("asked"), Vec::<String>::new());
    for _ in 0..2 {
        analyzer.processed(&count("m1", "j1")).await.expect("counted");
        analyzer.killed(&count("m2", "j2")).await.expect("counted");
    }
    let lines = analyzer.lines().await.expect("asked");
    let ends: Vec<&str> = lines.iter().map(|line| &line[19..]).collect();
    assert_eq!(ends, [" - processed count 1", " - kill count 1"]);
    let records = analyzer.records().await.expect("asked");
    let named: Vec<_> = records.iter().map(|r| (r.kind.as_str(), r.message_id.as_deref(), r.job.as_deref())).collect();
    assert_eq!(named, [("processed", Some("m1"), Some("j1")), ("kill", Some("m2"), Some("j2"))]);
    for _ in 0..2 {
        analyzer.reset().await.expect("reset");
        assert_eq!(analyzer.records().await.expect("asked"), []);
    }
}

#[tokio::test]
async fn in_process_and_over_http_it_counts_the_same() {
    let (_dir, router) = fresh();
    contract(&Client::in_process(router.clone())).await;
    served(router, async |url: String| contract(&Client::http(&url).expect("valid")).await).await;
}

async fn bare(router: &Router, method: &str, path: &str, body: impl Into<Body>) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).body(body.into()).expect("valid");
    let response = router.clone().oneshot(request).await.expect("infallible");
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.expect("read").to_bytes();
    (status, serde_json::from_slice(&bytes).expect("every answer is JSON"))
}

#[tokio::test]
async fn the_articles_curl_gets_the_articles_answers() {
    let (_dir, router) = fresh();
    for n in 1..=2 {
        assert_eq!(bare(&router, "POST", "/create/count", "").await, (200, json!({"message": "Count incremented"})));
        assert_eq!(bare(&router, "POST", "/kill/count", "").await, (200, json!({"message": "Kill incremented"})));
        let (_, lines) = bare(&router, "GET", "/get/count", "").await;
        assert_eq!(lines.as_array().expect("an array").len(), 2 * n, "a count that names no message is always added");
    }
    assert_eq!(bare(&router, "POST", "/reset", "").await, (200, json!({"message": "Reset Successfully"})));
    assert_eq!(bare(&router, "GET", "/get/count", "").await, (200, json!([])));
}

#[tokio::test]
async fn every_refusal_is_json_and_counts_nothing() {
    let (_dir, router) = fresh();
    let long_name = json!({"message_id": "x".repeat(600)}).to_string();
    for (method, path, body, status) in [
        ("GET", "/", String::new(), 404),
        ("POST", "/get/counts", String::new(), 404),
        ("GET", "/create/count", String::new(), 405),
        ("DELETE", "/get/count", String::new(), 405),
        ("POST", "/create/count", "not json".to_owned(), 400),
        ("POST", "/create/count", r#"{"message_id": 5}"#.to_owned(), 400),
        ("POST", "/kill/count", long_name, 400),
        ("POST", "/create/count", " ".repeat(20_000), 413),
    ] {
        let (got, answer) = bare(&router, method, path, body).await;
        assert_eq!(got, status, "{method} {path}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    assert_eq!(bare(&router, "GET", "/records", "").await, (200, json!([])));
}

#[tokio::test]
async fn passing_faults_are_tried_again_within_bounds() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let weak = Router::new().route(
        "/create/count",
        post(async move || match counted.fetch_add(1, Ordering::Relaxed) {
            0 | 1 | 3.. => (StatusCode::SERVICE_UNAVAILABLE, "{}"),
            2 => (StatusCode::OK, "{}"),
        }),
    );
    let client = Client::in_process(weak);
    client.processed(&count("m", "j")).await.expect("the third try succeeds");
    assert!(client.processed(&count("m", "j")).await.expect_err("gives up").is_passing());
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn an_analyzer_that_is_not_there_is_a_passing_fault() {
    let listener = bind("--listen", "127.0.0.1:0".parse().expect("valid")).await.expect("bound");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let error = Client::http(&format!("http://user:secret@{address}")).expect("valid").lines().await.expect_err("nobody listens");
    assert!(error.is_passing());
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[test]
fn only_http_urls_are_analyzers() {
    for bad in ["", "localhost:8080", "ftp://host", "http://"] {
        assert_eq!(Client::http(bad).expect_err(bad).exit_code(), 2);
    }
}
