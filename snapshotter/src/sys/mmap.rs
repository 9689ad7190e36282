//! Files mapped into memory.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file for reading.
///
/// Only for files that nobody writes or truncates: layer indexes, which appear complete by one
/// rename, have mode 0400, and are only ever unlinked.
pub(crate) fn map_immutable(file: &File) -> io::Result<Mmap> {
    // SAFETY: the caller maps immutable files only, so the bytes behind the slice never change
    // and never go away; an unlinked file stays mapped.
    unsafe { Mmap::map(file) }
}
