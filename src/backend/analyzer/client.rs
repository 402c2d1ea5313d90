//! The analyzer as the commands see it: called in process, or over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    backend::tls,
    core::{
        error::{Error, Kind, Result, innermost},
        ports::{Analyzer, Count, CountRecord},
    },
};

/// Tries of one call; a message's count is the same however often it arrives.
const TRIES: u32 = 3;
/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// A client of one analyzer.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
}

#[derive(Debug, Clone)]
enum Transport {
    InProcess(Router),
    Http { base: reqwest::Url, client: reqwest::Client },
}

impl Client {
    /// Calls `router` in this process: no port, no daemon.
    pub fn in_process(router: Router) -> Self {
        Self { transport: Transport::InProcess(router) }
    }

    /// Calls the analyzer at `url`, such as `http://127.0.0.1:8080`. A call takes at most 5 s.
    ///
    /// # Errors
    /// `Input` when `url` is not an http or https URL.
    pub fn http(url: &str) -> Result<Self> {
        let invalid = |why: &str| Error::input("--analyzer-url", url, why).hint("it looks like http://127.0.0.1:8080");
        let mut base = reqwest::Url::parse(url).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(invalid("it must start with http:// or https:// and name a host"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        tls::install();
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                let hint = "see that the certificates of the public authorities are there: /etc/ssl/certs/ca-certificates.crt";
                Error::failed("could not make an HTTP client", error).hint(hint)
            })?;
        Ok(Self { transport: Transport::Http { base, client } })
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&Value>) -> Result<T> {
        let mut pause = Duration::from_millis(100);
        for _ in 1..TRIES {
            match self.once(method.clone(), path, body).await {
                Err(error) if error.is_passing() => tokio::time::sleep(pause).await,
                outcome => return outcome.and_then(|answer| read(path, &answer)),
            }
            pause *= 3;
        }
        self.once(method, path, body).await.and_then(|answer| read(path, &answer))
    }

    async fn once(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Bytes> {
        let (status, answer) = match &self.transport {
            Transport::InProcess(router) => in_process(router, method, path, body).await?,
            Transport::Http { base, client } => over_http(client, base, method, path, body).await?,
        };
        if status.is_success() {
            return Ok(answer);
        }
        let kind = match status {
            StatusCode::NOT_FOUND => Kind::NotFound,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Kind::Denied,
            StatusCode::TOO_MANY_REQUESTS => Kind::Unavailable,
            _ if status.is_server_error() => Kind::Unavailable,
            _ => Kind::Failed,
        };
        let why = serde_json::from_slice::<Value>(&answer).ok().and_then(|value| value["error"].as_str().map(str::to_owned));
        Err(Error::new(kind, what(path), why.unwrap_or_else(|| status.to_string())))
    }
}

async fn in_process(router: &Router, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Bytes)> {
    let body = body.map_or_else(Body::empty, |value| Body::from(value.to_string()));
    let request = Request::builder().method(method).uri(format!("/{path}")).body(body);
    let request = request.map_err(|error| Error::failed(what(path), error))?;
    let response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    let answer = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    Ok((status, answer.map_err(|error| Error::failed(what(path), error))?.to_bytes()))
}

async fn over_http(
    client: &reqwest::Client,
    base: &reqwest::Url,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<(StatusCode, Bytes)> {
    let passing = |error: reqwest::Error| {
        let kind = if error.is_builder() { Kind::Input } else { Kind::Unavailable };
        // The address may hold a password: it stays out of the error.
        Error::new(kind, what(path), innermost(&error.without_url())).hint("check --analyzer-url, or start one with `kedactl analyzer`")
    };
    let url = base.join(path).map_err(|error| Error::input("--analyzer-url", base.host_str().unwrap_or_default(), error.to_string()))?;
    let mut request = client.request(method, url);
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.map_err(passing)?;
    let status = response.status();
    let answer = Limited::new(reqwest::Body::from(response), LONGEST_ANSWER).collect().await;
    let answer = answer.map_err(|error| Error::new(Kind::Unavailable, what(path), error.to_string()))?;
    Ok((status, answer.to_bytes()))
}

fn what(path: &str) -> String {
    format!("the analyzer did not answer /{path}")
}

fn read<T: DeserializeOwned>(path: &str, answer: &[u8]) -> Result<T> {
    serde_json::from_slice(answer)
        .map_err(|error| Error::failed(format!("the analyzer's answer to /{path} is not what was expected"), error))
}

fn body(count: &Count) -> Value {
    json!({ "message_id": count.message_id, "job": count.job })
}

#[async_trait]
impl Analyzer for Client {
    async fn processed(&self, count: &Count) -> Result<()> {
        self.ask::<Value>(Method::POST, "create/count", Some(&body(count))).await.map(|_| ())
    }

    async fn killed(&self, count: &Count) -> Result<()> {
        self.ask::<Value>(Method::POST, "kill/count", Some(&body(count))).await.map(|_| ())
    }

    async fn lines(&self) -> Result<Vec<String>> {
        self.ask(Method::GET, "get/count", None).await
    }

    async fn records(&self) -> Result<Vec<CountRecord>> {
        self.ask(Method::GET, "records", None).await
    }

    async fn reset(&self) -> Result<()> {
        self.ask::<Value>(Method::POST, "reset", None).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests;
