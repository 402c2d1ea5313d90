//! Addresses to listen on: read, bound, served. Every server of ours is on this machine's own address unless another is asked for.

use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::net::{TcpListener, lookup_host};
use tokio_util::sync::CancellationToken;

use crate::core::error::{Error, Kind, Result};

/// How long open requests may take to end once a server is to stop.
const DRAIN: Duration = Duration::from_secs(3);

/// The address that `text` means: `HOST:PORT`, or `:PORT` on this machine's own address. `flag` is what it was given to.
///
/// # Errors
/// `Input` when it is no such text, or nobody knows the host.
pub async fn resolve(flag: &str, text: &str) -> Result<SocketAddr> {
    let refused = |why: String| Error::input(flag, text, why).hint(format!("for example `{flag} 127.0.0.1:9090` or `{flag} :9090`"));
    let whole = if text.starts_with(':') { format!("127.0.0.1{text}") } else { text.to_owned() };
    let (host, port) = whole.rsplit_once(':').ok_or_else(|| refused("it has no port".to_owned()))?;
    if port.parse::<u16>().is_err() {
        return Err(refused(format!("`{port}` is no port from 0 to 65535")));
    }
    let mut found = lookup_host(&whole).await.map_err(|error| refused(format!("`{host}` cannot be resolved: {error}")))?;
    found.next().ok_or_else(|| refused(format!("`{host}` has no address")))
}

/// Binds `address`, which was given to `flag`.
///
/// # Errors
/// `Input`, naming the address, when it is in use or not this machine's.
pub async fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
            io::ErrorKind::AddrNotAvailable => "it is no address of this machine".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Error::input(flag, address, why).hint(format!("choose another port with {flag}, or port 0 for any that is free"))
    })
}

/// Serves `router`, as `who` calls itself, until `cancel`; open requests then have 3 s to end.
///
/// # Errors
/// `Failed` when the socket breaks.
pub async fn serve(who: &str, listener: TcpListener, router: Router, cancel: CancellationToken) -> Result<()> {
    let stop = cancel.clone();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    let overdue = async {
        cancel.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = serving => ended.map_err(|error| Error::new(Kind::Failed, format!("{who} stopped"), error.to_string())),
        () = overdue => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_alone_is_on_this_machine() {
        let resolved = async |text: &str| resolve("--metrics", text).await.expect("resolved").to_string();
        assert_eq!(resolved(":9090").await, "127.0.0.1:9090");
        assert_eq!(resolved("127.0.0.1:0").await, "127.0.0.1:0");
        assert_eq!(resolved("[::1]:80").await, "[::1]:80");
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused_with_an_example() {
        for bad in ["", "9090", ":", "127.0.0.1:http", ":65536", "no such host:1", "host.invalid:80"] {
            let error = resolve("--metrics", bad).await.expect_err(bad);
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(&format!("--metrics `{bad}`")) && error.hint.is_some(), "{error}");
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let taken = bind("--metrics", ([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let address = taken.local_addr().expect("bound");
        let error = bind("--metrics", address).await.expect_err("taken");
        assert_eq!((error.exit_code(), error.to_string()), (2, format!("invalid --metrics `{address}`: the port is in use")));
    }
}
