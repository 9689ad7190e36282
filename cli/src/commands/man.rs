//! `iechor man`.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};

use crate::args::Cli;
use crate::error::CliError;
use crate::session::Session;

/// Write the manual pages, one a command
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Directory that they go into; made if it is missing
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Writes them.
pub(crate) fn run(args: ManArgs, session: &Session) -> Result<(), CliError> {
    let ManArgs { dir } = args;
    let written =
        fs::create_dir_all(&dir).and_then(|()| clap_mangen::generate_to(Cli::command(), &dir));
    match written {
        Ok(()) => {
            session
                .ui
                .status(format_args!("manual pages are in {}", dir.display()));
            Ok(())
        }
        Err(source) => Err(CliError::Io {
            action: "write the manual pages into",
            path: dir,
            source,
        }),
    }
}
