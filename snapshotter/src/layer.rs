//! A committed layer, and the writer that makes one.

pub(crate) mod draft;
pub(crate) mod entry;
pub(crate) mod overlaid;
pub(crate) mod prune;
mod resolve;
#[cfg(test)]
mod tests;
mod writer;

pub use self::entry::EntryError;
pub use self::writer::LayerWriter;
use crate::id::{Digest, SnapshotId};
use crate::index::LayerIndex;

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
    /// Extended attributes, sorted by name. `trusted.overlay.*` is what a step set for an overlay
    /// within, never a mark of ours.
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
    index: LayerIndex,
}

impl Layer {
    pub(crate) fn new(id: SnapshotId, index: LayerIndex) -> Self {
        Self { id, index }
    }

    /// The snapshot that this layer makes of its parent.
    pub fn id(&self) -> SnapshotId {
        self.id
    }

    /// The snapshot below, or none for a base layer.
    pub fn parent(&self) -> Option<SnapshotId> {
        self.index.parent()
    }

    /// The changes.
    pub fn index(&self) -> &LayerIndex {
        &self.index
    }
}
