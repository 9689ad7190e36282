//! The layer index: one immutable, checksummed, versioned, memory-mapped file a layer.

use crate::id::Digest;
use crate::layer::{NodeKind, Timestamp};

/// Number of an inode inside one layer index; the root directory is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InodeIdx(pub u32);

/// What a name in a layer's directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The name is removed from what lies below.
    Whiteout,
    /// The name is this inode.
    Inode(InodeIdx),
}

/// How a directory of a layer joins with what lies below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below<'a> {
    /// Merges with the directory of the same path.
    SamePath,
    /// Merges with nothing: an opaque directory.
    Nothing,
    /// Merges with the directory that has this path (absolute, no links) in the chain below: it
    /// was moved from there.
    MovedFrom(&'a [u8]),
}

/// Fixed-size facts of one inode.
#[derive(Debug, Clone, Copy)]
pub struct Stat {
    /// Type and permission bits, as `st_mode`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names that the inode has in this layer; 2 and more for directories.
    pub nlink: u32,
    /// Logical size in bytes; length of the target for symlinks.
    pub size: u64,
    /// Device number for devices, else 0.
    pub rdev: u64,
    /// Modification time.
    pub mtime: Timestamp,
}

/// A layer index, mapped into memory and verified when it was opened.
///
/// No method allocates. An [`InodeIdx`] of another index gives wrong answers, never a fault.
#[derive(Debug)]
pub struct LayerIndex;

impl LayerIndex {
    /// The root directory.
    pub const ROOT: InodeIdx = InodeIdx(0);

    /// How many inodes there are.
    pub fn len(&self) -> u32 {
        todo!()
    }

    /// Fixed-size facts.
    pub fn stat(&self, inode: InodeIdx) -> Stat {
        todo!()
    }

    /// What the inode is, with its payload (allocates for symlinks).
    pub fn kind(&self, inode: InodeIdx) -> NodeKind {
        todo!()
    }

    /// Contents of a regular file; none for other kinds.
    pub fn blob(&self, inode: InodeIdx) -> Option<&Digest> {
        todo!()
    }

    /// Target of a symlink; empty for other kinds.
    pub fn target(&self, inode: InodeIdx) -> &[u8] {
        todo!()
    }

    /// How a directory joins with what lies below.
    pub fn below(&self, dir: InodeIdx) -> Below<'_> {
        todo!()
    }

    /// Entries of a directory, sorted by name as bytes; none for other kinds.
    pub fn entries(&self, dir: InodeIdx) -> impl ExactSizeIterator<Item = (&[u8], Entry)> {
        [].into_iter()
    }

    /// One entry of a directory, by binary search.
    pub fn find(&self, dir: InodeIdx, name: &[u8]) -> Option<Entry> {
        todo!()
    }

    /// Extended attributes, sorted by name.
    pub fn xattrs(&self, inode: InodeIdx) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        [].into_iter()
    }

    /// All blobs that the layer names, each once.
    pub fn blobs(&self) -> &[Digest] {
        todo!()
    }
}
