//! The command line as typed: the doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::blame::BlameArgs;
use crate::commands::build::BuildArgs;
use crate::commands::builder::BuilderCommand;
use crate::commands::builder::du::DuArgs;
use crate::commands::builder::prune::PruneArgs;
use crate::commands::builder::why::WhyArgs;
use crate::commands::cat::CatArgs;
use crate::commands::commit::CommitArgs;
use crate::commands::completion::CompletionArgs;
use crate::commands::cp::CpArgs;
use crate::commands::diff::DiffArgs;
use crate::commands::doctor::DoctorArgs;
use crate::commands::graph::GraphArgs;
use crate::commands::history::HistoryArgs;
use crate::commands::images::ImagesArgs;
use crate::commands::inspect::InspectArgs;
use crate::commands::logs::LogsArgs;
use crate::commands::ls::LsArgs;
use crate::commands::man::ManArgs;
use crate::commands::mount::MountArgs;
use crate::commands::mounts::MountsArgs;
use crate::commands::pull::PullArgs;
use crate::commands::push::PushArgs;
use crate::commands::report::ReportArgs;
use crate::commands::rmi::RmiArgs;
use crate::commands::shell::ShellArgs;
use crate::commands::tag::TagArgs;
use crate::commands::umount::UmountArgs;
use crate::commands::version::VersionArgs;
use crate::env;

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 build failed, 2 usage, 3 iEchorfile, 4 registry or network, 5 storage,
            125 internal, 130 interrupted (128 and the signal's number)";

fn long_help() -> String {
    format!("{EXIT_CODES}\n\n{}", env::help())
}

/// Builds container images from iEchorfiles, without a daemon
#[derive(Debug, Parser)]
#[command(name = "iechor", version, after_help = EXIT_CODES, after_long_help = long_help())]
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

impl GlobalArgs {
    /// How a command on the same state begins: with `--root`, unless the environment says as much.
    pub(crate) fn program(&self) -> String {
        let from_env = env::ROOT.get().map(PathBuf::from);
        match self
            .root
            .as_ref()
            .filter(|root| from_env.as_ref() != Some(*root))
        {
            Some(root) => format!("iechor --root {}", shell_word(&root.display().to_string())),
            None => "iechor".to_owned(),
        }
    }
}

/// A text as a shell reads it back.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:=@%,".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build an image from an iEchorfile
    #[command(visible_aliases = ["bud", "build-using-dockerfile"])]
    Build(Box<BuildArgs>),
    /// Show, list and prune the build cache
    Builder {
        /// What to do with it.
        #[command(subcommand)]
        command: BuilderCommand,
    },
    /// Show what takes space (the same as `builder du`)
    Du(DuArgs),
    /// Remove what is no longer needed (the same as `builder prune`)
    Prune(PruneArgs),
    /// Show why a cached step was executed (the same as `builder why`)
    #[command(visible_alias = "explain")]
    Why(WhyArgs),
    /// List the local images
    Images(ImagesArgs),
    /// Remove names from the local image list
    Rmi(RmiArgs),
    /// Give an image of the local list another name
    Tag(TagArgs),
    /// Show everything about images, as JSON
    Inspect(InspectArgs),
    /// Fetch an image from its registry into the local list
    Pull(PullArgs),
    /// Send an image of the local list to a registry
    Push(PushArgs),
    /// Mount the files of an image, stage, step or snapshot
    Mount(MountArgs),
    /// End mounts that `mount` made
    #[command(visible_alias = "unmount")]
    Umount(UmountArgs),
    /// Make an image of what was written to a mount made with `mount --rw`
    Commit(CommitArgs),
    /// Run a shell, or a command, where a step ran
    Shell(ShellArgs),
    /// List the mounts that `mount` made
    Mounts(MountsArgs),
    /// Print what the steps of a build wrote, in full
    Logs(LogsArgs),
    /// List past builds, or the steps of one
    History(HistoryArgs),
    /// Write a page about a build: its timeline, what its steps follow from, and what is in the image
    Report(ReportArgs),
    /// Print what the steps of a build depend on, as a graph
    Graph(GraphArgs),
    /// Tell what differs between two images, stages, steps, snapshots or directories
    Diff(DiffArgs),
    /// List the files of an image, stage, step or snapshot, without a mount
    Ls(LsArgs),
    /// Print a file of an image, stage, step or snapshot, without a mount
    Cat(CatArgs),
    /// Copy a file or directory out of an image, stage, step or snapshot, without a mount
    Cp(CpArgs),
    /// Tell which step wrote a file, or deleted it
    Blame(BlameArgs),
    /// Check what iechor needs of this machine, and say what to do about what is missing
    Doctor(DoctorArgs),
    /// Print the completions of a shell
    Completion(CompletionArgs),
    /// Write the manual pages
    Man(ManArgs),
    /// Print the version
    Version(VersionArgs),
}

#[cfg(test)]
mod reference;
