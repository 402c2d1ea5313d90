//! The command line: parse, choose, draw. No decision about the demo is made here.

mod analyzer;
mod choices;
mod completions;
mod confirm;
mod consume;
mod context;
mod demo;
mod doctor;
mod events;
mod examples;
mod exit;
mod files;
mod live;
mod local;
mod man;
mod metrics;
mod options;
mod produce;
mod progress;
mod reference;
mod region;
mod render;
mod report;
mod run;
mod setup;
mod sources;
mod status;
mod table;
mod target;
mod teardown;
mod ui;
mod usage;
mod view;
mod watch;

use std::{env, ffi::OsString, path::Path, process::ExitCode};

use clap::{FromArgMatches, Parser, Subcommand};
use futures_util::future::LocalBoxFuture;
use kedactl::core::error::{Error, Result};

use context::Context;
use exit::Exit;
use options::Options;
use ui::Ui;
use usage::Unparsed;

/// Queue-driven autoscaling with KEDA and AWS, from one command line
#[derive(Debug, Parser)]
#[command(name = "kedactl", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Each verb's own documentation is its help.
#[derive(Debug, Subcommand)]
enum Command {
    Setup(setup::Setup),
    Produce(produce::Produce),
    Watch(watch::Watch),
    Run(run::Run),
    Report(report::Report),
    Demo(demo::Demo),
    Status(status::Status),
    Doctor(doctor::Doctor),
    Target(target::Target),
    Teardown(teardown::Teardown),
    Render(render::Render),
    Consume(consume::Consume),
    Analyzer(analyzer::AnalyzerServer),
    Local(local::Local),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    async fn run(self, cx: &Context) -> Result<Exit> {
        // A verb's future is large, and each is made once.
        let verb: LocalBoxFuture<'_, Result<Exit>> = match self {
            Self::Setup(verb) => Box::pin(verb.run(cx)),
            Self::Produce(verb) => Box::pin(verb.run(cx)),
            Self::Watch(verb) => Box::pin(verb.run(cx)),
            Self::Run(verb) => Box::pin(verb.run(cx)),
            Self::Report(verb) => Box::pin(verb.run(cx)),
            Self::Demo(verb) => Box::pin(verb.run(cx)),
            Self::Doctor(verb) => Box::pin(verb.run(cx)),
            Self::Status(verb) => Box::pin(verb.run(cx)),
            Self::Target(verb) => Box::pin(verb.run(cx)),
            Self::Teardown(verb) => Box::pin(verb.run(cx)),
            Self::Render(verb) => Box::pin(verb.run(cx)),
            Self::Consume(verb) => Box::pin(verb.run(cx)),
            Self::Analyzer(verb) => Box::pin(verb.run(cx)),
            Self::Local(verb) => Box::pin(verb.run(cx)),
            Self::Completions(verb) => Box::pin(verb.run(cx)),
            Self::Man(verb) => Box::pin(verb.run(cx)),
        };
        verb.await
    }
}

/// Parses the command line, runs the verb, and turns its outcome into an exit code.
pub(crate) fn run() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    // Not in the tree, as shells would offer it although it is hidden.
    if let [_, verb, dir] = arguments.as_slice()
        && verb == "reference"
    {
        return reference::write(&Ui::guessed(&arguments), Path::new(dir));
    }
    let parsed = usage::command().try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error, &arguments),
    };
    let cx = Context::new(cli.options);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cx.ui.fail(&Error::failed("could not start", error)),
    };
    match runtime.block_on(cli.command.run(&cx)) {
        Ok(exit) => exit.into(),
        Err(error) => cx.ui.fail(&error),
    }
}

/// Help and the version are results; anything else is an error like any other.
fn unparsed(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let ui = Ui::guessed(arguments);
    match usage::unparsed(error, arguments) {
        Unparsed::Error(error) => ui.fail(&error),
        Unparsed::Text { colored, plain } => match ui.print(if console::colors_enabled() { &colored } else { &plain }) {
            Ok(()) => Exit::DONE.into(),
            Err(error) => ui.fail(&error),
        },
    }
}
