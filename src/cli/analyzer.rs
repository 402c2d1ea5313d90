//! `kedactl analyzer`.

use std::net::SocketAddr;

use kedactl::{
    backend::{
        Backend,
        listen::{bind, serve},
    },
    core::{
        error::{Error, Result},
        settings::Choices,
    },
};

use super::{context::Context, exit::Exit};

/// Serve the result analyzer
///
/// It counts what was processed and what was killed, durably, in the stack's own file. On this machine no server is needed: the other
/// commands open the same file.
///
/// Endpoints, all JSON: POST /create/count, POST /kill/count, POST /reset, GET /get/count, GET /records. A count may come with
/// {"message_id": "..", "job": ".."}: the same one is then counted once, however often it comes.
#[derive(Debug, clap::Args)]
#[expect(clippy::doc_markdown, reason = "it is read as help")]
pub(crate) struct AnalyzerServer {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Allow an address that other machines can reach: the analyzer asks for no password
    #[arg(long)]
    allow_remote: bool,
}

impl AnalyzerServer {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        if !self.listen.ip().is_loopback() && !self.allow_remote {
            let error = Error::input("--listen", self.listen, "other machines could reach it, and it asks for no password");
            return Err(error.hint("listen on 127.0.0.1, or pass --allow-remote"));
        }
        let router = Backend::connect(&cx.settings(Choices::new()).await?)?.analyzer_router()?;
        let listener = bind("--listen", self.listen).await?;
        let address = listener.local_addr().map_err(|error| Error::failed("could not learn the port", error))?;
        cx.listen();
        cx.ui.note(&format!("The result analyzer listens on http://{address}; Ctrl-C ends it"));
        serve("the analyzer", listener, router, cx.cancel.clone()).await?;
        Ok(Exit::DONE)
    }
}
