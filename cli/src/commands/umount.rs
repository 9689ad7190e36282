//! `iechor umount`.

use clap::Args;
use iechor_engine::mounts;

use crate::error::CliError;
use crate::session::Session;

/// End mounts that `mount` made
#[derive(Debug, Args)]
pub(crate) struct UmountArgs {
    /// Directories or ids
    #[arg(value_name = "DIR|ID", required_unless_present = "all")]
    mounts: Vec<String>,
    /// Every one
    #[arg(short, long, conflicts_with = "mounts")]
    all: bool,
}

/// Unmounts, and says what.
pub(crate) fn run(args: &UmountArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine_as_left()?;
    if args.all {
        let ended = mounts::umount_all(&engine)?;
        return ended
            .iter()
            .try_for_each(|record| session.ui.data(record.dir.display()));
    }
    for mount in &args.mounts {
        let record = mounts::umount(&engine, mount)?;
        session.ui.data(record.dir.display())?;
    }
    Ok(())
}
