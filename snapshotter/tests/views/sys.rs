//! What needs `unsafe`: memory that a file is.

#![expect(unsafe_code, reason = "mapping a file is")]

use std::fs::File;

use memmap2::MmapMut;

/// Maps a file, so that writes go to it.
pub(crate) fn map_shared(file: &File) -> MmapMut {
    // SAFETY: the scripts that map a file do not cut it off while it is mapped.
    unsafe { MmapMut::map_mut(file) }.unwrap()
}
