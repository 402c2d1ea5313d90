//! The analyzer's HTTP interface: the article's four endpoints, and one record per count.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{AnalyzerStore, CountKind};
use crate::core::error::{Error, Result};

/// The longest body that is read, in bytes.
const LONGEST_BODY: usize = 16 * 1024;
/// The longest message id or job name that is kept, in bytes.
const LONGEST_NAME: usize = 512;

/// The interface over `store`, to be served on a port or called in process.
pub fn router(store: AnalyzerStore) -> Router {
    Router::new()
        .route("/create/count", post(processed))
        .route("/kill/count", post(killed))
        .route("/reset", post(reset))
        .route("/get/count", get(lines))
        .route("/records", get(records))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "no such path"))
        .method_not_allowed_fallback(async || refuse(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method"))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(store)
}

/// Which message was counted, and by which job. Optional: the article's curl sends nothing.
#[derive(Debug, Default, Deserialize)]
struct Subject {
    message_id: Option<String>,
    job: Option<String>,
}

async fn processed(State(store): State<AnalyzerStore>, body: Result<Bytes, BytesRejection>) -> Response {
    count(&store, CountKind::Processed, body, "Count incremented").await
}

async fn killed(State(store): State<AnalyzerStore>, body: Result<Bytes, BytesRejection>) -> Response {
    count(&store, CountKind::Kill, body, "Kill incremented").await
}

async fn count(store: &AnalyzerStore, kind: CountKind, body: Result<Bytes, BytesRejection>, answer: &str) -> Response {
    let subject = match body {
        Ok(body) if body.is_empty() => Subject::default(),
        Ok(body) => match serde_json::from_slice::<Subject>(&body) {
            Ok(subject) => subject,
            Err(error) => {
                return refuse(StatusCode::BAD_REQUEST, &format!("the body is not a JSON object with message_id and job: {error}"));
            }
        },
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is longer than {LONGEST_BODY} bytes"));
        }
        Err(rejection) => return refuse(rejection.status(), "the body could not be read"),
    };
    if [&subject.message_id, &subject.job].into_iter().flatten().any(|name| name.len() > LONGEST_NAME) {
        return refuse(StatusCode::BAD_REQUEST, &format!("message_id and job may have {LONGEST_NAME} bytes each"));
    }
    match store.add(kind, subject.message_id, subject.job, Timestamp::now()).await {
        Ok(()) => say(answer),
        Err(error) => broken(&error),
    }
}

async fn reset(State(store): State<AnalyzerStore>) -> Response {
    match store.reset().await {
        Ok(()) => say("Reset Successfully"),
        Err(error) => broken(&error),
    }
}

async fn lines(State(store): State<AnalyzerStore>) -> Response {
    match store.lines().await {
        Ok(lines) => Json(lines).into_response(),
        Err(error) => broken(&error),
    }
}

async fn records(State(store): State<AnalyzerStore>) -> Response {
    match store.records().await {
        Ok(records) => Json(records).into_response(),
        Err(error) => broken(&error),
    }
}

fn say(message: &str) -> Response {
    Json(json!({ "message": message })).into_response()
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

fn broken(error: &Error) -> Response {
    refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
}
