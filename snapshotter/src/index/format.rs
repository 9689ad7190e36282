//! Records of the index file as they lie on disk: little-endian, packed, read in place.
//!
//! ```text
//! ┌────────┬────────┬─────────┬─────────┬────────┬───────┬──────┐
//! │ Header │ Counts │ inodes… │ dirents…│ xattrs…│ blobs…│ text │
//! └────────┴────────┴─────────┴─────────┴────────┴───────┴──────┘
//!           └──────────────── body, hashed ───────────────────┘
//! ```
//!
//! Sections follow each other without gaps; their sizes follow from `Counts`. `docs/store-format.md`
//! says the same for people.

use std::ops::Range;

use zerocopy::little_endian::{I64, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::id::Digest;

/// First bytes of every layer index.
pub(crate) const MAGIC: [u8; 8] = *b"iechorLI";
/// The only version there is. Any change of a record is a new version.
pub(crate) const VERSION: u32 = 1;
/// Flag: `parent` is meant; without it the layer is a base layer and `parent` is zeros.
pub(crate) const HAS_PARENT: u32 = 1;

/// Directory entry that stands for a whiteout instead of an inode.
pub(crate) const WHITEOUT: u32 = u32::MAX;
/// Inode without contents in the blob store.
pub(crate) const NO_BLOB: u32 = u32::MAX;

/// `InodeRecord::below` of an inode that joins with the same path, and of all that are no directory.
pub(crate) const SAME_PATH: u32 = 0;
/// `InodeRecord::below` of an opaque directory.
pub(crate) const NOTHING: u32 = 1;
/// `InodeRecord::below` of a moved directory; the path is its text.
pub(crate) const MOVED_FROM: u32 = 2;

/// What comes before the hashed body.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) magic: [u8; 8],
    pub(crate) version: U32,
    pub(crate) flags: U32,
    pub(crate) parent: [u8; 32],
    /// SHA-256 of the body.
    pub(crate) digest: [u8; 32],
    /// Bytes in the body.
    pub(crate) body_len: U64,
}

/// How many records each section has; `text` counts bytes.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Counts {
    pub(crate) inodes: U32,
    pub(crate) dirents: U32,
    pub(crate) xattrs: U32,
    pub(crate) blobs: U32,
    pub(crate) text: U64,
}

/// A slice of the text section.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Text {
    pub(crate) offset: U32,
    pub(crate) len: U32,
}

/// One inode. Its number is its place in the section; directories come before what they hold.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct InodeRecord {
    pub(crate) mode: U32,
    pub(crate) uid: U32,
    pub(crate) gid: U32,
    pub(crate) nlink: U32,
    pub(crate) size: U64,
    pub(crate) rdev: U64,
    pub(crate) mtime_secs: I64,
    pub(crate) mtime_nanos: U32,
    /// [`SAME_PATH`], [`NOTHING`] or [`MOVED_FROM`].
    pub(crate) below: U32,
    /// Directory entries: a range of the dirent section.
    pub(crate) first_dirent: U32,
    pub(crate) dirents: U32,
    /// Extended attributes: a range of the xattr section.
    pub(crate) first_xattr: U32,
    pub(crate) xattrs: U32,
    /// Place in the blob section, or [`NO_BLOB`].
    pub(crate) blob: U32,
    /// Target of a symlink, or the path that a directory was moved from.
    pub(crate) text: Text,
}

/// One name in a directory.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct DirentRecord {
    pub(crate) name: Text,
    /// Inode number, or [`WHITEOUT`].
    pub(crate) inode: U32,
}

/// One extended attribute.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct XattrRecord {
    pub(crate) name: Text,
    pub(crate) value: Text,
}

/// One entry of the blob section, which is sorted.
pub(crate) type BlobRecord = Digest;

impl Text {
    /// The bytes as a range of the text section.
    pub(crate) fn range(self) -> Range<usize> {
        let start = self.offset.get() as usize;
        start..start + self.len.get() as usize
    }
}

impl InodeRecord {
    /// Places of its entries in the dirent section.
    pub(crate) fn dirent_range(&self) -> Range<usize> {
        let start = self.first_dirent.get() as usize;
        start..start + self.dirents.get() as usize
    }

    /// Places of its attributes in the xattr section.
    pub(crate) fn xattr_range(&self) -> Range<usize> {
        let start = self.first_xattr.get() as usize;
        start..start + self.xattrs.get() as usize
    }

    /// The type bits of the mode.
    pub(crate) fn file_type(&self) -> u32 {
        self.mode.get() & libc::S_IFMT
    }
}

/// Where each section lies in the file.
#[derive(Debug, Clone)]
pub(crate) struct Sections {
    pub(crate) inodes: Range<usize>,
    pub(crate) dirents: Range<usize>,
    pub(crate) xattrs: Range<usize>,
    pub(crate) blobs: Range<usize>,
    pub(crate) text: Range<usize>,
}

impl Sections {
    /// Where the body begins.
    pub(crate) const BODY: usize = size_of::<Header>();

    /// Lays the sections out one after the other; none when they would not fit an address space.
    pub(crate) fn of(counts: &Counts) -> Option<Self> {
        let mut end = Self::BODY + size_of::<Counts>();
        let mut next = |count: u64, size: usize| {
            let start = end;
            end = start.checked_add(usize::try_from(count).ok()?.checked_mul(size)?)?;
            Some(start..end)
        };
        Some(Self {
            inodes: next(counts.inodes.into(), size_of::<InodeRecord>())?,
            dirents: next(counts.dirents.into(), size_of::<DirentRecord>())?,
            xattrs: next(counts.xattrs.into(), size_of::<XattrRecord>())?,
            blobs: next(counts.blobs.into(), size_of::<BlobRecord>())?,
            text: next(counts.text.into(), 1)?,
        })
    }

    /// How long the whole file is.
    pub(crate) fn file_len(&self) -> usize {
        self.text.end
    }
}
