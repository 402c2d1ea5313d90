//! `--metrics`: the scaler's metrics, while it runs.

use kedactl::{
    backend::exporter::{Exporter, Socket},
    core::{
        error::{Error, Result},
        meter::{Meter, Subject},
    },
};

use super::context::Context;

/// Where metrics are served, if they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Metrics {
    /// Serve KEDA's own metrics for Prometheus at /metrics: HOST:PORT, or :PORT on 127.0.0.1; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<String>,
}

impl Metrics {
    /// Refuses the flag for `why`, if it was given.
    pub(crate) fn refuse(&self, why: &str) -> Result<()> {
        match &self.metrics {
            Some(address) => Err(Error::input("--metrics", address, why).hint("leave --metrics out")),
            None => Ok(()),
        }
    }

    /// Binds the address, if there is one.
    pub(crate) async fn bind(&self) -> Result<Option<Socket>> {
        match &self.metrics {
            Some(address) => Socket::bind(address).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Serves the metrics of `subjects`, beside `authentications`, and says where.
pub(crate) fn serve(cx: &Context, socket: Socket, subjects: Vec<Subject>, authentications: &[(String, String)]) -> Exporter {
    let address = socket.address();
    let reach = if address.ip().is_loopback() { "" } else { ", for whoever reaches this machine" };
    cx.ui.note(&format!("Metrics are at http://{address}/metrics{reach}"));
    socket.serve(Meter::of(subjects, authentications))
}
