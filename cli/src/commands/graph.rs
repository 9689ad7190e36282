//! `iechor graph`: what the steps of a build depend on, for programs that draw graphs.

mod dot;
mod label;
mod mermaid;

use clap::{Args, ValueEnum};
use iechor_engine::picture;

use crate::error::CliError;
use crate::session::Session;

/// Print what the steps of a build depend on, as a graph
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// Number of the build, as `history` lists it [default: the last]
    #[arg(value_name = "BUILD")]
    build: Option<i64>,
    /// Language of the graph
    #[arg(long, value_enum, default_value_t = Format::Dot)]
    format: Format,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Graphviz
    Dot,
    /// Mermaid, as Markdown pages show it
    Mermaid,
}

/// Prints the graph.
pub(crate) fn run(args: &GraphArgs, session: &Session) -> Result<(), CliError> {
    let graph = picture::graph(&session.engine()?, args.build)?;
    session.ui.text(&match args.format {
        Format::Dot => dot::render(&graph),
        Format::Mermaid => mermaid::render(&graph),
    })
}
