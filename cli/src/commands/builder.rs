//! `iechor builder`: what the cache holds, and giving it back.

pub(crate) mod cache_mounts;
pub(crate) mod diff_key;
pub(crate) mod du;
pub(crate) mod ls;
pub(crate) mod prune;
pub(crate) mod why;

use clap::Subcommand;

use self::cache_mounts::CacheMountsCommand;
use self::diff_key::DiffKeyArgs;
use self::du::DuArgs;
use self::ls::LsArgs;
use self::prune::PruneArgs;
use self::why::WhyArgs;
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
    /// Show why a cached step was executed, what is behind its key, and what it differs in from the
    /// one before
    Why(WhyArgs),
    /// Show what two cached steps differ in
    DiffKey(DiffKeyArgs),
    /// List, export, import and remove the contents of RUN --mount=type=cache
    CacheMounts {
        /// What to do with them.
        #[command(subcommand)]
        command: CacheMountsCommand,
    },
}

/// Runs one of them.
pub(crate) fn run(command: BuilderCommand, session: &Session) -> Result<(), CliError> {
    match command {
        BuilderCommand::Du(args) => du::run(&args, session),
        BuilderCommand::Prune(args) => prune::run(args, session),
        BuilderCommand::Ls(args) => ls::run(&args, session),
        BuilderCommand::Why(args) => why::run(&args, session),
        BuilderCommand::DiffKey(args) => diff_key::run(&args, session),
        BuilderCommand::CacheMounts { command } => cache_mounts::run(command, session),
    }
}
