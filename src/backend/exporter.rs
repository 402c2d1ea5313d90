//! The scaler's metrics over HTTP, in Prometheus' text format: a view of the event stream.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::{CounterVec, GaugeVec, Opts, Registry, TEXT_FORMAT, TextEncoder};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::listen;
use crate::core::{
    error::{Error, Result},
    event::{Event, Reporter},
    meter::{Family, Meter, Nature},
};

/// The flag that asks for it.
const FLAG: &str = "--metrics";

/// An address that is bound, but not served yet.
#[derive(Debug)]
pub struct Socket {
    listener: TcpListener,
    address: SocketAddr,
}

impl Socket {
    /// Binds the address that `text` means: `HOST:PORT`, or `:PORT` on this machine's own address.
    ///
    /// # Errors
    /// `Input` when it cannot be resolved, is in use, or is no address of this machine.
    pub async fn bind(text: &str) -> Result<Self> {
        let listener = listen::bind(FLAG, listen::resolve(FLAG, text).await?).await?;
        let address = listener.local_addr().map_err(|error| Error::failed("could not learn the port", error))?;
        Ok(Self { listener, address })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `meter`, which takes in what the exporter is told, at `/metrics`.
    #[must_use]
    pub fn serve(self, meter: Meter) -> Exporter {
        let meter = Arc::new(Mutex::new(meter));
        let router = Router::new().route("/metrics", get(scrape)).with_state(meter.clone());
        let cancel = CancellationToken::new();
        let server = tokio::spawn({
            let cancel = cancel.clone();
            async move { listen::serve("the metrics", self.listener, router, cancel).await }
        });
        Exporter { meter, server, cancel: cancel.drop_guard() }
    }
}

/// Serves metrics until it is ended, or dropped.
#[derive(Debug)]
pub struct Exporter {
    meter: Arc<Mutex<Meter>>,
    server: JoinHandle<Result<()>>,
    cancel: DropGuard,
}

impl Exporter {
    /// What must be told of events.
    #[must_use]
    pub fn reporter(&self) -> Box<dyn Reporter> {
        Box::new(Gauges(self.meter.clone()))
    }

    /// Ends the server; a scrape under way is answered.
    ///
    /// # Errors
    /// `Failed` when it had broken before.
    pub async fn end(self) -> Result<()> {
        self.cancel.disarm().cancel();
        self.server.await.map_err(|error| Error::failed("the metrics stopped", error))?
    }
}

struct Gauges(Arc<Mutex<Meter>>);

impl Reporter for Gauges {
    fn report(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).apply(event);
    }
}

async fn scrape(State(meter): State<Arc<Mutex<Meter>>>) -> Response {
    let text = render(&meter.lock().unwrap_or_else(PoisonError::into_inner));
    match text {
        Ok(text) => ([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// The samples as text. A registry of their own for each scrape: what is gone from the fold is gone from the page.
fn render(meter: &Meter) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    for family in Family::ALL {
        let options = Opts::new(family.name(), family.help());
        let samples = meter.samples().filter(|(one, ..)| *one == family);
        match family.nature() {
            Nature::Gauge => {
                let vector = GaugeVec::new(options, family.labels())?;
                samples.for_each(|(_, labels, value)| vector.with_label_values(labels).set(value));
                registry.register(Box::new(vector))?;
            }
            Nature::Counter => {
                let vector = CounterVec::new(options, family.labels())?;
                samples.for_each(|(_, labels, value)| vector.with_label_values(labels).inc_by(value));
                registry.register(Box::new(vector))?;
            }
        }
    }
    TextEncoder::new().encode_to_string(&registry.gather())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{meter::Subject, settings::ScalingKind};

    #[test]
    fn the_page_names_each_metric_with_help_type_and_labels() {
        let subject =
            Subject { kind: ScalingKind::ScaledObject, namespace: "a\"b".into(), name: "x".into(), triggers: vec!["cron".into()] };
        let text = render(&Meter::of(vec![subject], &[])).expect("written");
        for line in [
            "# HELP keda_scaled_object_paused Whether the ScaledObject is paused (1) or not (0).",
            "# TYPE keda_scaled_object_paused gauge",
            "keda_scaled_object_paused{namespace=\"a\\\"b\",scaledObject=\"x\"} 0",
            "keda_trigger_registered_total{type=\"cron\"} 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in:\n{text}");
        }
    }
}
