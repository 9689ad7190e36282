//! The sections of an index file as slices of records.

use std::ops::Range;

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::format::{BlobRecord, DirentRecord, InodeRecord, Sections, XattrRecord};

/// All sections, borrowed from the file's bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Records<'a> {
    pub(crate) inodes: &'a [InodeRecord],
    pub(crate) dirents: &'a [DirentRecord],
    pub(crate) xattrs: &'a [XattrRecord],
    pub(crate) blobs: &'a [BlobRecord],
    pub(crate) text: &'a [u8],
}

impl<'a> Records<'a> {
    /// Casts the sections in place; costs a few comparisons.
    pub(crate) fn new(bytes: &'a [u8], sections: &Sections) -> Self {
        Self {
            inodes: section(bytes, &sections.inodes),
            dirents: section(bytes, &sections.dirents),
            xattrs: section(bytes, &sections.xattrs),
            blobs: section(bytes, &sections.blobs),
            text: section(bytes, &sections.text),
        }
    }
}

/// One section; `Sections` gives whole records, so that the cast holds for every sound frame.
pub(crate) fn section<'a, T>(bytes: &'a [u8], range: &Range<usize>) -> &'a [T]
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    bytes
        .get(range.clone())
        .and_then(|part| <[T]>::ref_from_bytes(part).ok())
        .unwrap_or_default()
}
