//! The embedded service on a loopback port, for the AWS CLI, boto3 or anything else.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
    routing::post,
    serve::ListenerExt,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Emulator, error::ServiceError, request::Service};
use crate::core::error::{Error, Kind, Result};

/// Largest request body in bytes: a batch of 1 MiB, JSON-escaped or form-encoded at the worst six times as long, and room for its attributes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// How long answers under way may take once `cancel` is set.
const GRACE: Duration = Duration::from_secs(3);

/// Which paths are offered beside the AWS wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extras {
    /// None.
    #[default]
    None,
    /// `POST /moto-api/reset` empties every table: the tests of moto call it between cases.
    TestReset,
}

/// Binds `address`; port 0 picks a free one.
///
/// # Errors
/// `Input` when the address cannot be used, for example because the port is taken.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Error::new(Kind::Input, format!("could not listen on `{address}`"), error.kind().to_string())
            .hint(format!("pass another address, such as `--listen {}`; port 0 picks a free one", SocketAddr::new(address.ip(), 0)))
    })
}

/// Serves until `cancel` is set. Long polls end at once then; other answers under way get a few seconds.
///
/// # Errors
/// `Failed` when the listener fails.
pub async fn serve(emulator: Emulator, listener: TcpListener, extras: Extras, cancel: CancellationToken) -> Result<()> {
    let emulator = emulator.stopping_with(cancel.clone());
    let mut router = Router::new();
    if extras == Extras::TestReset {
        router = router.route("/moto-api/reset", post(reset));
    }
    let router = router.fallback(answer).with_state(emulator);
    let listener = listener.tap_io(|stream| {
        // Without it small answers wait for the client's acknowledgement; a socket that refuses it is only slower.
        let _ = stream.set_nodelay(true);
    });
    let stop = cancel.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::select! {
        ended = async { server.await } => ended.map_err(|error| Error::failed("the embedded service stopped", error)),
        () = async { cancel.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

async fn answer(State(emulator): State<Emulator>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let response = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => emulator.handle(Request::from_parts(parts, body)).await,
        Err(_) => ServiceError::new("RequestEntityTooLarge", format!("the body could not be read or is longer than {BODY_LIMIT} bytes"))
            .status(413)
            .respond(Service::SqsJson),
    };
    response.map(Body::from)
}

async fn reset(State(emulator): State<Emulator>) -> Response {
    match emulator.reset().await {
        Ok(()) => Response::new(Body::from(r#"{"status": "ok"}"#)),
        Err(error) => error.respond(Service::SqsJson).map(Body::from),
    }
}
