//! One request's way to the API server: a bearer token that is renewed, a deadline, and the retries that are always safe.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, RETRY_AFTER},
};
use kube::{Client, client::Body};
use tokio::{sync::Mutex, time};
use tower::BoxError;

use super::{client::Tokens, error::is_cut};
use crate::core::error::{Error, Kind};

/// How long a whole answer may take; streams are bounded by the connection's read timeout instead.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How often a request is sent at most, when the server asks to come back.
const ATTEMPTS: u32 = 5;
/// The longest wait that a server may ask for; beyond it the answer is handed on.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A token this close to its end is renewed.
const RENEW_BEFORE: Duration = Duration::from_mins(1);

/// Sends requests through a client that neither retries nor knows our tokens.
pub(super) struct Transport {
    inner: Client,
    tokens: Option<TokenCache>,
}

impl Transport {
    /// The way through `inner`, with the tokens that `tokens` makes where there is such a maker.
    pub(super) fn new(inner: Client, tokens: Option<Tokens>) -> Self {
        Self { inner, tokens: tokens.map(TokenCache::new) }
    }

    /// Wraps it as a client, which is what the rest of the crate's types want.
    pub(super) fn into_client(self, namespace: &str) -> Client {
        let transport = Arc::new(self);
        let service = tower::service_fn(move |request| {
            let transport = transport.clone();
            async move { transport.send(request).await }
        });
        Client::new(service, namespace)
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let streams = is_stream(&request);
        let mut request = request;
        let mut renewed = false;
        for attempt in 1.. {
            let again = copy(&request);
            if let Some(tokens) = &self.tokens {
                request.headers_mut().insert(AUTHORIZATION, tokens.header().await?);
            }
            let method = request.method().clone();
            let response = if streams { self.inner.send(request).await.map_err(BoxError::from) } else { self.answer(request).await };
            let (response, next) = match (response, again) {
                (Ok(response), Some(next)) => (response, next),
                (Err(error), Some(next)) if is_idempotent(&method) && attempt < ATTEMPTS && is_cut(error.as_ref()) => {
                    time::sleep(own_pause(attempt)).await;
                    request = next;
                    continue;
                }
                (response, _) => return response,
            };
            if response.status() == StatusCode::UNAUTHORIZED && !renewed && self.tokens.is_some() {
                renewed = true;
                if let Some(tokens) = &self.tokens {
                    tokens.forget().await;
                }
            } else {
                // Who follows a stream says what it lost, and asks anew itself.
                let stands = streams && response.status() == StatusCode::INTERNAL_SERVER_ERROR;
                match pause(response.status(), response.headers(), &method, attempt).filter(|_| !stands) {
                    Some(pause) => time::sleep(pause).await,
                    None => return Ok(response),
                }
            }
            request = next;
        }
        Err("a request is always answered within its attempts".into())
    }

    /// The whole answer, body included.
    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let whole = async {
            let (head, body) = self.inner.send(request).await?.into_parts();
            Ok::<_, BoxError>(Response::from_parts(head, Body::from(body.collect_bytes().await?)))
        };
        time::timeout(ANSWER_LIMIT, whole).await.unwrap_or_else(|_| {
            let why = format!("no answer within {} s", ANSWER_LIMIT.as_secs());
            Err(Error::new(Kind::Unavailable, "the API server is slow", why).into())
        })
    }
}

/// Whether the answer may go on for long: watches and followed logs.
fn is_stream(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1" | "follow=true"))
}

fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

/// How long to wait before the same request may be sent again; `None` when its answer stands.
///
/// As client-go does: when the server asks for it by `Retry-After`, or turns all requests away with 429. A server's 500,
/// and a gateway's 503 and 504, without such a header are tried again only where doing twice is doing once.
fn pause(status: StatusCode, headers: &HeaderMap, method: &Method, attempt: u32) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let retriable = match status.as_u16() {
        429 => true,
        500 | 503 | 504 if is_idempotent(method) => true,
        500..=599 => asked.is_some(),
        _ => false,
    };
    let own = own_pause(attempt);
    let wait = asked.unwrap_or(own).max(own);
    (retriable && attempt < ATTEMPTS && wait <= LONGEST_WAIT).then_some(wait)
}

/// Whether doing it twice is doing it once. Each of our patches is an apply; a replacement is guarded by a version, so that
/// its second try would fail.
fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::PATCH | Method::DELETE)
}

fn own_pause(attempt: u32) -> Duration {
    Duration::from_millis(100) * 2_u32.saturating_pow(attempt - 1)
}

/// The maker of tokens and its last token.
struct TokenCache {
    make: Tokens,
    last: Mutex<Option<(HeaderValue, SystemTime)>>,
}

impl TokenCache {
    fn new(make: Tokens) -> Self {
        Self { make, last: Mutex::new(None) }
    }

    /// The header to send; one request makes a new token while the others wait for it.
    async fn header(&self) -> Result<HeaderValue, BoxError> {
        let mut last = self.last.lock().await;
        if let Some((header, end)) = &*last
            && SystemTime::now() + RENEW_BEFORE < *end
        {
            return Ok(header.clone());
        }
        let (token, end) = (self.make)().await?;
        let refused = |_| Error::new(Kind::Failed, "could not use the cluster's token", "it holds characters that no header may hold");
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(refused)?;
        header.set_sensitive(true);
        *last = Some((header.clone(), end));
        Ok(header)
    }

    async fn forget(&self) {
        *self.last.lock().await = None;
    }
}

#[cfg(test)]
mod tests;
