//! Flags that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kedactl::core::{error::Error, stack::StackName};

/// What results look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Output {
    /// Tables and lines for people.
    #[default]
    Text,
    /// One JSON document; JSON lines for streams.
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Options {
    /// The stack: one demo's worth of objects, all named after it
    #[arg(long, global = true, env = "KEDACTL_STACK", default_value = "demo", value_parser = parse_stack)]
    pub(crate) stack: StackName,
    /// Where state is kept [default: the user's state directory]
    #[arg(long, global = true, env = "KEDACTL_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// What results look like
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Output,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

fn parse_stack(text: &str) -> Result<StackName, Error> {
    text.parse()
}
