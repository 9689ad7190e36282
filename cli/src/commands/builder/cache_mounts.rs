//! `iechor builder cache-mounts`.

mod export;
mod import;
mod ls;
mod rm;

use clap::Subcommand;

use self::export::ExportArgs;
use self::import::ImportArgs;
use self::ls::LsArgs;
use self::rm::RmArgs;
use crate::error::CliError;
use crate::session::Session;

/// What to do with cache mounts.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheMountsCommand {
    /// List the cache mounts
    Ls(LsArgs),
    /// Write the contents of a cache mount to a tar archive
    Export(ExportArgs),
    /// Make the contents of a tar archive those of a cache mount
    Import(ImportArgs),
    /// Remove cache mounts that no step uses
    Rm(RmArgs),
}

/// Runs one of them.
pub(crate) fn run(command: CacheMountsCommand, session: &Session) -> Result<(), CliError> {
    match command {
        CacheMountsCommand::Ls(args) => ls::run(&args, session),
        CacheMountsCommand::Export(args) => export::run(&args, session),
        CacheMountsCommand::Import(args) => import::run(&args, session),
        CacheMountsCommand::Rm(args) => rm::run(&args, session),
    }
}
