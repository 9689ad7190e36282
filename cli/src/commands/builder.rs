//! `iechor builder`: what the cache holds, and giving it back.

pub(crate) mod du;
pub(crate) mod ls;
pub(crate) mod prune;

use clap::Subcommand;

use self::du::DuArgs;
use self::ls::LsArgs;
use self::prune::PruneArgs;
use crate::error::CliError;
use crate::session::Session;

/// What to do with the build cache.
#[derive(Debug, Subcommand)]
pub(crate) enum BuilderCommand {
    /// Show what takes space
    Du(DuArgs),
    /// Remove what is no longer needed
    Prune(PruneArgs),
    /// List the cached steps, each under the one it was built on
    Ls(LsArgs),
}

/// Runs one of them.
pub(crate) fn run(command: BuilderCommand, session: &Session) -> Result<(), CliError> {
    match command {
        BuilderCommand::Du(args) => du::run(&args, session),
        BuilderCommand::Prune(args) => prune::run(args, session),
        BuilderCommand::Ls(args) => ls::run(&args, session),
    }
}
