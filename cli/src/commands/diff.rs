//! `iechor diff`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::Args;
use iechor_engine::diff::{self, Aspect, Change, ChangeKind, Side, Summary};
use iechor_engine::files::{Facts, FileType};

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
        (ChangeKind::Deleted, before, _) => format!("D {path}{}", whole(before.as_ref())),
        (_, _, after) => format!("A {path}{}", whole(after.as_ref())),
    }
}

/// All that is told of a file that is on one side only.
fn whole(facts: Option<&Facts>) -> String {
    let Some(facts) = facts else {
        return String::new();
    };
    let first = match facts.file_type {
        FileType::File => format!("size {}", facts.size),
        other => format!("type {}", other.letter()),
    };
    let (mode, owner) = (mode(facts), stat::owner(facts));
    let xattrs = facts.xattrs.iter().map(|xattr| {
        let value = facts.xattr(&xattr.name).unwrap_or_default();
        format!(", xattr {}={value}", name_of(&xattr.name))
    });
    format!(
        "{}  {first}, mode {mode}, owner {owner}{}",
        stat::arrow(facts),
        xattrs.collect::<String>()
    )
}

/// The attributes that are not the same on both sides, each with its values.
fn xattrs(before: &Facts, after: &Facts) -> String {
    let both = before.xattrs.iter().chain(&after.xattrs);
    let names: BTreeSet<&[u8]> = both.map(|xattr| xattr.name.as_slice()).collect();
    let value = |facts: &Facts, name| facts.xattr(name).unwrap_or_else(|| "unset".to_owned());
    let told = names.into_iter().filter_map(|name| {
        let (before, after) = (value(before, name), value(after, name));
        (before != after).then(|| format!("xattr {} {before} -> {after}", name_of(name)))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn name_of(xattr: &[u8]) -> String {
    stat::path(Path::new(OsStr::from_bytes(xattr)))
}

fn mode(facts: &Facts) -> String {
    format!("{:04o}", facts.mode)
}

/// What an aspect was and is, where that is short.
fn told(aspect: Aspect, before: &Facts, after: &Facts) -> String {
    if aspect == Aspect::Xattr {
        return xattrs(before, after);
    }
    let value = |facts: &Facts| match aspect {
        Aspect::Content | Aspect::Xattr => None,
        Aspect::Type => Some(facts.file_type.letter().to_string()),
        Aspect::Size => Some(facts.size.to_string()),
        Aspect::Target => facts.target.as_deref().map(stat::path),
        Aspect::Device => facts.device.map(|number| number.to_string()),
        Aspect::Mode => Some(mode(facts)),
        Aspect::Owner => Some(stat::owner(facts)),
        Aspect::Mtime => Some(stat::mtime(facts)),
    };
    match (value(before), value(after)) {
        (Some(before), Some(after)) => format!("{} {before} -> {after}", aspect.name()),
        _ => aspect.name().to_owned(),
    }
}
