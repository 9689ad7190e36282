//! A committed layer, and the writer that makes one.

pub(crate) mod draft;

use std::ffi::OsStr;
use std::path::Path;

use crate::chain::Chain;
use crate::id::{Digest, SnapshotId};
use crate::index::LayerIndex;
use crate::store::StoreError;

/// A point in time: seconds since the epoch, which may be negative, and nanoseconds after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Whole seconds, rounded down.
    pub secs: i64,
    /// Nanoseconds after `secs`, below 1,000,000,000.
    pub nanos: u32,
}

/// One extended attribute: full name (`security.capability`) and value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Xattr {
    /// Name with its namespace prefix.
    pub name: Vec<u8>,
    /// Raw value.
    pub value: Vec<u8>,
}

/// What an inode has besides its kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Permission bits with setuid, setgid and sticky (`07777`); no type bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time.
    pub mtime: Timestamp,
    /// Extended attributes, sorted by name; `trusted.overlay.*` never stands here.
    pub xattrs: Vec<Xattr>,
}

/// What an inode is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A directory.
    Directory,
    /// A regular file with its contents in the blob store.
    Regular {
        /// Digest of the contents.
        blob: Digest,
        /// Logical length in bytes.
        size: u64,
    },
    /// A symbolic link and its target, uninterpreted.
    Symlink(Vec<u8>),
    /// A character device; `rdev` as in `st_rdev`.
    CharDevice(u64),
    /// A block device; `rdev` as in `st_rdev`.
    BlockDevice(u64),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl NodeKind {
    /// The type bits of `st_mode`.
    pub(crate) fn file_type(&self) -> u32 {
        match self {
            Self::Directory => libc::S_IFDIR,
            Self::Regular { .. } => libc::S_IFREG,
            Self::Symlink(_) => libc::S_IFLNK,
            Self::CharDevice(_) => libc::S_IFCHR,
            Self::BlockDevice(_) => libc::S_IFBLK,
            Self::Fifo => libc::S_IFIFO,
            Self::Socket => libc::S_IFSOCK,
        }
    }
}

/// A committed layer: its id, its parent, and its index mapped into memory.
#[derive(Debug)]
pub struct Layer {
    id: SnapshotId,
    parent: Option<SnapshotId>,
    index: LayerIndex,
}

impl Layer {
    /// The snapshot that this layer makes of its parent.
    pub fn id(&self) -> SnapshotId {
        self.id
    }

    /// The snapshot below, or none for a base layer.
    pub fn parent(&self) -> Option<SnapshotId> {
        self.parent
    }

    /// The changes.
    pub fn index(&self) -> &LayerIndex {
        &self.index
    }
}

/// Builds a layer in memory: entries by path, in any order, later ones winning.
///
/// Paths are relative to the root (a leading `/` is dropped), have no `.` or `..`, and are taken
/// literally: the caller has resolved symbolic links. Contents are in the blob store already.
/// Holds the store's ingest lock, so that no blob it names is swept before the commit.
#[derive(Debug)]
pub struct LayerWriter {
    parent: Chain,
}

impl LayerWriter {
    /// Adds an entry, or replaces what this layer or the chain below has at that path.
    ///
    /// A directory over a directory keeps the children and takes the new metadata; a directory
    /// over anything else starts empty; anything else over a directory hides its whole tree.
    /// Missing parents take their metadata from the chain below, else `0755 root:root` and the
    /// entry's own mtime.
    pub fn put(
        &mut self,
        path: &Path,
        kind: NodeKind,
        metadata: Metadata,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Makes `path` another name of the file at `target`, which this layer or the chain below
    /// has; one below is copied up, by reference to its blob, so that both names are one inode.
    pub fn link(&mut self, path: &Path, target: &Path) -> Result<(), StoreError> {
        todo!()
    }

    /// Removes what the chain below, or this layer so far, has at `path`; no effect if nothing is there.
    pub fn remove(&mut self, path: &Path) -> Result<(), StoreError> {
        todo!()
    }

    /// Hides everything that the chain below has under the directory `path`.
    pub fn make_opaque(&mut self, path: &Path) -> Result<(), StoreError> {
        todo!()
    }

    /// What is at `path` now, this layer merged over the chain below; symlinks not followed.
    pub fn get(&self, path: &Path) -> Result<Option<(NodeKind, Metadata)>, StoreError> {
        todo!()
    }

    /// Names in the directory `path`, merged and sorted; none when it is not a directory.
    pub fn list(&self, path: &Path) -> Result<Vec<Box<OsStr>>, StoreError> {
        todo!()
    }

    /// Resolves `path` inside this tree as chroot would: every symbolic link is followed (the last
    /// too), absolute targets and `..` stay inside the root. Components from the first missing one
    /// on are kept as written. Gives a path without links, fit for [`LayerWriter::put`].
    pub fn resolve(&self, path: &Path) -> Result<std::path::PathBuf, StoreError> {
        todo!()
    }

    /// The chain below.
    pub fn parent(&self) -> &Chain {
        &self.parent
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        todo!()
    }

    /// Writes the index and gives the chain with the new layer on top.
    /// A layer that changed nothing gives the parent chain back.
    pub fn commit(self) -> Result<Chain, StoreError> {
        todo!()
    }

    /// As [`LayerWriter::commit`], but makes a layer even if nothing was changed: a base image's
    /// empty layers keep their place.
    pub fn commit_even_if_empty(self) -> Result<Chain, StoreError> {
        todo!()
    }
}
