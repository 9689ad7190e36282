//! The command line as typed: the doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::build::BuildArgs;
use crate::commands::version::VersionArgs;
use crate::env;

/// Builds container images from iEchorfiles, without a daemon
#[derive(Debug, Parser)]
#[command(
    name = "iechor",
    version,
    propagate_version = false,
    disable_help_subcommand = false
)]
#[command(
    after_help = "Exit codes: 0 ok, 1 build failed, 2 usage, 3 iEchorfile, 4 registry or network, \
                        5 storage, 125 internal, 130 interrupted."
)]
pub(crate) struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// State directory: snapshots, cache, images, logs [default: /var/lib/iechor as root, else
    /// $XDG_DATA_HOME/iechor]
    #[arg(long, global = true, value_name = "DIR", env = env::ROOT.name, hide_env_values = true)]
    pub(crate) root: Option<PathBuf>,
    /// Say on standard error which settings are in force, and print errors in full
    #[arg(long, global = true)]
    pub(crate) debug: bool,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build an image from an iEchorfile
    #[command(visible_aliases = ["bud", "build-using-dockerfile"])]
    Build(Box<BuildArgs>),
    /// Print the version
    Version(VersionArgs),
}
