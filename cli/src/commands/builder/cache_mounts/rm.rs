//! `iechor builder cache-mounts rm`.

use clap::Args;
use iechor_engine::cache_mounts;

use crate::error::CliError;
use crate::session::Session;

/// Remove cache mounts that no step uses
#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// Their ids, or the first digits of their directories
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

/// Removes them, up to the first that cannot be removed.
pub(crate) fn run(args: &RmArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    for id in &args.ids {
        cache_mounts::remove(&engine, id)?;
        session.ui.status(format_args!("removed {id}"));
    }
    Ok(())
}
