//! `iechor cat`.

use clap::Args;
use iechor_engine::files;

use crate::error::CliError;
use crate::session::Session;

/// Print a file of an image, stage, step or snapshot, without a mount
#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// An image, stage, step or snapshot, and the path of a file in it
    #[arg(value_name = "REF:PATH")]
    location: String,
}

/// Prints it as it is.
pub(crate) fn run(args: &CatArgs, session: &Session) -> Result<(), CliError> {
    let location = files::locate_path(&session.engine()?, &args.location)?;
    session.ui.copy(&mut files::read(&location)?)
}
