//! `iechor ls`.

use clap::Args;
use iechor_engine::files::{self, Depth, Entry, Location};

use crate::error::CliError;
use crate::records::FormatArgs;
use crate::session::Session;
use crate::stat;

/// List the files of an image, stage, step or snapshot, without a mount
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// An image, stage, step or snapshot, and a path in it [default: /]
    #[arg(value_name = "REF[:PATH]")]
    location: String,
    /// Mode, owner, size, time and target of links
    #[arg(short)]
    long: bool,
    /// Everything below, by its whole path
    #[arg(short = 'R', long)]
    recursive: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Lists them.
pub(crate) fn run(args: &LsArgs, session: &Session) -> Result<(), CliError> {
    let location: Location = files::locate(&session.engine()?, &args.location)?;
    let depth = if args.recursive {
        Depth::All
    } else {
        Depth::One
    };
    let entries = files::list(&location, depth)?;
    args.format
        .show(&entries, &session.ui, |entry| line(entry, args))
}

fn line(entry: &Entry, args: &LsArgs) -> String {
    let name = match entry.path.file_name() {
        Some(name) if !args.recursive => stat::path(name.as_ref()),
        _ => stat::path(&entry.path),
    };
    if !args.long {
        return name;
    }
    let facts = &entry.facts;
    format!(
        "{} {:>11} {:>10} {} {name}{}",
        stat::mode(facts),
        stat::owner(facts),
        facts.size,
        stat::mtime(facts),
        stat::arrow(facts)
    )
}
