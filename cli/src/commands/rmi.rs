//! `iechor rmi`.

use clap::Args;
use iechor_engine::images::{self, Removal};

use crate::error::CliError;
use crate::session::Session;

/// Remove names from the local image list; an image goes with its last name, its layers with
/// `builder prune`
#[derive(Debug, Args)]
pub(crate) struct RmiArgs {
    /// Names or ids
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// Remove an id with all its names
    #[arg(short, long)]
    force: bool,
}

/// Removes each, and says what is gone.
pub(crate) fn run(args: &RmiArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    let removal = if args.force {
        Removal::Force
    } else {
        Removal::Careful
    };
    for image in &args.images {
        let removed = images::remove(&engine, image, removal)?;
        for name in &removed.untagged {
            session.ui.data(format_args!("Untagged: {name}"))?;
        }
        for id in &removed.deleted {
            session.ui.data(format_args!("Deleted: {id}"))?;
        }
    }
    Ok(())
}
