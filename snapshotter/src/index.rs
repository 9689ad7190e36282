//! The layer index: one immutable, checksummed, versioned, memory-mapped file a layer.
//!
//! What it looks like on disk is told in `docs/store-format.md` and in the module `format`. A file is
//! verified as a whole when it is opened, after which no access can fail.

mod check;
pub(crate) mod encode;
mod format;
mod records;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;

use memmap2::Mmap;

use self::check::Frame;
pub use self::check::IndexError;
pub(crate) use self::check::is_name;
use self::format::{
    DirentRecord, InodeRecord, MOVED_FROM, NOTHING, Sections, Text, WHITEOUT, XattrRecord,
};
use self::records::Records;
use crate::id::{Digest, Hasher, SnapshotId};
use crate::layer::{NodeKind, Timestamp};
use crate::sys;

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
pub struct LayerIndex {
    map: Mmap,
    sections: Sections,
    parent: Option<SnapshotId>,
    digest: Digest,
}

impl LayerIndex {
    /// The root directory.
    pub const ROOT: InodeIdx = InodeIdx(0);

    /// Maps a file that will never be changed.
    pub(crate) fn map(file: &File) -> io::Result<Mmap> {
        sys::mmap::map_immutable(file)
    }

    /// Verifies a mapped file: its digest, and every record.
    pub(crate) fn verify(map: Mmap) -> Result<Self, IndexError> {
        let frame = check::verify(&map)?;
        Ok(Self::framed(map, frame))
    }

    /// Takes a mapped file that was verified before at its word: its header and the lengths of its
    /// sections alone are looked at. Should it be damaged all the same, answers are wrong.
    pub(crate) fn trust(map: Mmap) -> Result<Self, IndexError> {
        let frame = check::frame(&map)?;
        if frame.sections.inodes.is_empty() {
            let (inode, what) = (0, "there is no root");
            return Err(IndexError::Inode { inode, what });
        }
        Ok(Self::framed(map, frame))
    }

    fn framed(map: Mmap, frame: Frame) -> Self {
        Self {
            map,
            sections: frame.sections,
            parent: frame.parent,
            digest: frame.digest,
        }
    }

    /// The snapshot that this layer lies on.
    pub fn parent(&self) -> Option<SnapshotId> {
        self.parent
    }

    /// The snapshot that this layer makes of its parent.
    pub fn snapshot_id(&self) -> SnapshotId {
        snapshot_id(self.parent, &self.digest)
    }

    /// Digest of the changes alone; the same on every parent.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Length of the file in bytes.
    pub fn file_len(&self) -> u64 {
        self.map.len() as u64
    }

    /// How many inodes there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always a root")]
    pub fn len(&self) -> u32 {
        u32::try_from(self.records().inodes.len()).unwrap_or(u32::MAX)
    }

    /// Fixed-size facts.
    pub fn stat(&self, inode: InodeIdx) -> Stat {
        let record = self.inode(inode);
        Stat {
            mode: record.mode.get(),
            uid: record.uid.get(),
            gid: record.gid.get(),
            nlink: record.nlink.get(),
            size: record.size.get(),
            rdev: record.rdev.get(),
            mtime: Timestamp {
                secs: record.mtime_secs.get(),
                nanos: record.mtime_nanos.get(),
            },
        }
    }

    /// Whether the inode is a directory.
    pub fn is_directory(&self, inode: InodeIdx) -> bool {
        self.inode(inode).file_type() == libc::S_IFDIR
    }

    /// What the inode is, with its payload (allocates for symlinks).
    pub fn kind(&self, inode: InodeIdx) -> NodeKind {
        let record = self.inode(inode);
        match record.file_type() {
            libc::S_IFDIR => NodeKind::Directory,
            libc::S_IFLNK => NodeKind::Symlink(self.target(inode).to_vec()),
            libc::S_IFCHR => NodeKind::CharDevice(record.rdev.get()),
            libc::S_IFBLK => NodeKind::BlockDevice(record.rdev.get()),
            libc::S_IFIFO => NodeKind::Fifo,
            libc::S_IFSOCK => NodeKind::Socket,
            _ => self.regular(record),
        }
    }

