//! Reasons as people read them: one line each.

use std::fmt::{self, Display};

use iechor_snapshotter::Digest;

use super::words::{self, Owner};
use super::{FileChange, MissReason};

impl MissReason {
    /// The line with times of day at this offset from UTC, in seconds.
    pub fn in_zone(&self, utc_offset: i32) -> impl Display + '_ {
        InZone {
            reason: self,
            utc_offset,
        }
    }
}

impl Display for MissReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        InZone {
            reason: self,
            utc_offset: 0,
        }
        .fmt(f)
    }
}

struct InZone<'a> {
    reason: &'a MissReason,
    utc_offset: i32,
}

impl Display for InZone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            MissReason::InstructionChanged { old, new } => {
                let (old, new) = words::contrast(old, new);
                write!(f, "instruction changed: \"{old}\" -> \"{new}\"")
            }
            MissReason::ValueChanged { name, old, new } => {
                write!(f, "{name} {}", change_of(old.as_deref(), new.as_deref()))
            }
            MissReason::DigestChanged {
                name,
                renamed,
                old,
                new,
            } => {
                let renamed = renamed
                    .as_ref()
                    .map(|note| format!("{note} "))
                    .unwrap_or_default();
                write!(f, "{name} {} -> {renamed}{}", digest(*old), digest(*new))
            }
            MissReason::PropertyChanged {
                name,
                property,
                old,
                new,
            } => {
                write!(
                    f,
                    "{name} {property} {}",
                    change_of(old.as_deref(), new.as_deref())
                )
            }
            MissReason::MountAdded { name } => write!(f, "{name} added"),
            MissReason::MountRemoved { name } => write!(f, "{name} removed"),
            MissReason::FileChanged { path, change, more } => {
                write!(f, "{} {}", words::value(Some(path)), self.file(change))?;
                others(f, *more)
            }
            MissReason::FilesAdded {
                count,
                under,
                examples,
            } => several(f, *count, "added", under, examples),
            MissReason::FilesRemoved {
                count,
                under,
                examples,
            } => several(f, *count, "removed", under, examples),
            MissReason::ContextDigestChanged { old, new } => {
                write!(f, "--context-digest {old} -> {new}")
            }
            MissReason::InputsReordered => f.write_str("inputs in another order"),
            MissReason::FirstOnParent => f.write_str("first time on this parent"),
            MissReason::FollowsStep { step } => write!(f, "follows step {step}"),
            MissReason::NoCache => f.write_str("--no-cache"),
            MissReason::NoCacheFilter { stage } => write!(f, "--no-cache-filter {stage}"),
            MissReason::Pruned { ago_ms } => write!(f, "pruned {}", words::age(*ago_ms)),
        }
    }
}

impl InZone<'_> {
    fn file(&self, change: &FileChange) -> String {
        match change {
            FileChange::Kind { old, new } => format!("type {old} -> {new}"),
            FileChange::Size { old, new } => format!("size {old} -> {new}"),
            FileChange::Mtime { old, new } => {
                let (old, new) = words::times(*old, *new, self.utc_offset);
                format!("mtime {old} -> {new}")
            }
            FileChange::Content { old, new } => {
                format!("content {} -> {}", digest(*old), digest(*new))
            }
            FileChange::Mode { old, new } => format!("mode {old:04o} -> {new:04o}"),
            FileChange::Owner { old, new } => format!("owner {} -> {}", Owner(*old), Owner(*new)),
            FileChange::Target { old, new } => {
                format!("link {}", change_of(Some(old), Some(new)))
            }
            FileChange::Device { old, new } => format!("device {old:#x} -> {new:#x}"),
        }
    }
}

fn change_of(old: Option<&str>, new: Option<&str>) -> String {
    match (old, new) {
        (Some(old), Some(new)) if !old.is_empty() && !new.is_empty() => {
            let (old, new) = words::contrast(old, new);
            format!("{old} -> {new}")
        }
        (old, new) => format!("{} -> {}", words::value(old), words::value(new)),
    }
}

fn digest(digest: Option<Digest>) -> String {
    digest.map_or_else(
        || "none".to_owned(),
        |digest| format!("sha256:{}", digest.short()),
    )
}

fn others(f: &mut fmt::Formatter<'_>, more: u64) -> fmt::Result {
    match more {
        0 => Ok(()),
        1 => f.write_str(" (and 1 more file)"),
        more => write!(f, " (and {more} more files)"),
    }
}

fn several(
    f: &mut fmt::Formatter<'_>,
    count: u64,
    what: &str,
    under: &str,
    examples: &[String],
) -> fmt::Result {
    let first = words::value(examples.first().map(String::as_str));
    if count == 1 {
        return write!(f, "file {what}: {first}");
    }
    write!(f, "{count} files {what}")?;
    if !under.is_empty() {
        write!(f, " under {}/", words::value(Some(under)))?;
    }
    write!(f, " ({first}, ...)")
}
