//! The command line: parse, choose, draw. No decision about the demo is made here.

mod analyzer;
mod completions;
mod consume;
mod context;
mod demo;
mod exit;
mod live;
mod local;
mod man;
mod options;
mod produce;
mod progress;
mod region;
mod render;
mod report;
mod setup;
mod status;
mod table;
mod teardown;
mod ui;
mod view;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kedactl::core::error::Result;

use context::Context;
use exit::Exit;
use options::Options;

/// Queue-driven autoscaling with KEDA and AWS, from one command line.
#[derive(Debug, Parser)]
#[command(name = "kedactl", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create the queue, the identities and the scaling objects
    Setup(setup::Setup),
    /// Send messages to the queue
    Produce(produce::Produce),
    /// Run the scaler and watch it work
    Watch(watch::Watch),
    /// Fetch the counts and prove the verdict
    Report(report::Report),
    /// Run setup, produce, watch and report in one go
    Demo(demo::Demo),
    /// Show the queue, the jobs and the objects as they are now
    Status(status::Status),
    /// Delete everything that setup made
    Teardown(teardown::Teardown),
    /// Write every policy and manifest to files
    Render(render::Render),
    /// Process one message: the video encoder
    Consume(consume::Consume),
    /// Serve the result analyzer
    Analyzer(analyzer::AnalyzerServer),
    /// Work with the embedded AWS services
    Local(local::Local),
    /// Print the completion script of a shell
    Completions(completions::Completions),
    /// Print a man page
    Man(man::Man),
}

impl Command {
    async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::Setup(verb) => verb.run(cx).await,
            Self::Produce(verb) => verb.run(cx).await,
            Self::Watch(verb) => verb.run(cx).await,
            Self::Report(verb) => verb.run(cx).await,
            Self::Demo(verb) => verb.run(cx).await,
            Self::Status(verb) => verb.run(cx).await,
            Self::Teardown(verb) => verb.run(cx).await,
            Self::Render(verb) => verb.run(cx).await,
            Self::Consume(verb) => verb.run(cx).await,
            Self::Analyzer(verb) => verb.run(cx).await,
            Self::Local(verb) => verb.run(cx).await,
            Self::Completions(verb) => verb.run(cx).await,
            Self::Man(verb) => verb.run(cx).await,
        }
    }
}

/// Parses the command line, runs the verb, and turns its outcome into an exit code.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let cx = Context::new(cli.options);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cx.ui.fail(&kedactl::core::error::Error::failed("could not start", error)),
    };
    match runtime.block_on(cli.command.run(&cx)) {
        Ok(exit) => exit.into(),
        Err(error) => cx.ui.fail(&error),
    }
}
