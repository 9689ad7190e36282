//! `iechor cp`.

use std::path::PathBuf;

use clap::Args;
use iechor_engine::files;

use crate::error::CliError;
use crate::session::Session;

/// Copy a file or directory out of an image, stage, step or snapshot, without a mount
#[derive(Debug, Args)]
pub(crate) struct CpArgs {
    /// An image, stage, step or snapshot, and a path in it
    #[arg(value_name = "REF:PATH")]
    location: String,
    /// Where to: a new name, or a directory to put it in; nothing is overwritten, and `-` is refused
    #[arg(value_name = "DEST")]
    dest: PathBuf,
}

/// Copies it.
pub(crate) fn run(args: &CpArgs, session: &Session) -> Result<(), CliError> {
    if args.dest.as_os_str() == "-" {
        return Err(CliError::usage_with_hint(
            "cp writes files, and nothing to standard output",
            format!(
                "`iechor cat {}` prints a file; `./-` is a file of that name",
                args.location
            ),
        ));
    }
    let location = files::locate_path(&session.engine()?, &args.location)?;
    let target = files::copy(&location, &args.dest)?;
    session
        .ui
        .status(format_args!("copied to {}", target.display()));
    Ok(())
}
