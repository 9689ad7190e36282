//! `iechor report`: a past build as one page that needs nothing else.

mod page;

use std::path::{Path, PathBuf};

use clap::Args;
use iechor_engine::picture;

use crate::error::CliError;
use crate::out_file;
use crate::session::Session;

/// Write a page about a build: its timeline, what its steps follow from, and what is in the image
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Number of the build, as `history` lists it [default: the last]
    #[arg(value_name = "BUILD")]
    build: Option<i64>,
    /// The file to write; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "build.html")]
    output: PathBuf,
}

/// Writes the page.
pub(crate) fn run(args: &ReportArgs, session: &Session) -> Result<(), CliError> {
    let picture = picture::picture(&session.engine()?, args.build)?;
    let page = page::render(&picture)?;
    if args.output == Path::new("-") {
        return session.ui.text(&page);
    }
    out_file::write(&args.output, page.as_bytes())?;
    let (build, file) = (picture.graph.build.id, args.output.display());
    session
        .ui
        .status(format_args!("wrote the report of build {build} to {file}"));
    Ok(())
}
