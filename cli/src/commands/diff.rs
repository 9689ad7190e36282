//! `iechor diff`.

use clap::Args;
use iechor_engine::diff::{self, Aspect, Change, ChangeKind, Side, Summary};
use iechor_engine::files::Facts;

use crate::error::CliError;
use crate::records::FormatArgs;
use crate::session::Session;
use crate::stat;
use crate::units::Size;

/// Tell what differs between two images, stages, steps, snapshots or directories
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// An image, stage, step or snapshot; `dir:PATH`, or a path with `/` or `.` in front, is a
    /// directory of the host
    #[arg(value_name = "A")]
    before: String,
    /// What it is compared with, named in the same ways
    #[arg(value_name = "B")]
    after: String,
    /// Only how much differs
    #[arg(long)]
    stat: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Tells it, a line a path.
pub(crate) fn run(args: &DiffArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    let before = Side::open(&engine, &args.before)?;
    let after = Side::open(&engine, &args.after)?;
    let changes = diff::diff(&before, &after)?;
    match args.stat {
        true => args
            .format
            .show_one(&Summary::of(&changes), &session.ui, summed_up),
        false => args.format.show(&changes, &session.ui, line),
    }
}

fn summed_up(summary: &Summary) -> String {
    let Summary {
        added,
        modified,
        deleted,
        bytes_before,
        bytes_after,
    } = *summary;
    let (before, after) = (Size(bytes_before), Size(bytes_after));
    format!("{added} added, {modified} modified, {deleted} deleted; {before} -> {after}")
}

/// `M /etc/passwd  size 120 -> 150, mode 0644 -> 0600`.
fn line(change: &Change) -> String {
    let path = stat::path(&change.path);
    match (change.change, &change.before, &change.after) {
        (ChangeKind::Modified, Some(before), Some(after)) => {
            let differs = change.differs.iter();
            let differs: Vec<_> = differs.map(|aspect| told(*aspect, before, after)).collect();
            format!("M {path}  {}", differs.join(", "))
        }
        (ChangeKind::Deleted, ..) => format!("D {path}"),
        (_, _, after) => format!(
            "A {path}{}",
            after.as_ref().map_or_else(String::new, stat::arrow)
        ),
    }
}

/// What an aspect was and is, where that is short.
fn told(aspect: Aspect, before: &Facts, after: &Facts) -> String {
    let value = |facts: &Facts| match aspect {
        Aspect::Content | Aspect::Xattr => None,
        Aspect::Type => Some(facts.file_type.letter().to_string()),
        Aspect::Size => Some(facts.size.to_string()),
        Aspect::Target => facts.target.as_deref().map(stat::path),
        Aspect::Device => facts.device.map(|number| number.to_string()),
        Aspect::Mode => Some(format!("{:04o}", facts.mode)),
        Aspect::Owner => Some(stat::owner(facts)),
        Aspect::Mtime => Some(stat::mtime(facts)),
    };
    match (value(before), value(after)) {
        (Some(before), Some(after)) => format!("{} {before} -> {after}", aspect.name()),
        _ => aspect.name().to_owned(),
    }
}
