//! Files mapped into memory.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file for reading.
///
/// Only for files that nobody writes or truncates: layer indexes and kept files, which appear
/// complete by one rename, and are only ever unlinked or replaced.
pub(crate) fn map_immutable(file: &File) -> io::Result<Mmap> {
    // SAFETY: the caller maps immutable files only, so the bytes behind the slice never change
    // and never go away; an unlinked file stays mapped.
    unsafe { Mmap::map(file) }
}