    /// Contents of a regular file; none for other kinds.
    pub fn blob(&self, inode: InodeIdx) -> Option<&Digest> {
        self.blobs().get(self.inode(inode).blob.get() as usize)
    }

    /// Target of a symlink; empty for other kinds.
    pub fn target(&self, inode: InodeIdx) -> &[u8] {
        let record = self.inode(inode);
        if record.file_type() == libc::S_IFLNK {
            self.text(record.text)
        } else {
            b""
        }
    }

    /// How a directory joins with what lies below.
    pub fn below(&self, dir: InodeIdx) -> Below<'_> {
        let record = self.inode(dir);
        match record.below.get() {
            NOTHING => Below::Nothing,
            MOVED_FROM => Below::MovedFrom(self.text(record.text)),
            _ => Below::SamePath,
        }
    }

    /// Entries of a directory, sorted by name as bytes; none for other kinds.
    pub fn entries(&self, dir: InodeIdx) -> impl ExactSizeIterator<Item = (&[u8], Entry)> {
        self.dirents(dir)
            .iter()
            .map(|dirent| (self.text(dirent.name), entry(dirent)))
    }

    /// One entry of a directory, by binary search.
    pub fn find(&self, dir: InodeIdx, name: &[u8]) -> Option<Entry> {
        let dirents = self.dirents(dir);
        let place = dirents
            .binary_search_by(|dirent| self.text(dirent.name).cmp(name))
            .ok()?;
        dirents.get(place).map(entry)
    }

    /// Extended attributes, sorted by name.
    pub fn xattrs(&self, inode: InodeIdx) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        let range = self.inode(inode).xattr_range();
        let xattrs = self.records().xattrs.get(range).unwrap_or_default();
        xattrs
            .iter()
            .map(|XattrRecord { name, value }| (self.text(*name), self.text(*value)))
    }

    /// Whether any inode has extended attributes.
    pub fn has_xattrs(&self) -> bool {
        !self.records().xattrs.is_empty()
    }

    /// All blobs that the layer names, each once.
    pub fn blobs(&self) -> &[Digest] {
        self.records().blobs
    }

    fn records(&self) -> Records<'_> {
        Records::new(&self.map, &self.sections)
    }

    /// The record; that of the root for numbers that another index gave out.
    fn inode(&self, inode: InodeIdx) -> &InodeRecord {
        let inodes = self.records().inodes;
        inodes.get(inode.0 as usize).unwrap_or(&inodes[0])
    }

    fn dirents(&self, dir: InodeIdx) -> &[DirentRecord] {
        self.records()
            .dirents
            .get(self.inode(dir).dirent_range())
            .unwrap_or_default()
    }

    fn text(&self, text: Text) -> &[u8] {
        self.records().text.get(text.range()).unwrap_or_default()
    }

    fn regular(&self, record: &InodeRecord) -> NodeKind {
        let blob = self.blobs().get(record.blob.get() as usize).copied();
        let blob = blob.unwrap_or(Digest::from_bytes([0; 32]));
        NodeKind::Regular {
            blob,
            size: record.size.get(),
        }
    }
}

/// The id of the snapshot that changes make of a parent.
pub(crate) fn snapshot_id(parent: Option<SnapshotId>, changes: &Digest) -> SnapshotId {
    let mut hasher = Hasher::new();
    hasher.update(b"iechor snapshot 1\0");
    hasher.update(&[u8::from(parent.is_some())]);
    if let Some(parent) = parent {
        hasher.update(parent.digest().as_bytes());
    }
    hasher.update(changes.as_bytes());
    SnapshotId::new(hasher.finish())
}

fn entry(dirent: &DirentRecord) -> Entry {
    match dirent.inode.get() {
        WHITEOUT => Entry::Whiteout,
        inode => Entry::Inode(InodeIdx(inode)),
    }
}
