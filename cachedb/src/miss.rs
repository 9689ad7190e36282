//! Why an instruction was executed again (C20): the input that changed, old value and new.
//!
//! `explain` finds the nearest cached sibling, `diff` and `files` tell what differs, `display`
//! and `words` put it into one line.

use iechor_snapshotter::Digest;
use serde::Serialize;

use crate::record::{Place, RecordId};
use crate::time::{FileTime, UnixMillis};

pub use diff::diff;

mod diff;
mod display;
mod explain;
mod files;
mod words;

/// Why no cached result was used. `Display` gives one line, times of day in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum MissReason {
    /// Another instruction stood here.
    InstructionChanged {
        /// As it was.
        old: String,
        /// As it is.
        new: String,
    },
    /// A text among the inputs changed, came or went: an argument, the user, the platform.
    ValueChanged {
        /// The input's name: `ARG CACHEBUST`.
        name: String,
        /// As it was; `None` when it was not there.
        old: Option<String>,
        /// As it is; `None` when it is there no more.
        new: Option<String>,
    },
    /// A digest among the inputs changed, came or went: the base image, a source stage.
    DigestChanged {
        /// The input's name with its note: `base debian:12`.
        name: String,
        /// The note now, when it is another: `debian:13`.
        renamed: Option<String>,
        /// As it was.
        #[serde(serialize_with = "as_text")]
        old: Option<Digest>,
        /// As it is.
        #[serde(serialize_with = "as_text")]
        new: Option<Digest>,
    },
    /// A property of a mount changed, came or went.
    PropertyChanged {
        /// The mount: `secret npm`.
        name: String,
        /// The property: `target`.
        property: String,
        /// As it was.
        old: Option<String>,
        /// As it is.
        new: Option<String>,
    },
    /// A mount was not there before.
    MountAdded {
        /// The mount: `cache mount /root/.npm`.
        name: String,
    },
    /// A mount is there no more.
    MountRemoved {
        /// The mount.
        name: String,
    },
    /// A file involved changed.
    FileChanged {
        /// Its path in the context.
        path: String,
        /// What changed.
        change: FileChange,
        /// How many more files changed.
        more: u64,
    },
    /// Files came.
    FilesAdded {
        /// How many.
        count: u64,
        /// The deepest directory that has them all, empty for the context's root.
        under: String,
        /// The first few.
        examples: Vec<String>,
    },
    /// Files went.
    FilesRemoved {
        /// How many.
        count: u64,
        /// The deepest directory that had them all, empty for the context's root.
        under: String,
        /// The first few.
        examples: Vec<String>,
    },
    /// `--context-digest` was given another value (C6).
    ContextDigestChanged {
        /// As it was: `metadata` or `content`.
        old: &'static str,
        /// As it is.
        new: &'static str,
    },
    /// The same inputs came in another order.
    InputsReordered,
    /// Nothing like it was ever executed on this parent.
    FirstOnParent,
    /// A step that this one depends on was executed anew (C9).
    FollowsStep {
        /// Its number, as the progress shows it.
        step: String,
    },
    /// `--no-cache` (C10).
    NoCache,
    /// `--no-cache-filter` names the stage (C11).
    NoCacheFilter {
        /// The stage as the user named it.
        stage: String,
    },
    /// The result was there and was pruned (C17).
    Pruned {
        /// How long ago, in milliseconds.
        ago_ms: u64,
    },
}

/// What changed about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum FileChange {
    /// File, directory, symbolic link, ...
    Kind {
        /// As it was.
        old: &'static str,
        /// As it is.
        new: &'static str,
    },
    /// Bytes.
    Size {
        /// As it was.
        old: u64,
        /// As it is.
        new: u64,
    },
    /// Modification time.
    Mtime {
        /// As it was.
        old: FileTime,
        /// As it is.
        new: FileTime,
    },
    /// Content, in content mode.
    Content {
        /// As it was.
        #[serde(serialize_with = "as_text")]
        old: Option<Digest>,
        /// As it is.
        #[serde(serialize_with = "as_text")]
        new: Option<Digest>,
    },
    /// Permission bits.
    Mode {
        /// As it was.
        old: u32,
        /// As it is.
        new: u32,
    },
    /// User and group.
    Owner {
        /// As it was.
        old: (u32, u32),
        /// As it is.
        new: (u32, u32),
    },
    /// A symbolic link's target.
    Target {
        /// As it was.
        old: String,
        /// As it is.
        new: String,
    },
    /// A device's number.
    Device {
        /// As it was.
        old: u64,
        /// As it is.
        new: u64,
    },
}

fn as_text<S: serde::Serializer>(digest: &Option<Digest>, to: S) -> Result<S::Ok, S::Error> {
    match digest {
        Some(digest) => to.collect_str(digest),
        None => to.serialize_none(),
    }
}

/// What the caller knows besides the recipe when it asks for a reason.
#[derive(Clone, Debug)]
pub struct Hint<'a> {
    /// Where the instruction stands: among equally near siblings that of the same place wins.
    pub place: &'a Place,
    /// A record to compare with when the parent has no fitting child: what the build before had
    /// at this place ([`CacheDb::previous_at`]).
    pub fallback: Option<RecordId>,
    /// Now.
    pub now: UnixMillis,
}

/// Everything that differs from the nearest cached sibling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The record that was compared with.
    pub sibling: Option<RecordId>,
    /// What differs, the most telling first; never empty.
    pub reasons: Vec<MissReason>,
}

/// How a record differs from an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The older record.
    pub older: RecordId,
    /// What differs, the most telling first; empty when the inputs are equal (C10).
    pub differences: Vec<MissReason>,
}

impl Explanation {
    /// The most telling reason.
    pub fn first(&self) -> &MissReason {
        self.reasons.first().unwrap_or(&MissReason::FirstOnParent)
    }
}
