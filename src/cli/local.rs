//! `kedactl local`.

use std::{env, net::SocketAddr};

use kedactl::{
    backend::emulator::{
        Emulator,
        serve::{Extras, bind, serve},
    },
    core::error::{Error, Result},
};

use super::{context::Context, exit::Exit};

/// What is served, as its users know it.
const SERVICES: &str = "SQS, Kinesis, DynamoDB, DynamoDB Streams, CloudWatch, IAM, STS and EKS";

/// Work with the embedded AWS services.
#[derive(Debug, clap::Args)]
pub(crate) struct Local {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Serve the embedded AWS services on a port, for the AWS CLI, boto3 or anything else
    ///
    /// SQS, IAM, STS and EKS's clusters, for the demo; and the sources of KEDA's other AWS triggers: Kinesis (streams, shards, records), DynamoDB
    /// (tables, items, indexes, expressions), DynamoDB Streams (shards, changes) and CloudWatch (metrics, math, Metrics Insights). An operation
    /// that is not offered is refused by its name.
    Serve(Serve),
}

/// The local stack's own services, on a port.
#[derive(Debug, clap::Args)]
struct Serve {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    listen: SocketAddr,
    /// Allow an address that other machines can reach: anyone there may then read and change everything
    #[arg(long)]
    allow_remote: bool,
}

impl Local {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        match self.command {
            Command::Serve(serve) => serve.run(cx).await,
        }
    }
}

impl Serve {
    async fn run(self, cx: &Context) -> Result<Exit> {
        if !self.listen.ip().is_loopback() && !self.allow_remote {
            return Err(Error::input("--listen", self.listen, "other machines could reach it, and it asks nobody for a password")
                .hint("use 127.0.0.1, or pass --allow-remote"));
        }
        let emulator = Emulator::open(&cx.state_dir()?.join("aws.db"))?.strict();
        let listener = bind(self.listen).await?;
        let address = listener.local_addr().map_err(|error| Error::failed("could not read the address", error))?;
        cx.listen();
        cx.ui.print(&format!("Serving {SERVICES} at http://{address}"))?;
        cx.ui.print(&format!(
            "export AWS_ENDPOINT_URL=http://{address} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 \
             AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local"
        ))?;
        cx.ui.note(&format!("Version 1 of the AWS CLI overlooks AWS_ENDPOINT_URL for SQS: give it --endpoint-url http://{address}"));
        let extras = if env::var_os("KEDACTL_TEST_RESET").is_some_and(|value| value == "1") { Extras::TestReset } else { Extras::None };
        serve(emulator, listener, extras, cx.cancel.clone()).await?;
        Ok(Exit::DONE)
    }
}
