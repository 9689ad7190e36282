//! One difference, and many summed up.

use std::path::PathBuf;

use crate::files::{Facts, FileType};

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// It is another, or has other properties.
    Modified,
    /// It is not there any more.
    Deleted,
}

/// In what two files differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// One is a directory, the other a link.
    Type,
    /// The bytes of regular files.
    Content,
    /// Length of regular files.
    Size,
    /// Where links point to.
    Target,
    /// Number of a device.
    Device,
    /// Permission bits.
    Mode,
    /// User or group.
    Owner,
    /// Modification time; not compared for directories.
    Mtime,
    /// Extended attributes.
    Xattr,
}

impl Aspect {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Content => "content",
            Self::Size => "size",
            Self::Target => "target",
            Self::Device => "device",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Mtime => "mtime",
            Self::Xattr => "xattr",
        }
    }
}

/// A path at which two trees differ.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Absolute path without links.
    #[serde(serialize_with = "crate::files::serialize_path")]
    pub path: PathBuf,
    /// What happened to it.
    pub change: ChangeKind,
    /// In what they differ; empty unless modified.
    pub differs: Vec<Aspect>,
    /// What was there.
    pub before: Option<Facts>,
    /// What is there.
    pub after: Option<Facts>,
}

/// Differences summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Summary {
    /// How many paths are new.
    pub added: u64,
    /// How many are other than they were.
    pub modified: u64,
    /// How many are gone.
    pub deleted: u64,
    /// Bytes of regular files at these paths before.
    pub bytes_before: u64,
    /// Bytes of regular files at these paths after.
    pub bytes_after: u64,
}

impl Summary {
    /// Sums up.
    pub fn of(changes: &[Change]) -> Self {
        changes.iter().fold(Self::default(), Self::with)
    }

    fn with(mut self, change: &Change) -> Self {
        *match change.change {
            ChangeKind::Added => &mut self.added,
            ChangeKind::Modified => &mut self.modified,
            ChangeKind::Deleted => &mut self.deleted,
        } += 1;
        self.bytes_before += bytes(change.before.as_ref());
        self.bytes_after += bytes(change.after.as_ref());
        self
    }
}

fn bytes(facts: Option<&Facts>) -> u64 {
    let file = facts.filter(|facts| is_file(facts));
    file.map_or(0, |facts| facts.size)
}

fn is_file(facts: &Facts) -> bool {
    facts.file_type == FileType::File
}

/// Contents of different lengths differ, whether or not they were read.
fn same_content(before: &Facts, after: &Facts) -> bool {
    !is_file(before) || (before.size == after.size && before.content == after.content)
}

/// In what two files differ.
pub(super) fn aspects(before: &Facts, after: &Facts) -> Vec<Aspect> {
    let same_type = before.file_type == after.file_type;
    let owner = |facts: &Facts| (facts.uid, facts.gid);
    let compared = [
        (Aspect::Type, same_type),
        (Aspect::Content, !same_type || same_content(before, after)),
        (
            Aspect::Size,
            !is_file(before) || !same_type || before.size == after.size,
        ),
        (Aspect::Target, !same_type || before.target == after.target),
        (Aspect::Device, !same_type || before.device == after.device),
        (Aspect::Mode, before.mode == after.mode),
        (Aspect::Owner, owner(before) == owner(after)),
        (
            Aspect::Mtime,
            before.is_dir() || after.is_dir() || before.mtime == after.mtime,
        ),
        (Aspect::Xattr, before.xattrs == after.xattrs),
    ];
    let differing = compared.into_iter().filter(|(_, same)| !same);
    differing.map(|(aspect, _)| aspect).collect()
}
