//! Copies contents, holes kept as holes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use rustix::fs::SeekFrom as Place;
use rustix::io::Errno;

/// Copies all of `from` into the empty file `to`.
pub(super) fn copy_contents(from: &File, mut to: &File) -> io::Result<()> {
    let size = from.metadata()?.len();
    to.set_len(size)?;
    let mut at = 0;
    while let Some((start, end)) = next_data(from, at)? {
        let mut from = from;
        from.seek(SeekFrom::Start(start))?;
        to.seek(SeekFrom::Start(start))?;
        io::copy(&mut from.take(end - start), &mut to)?;
        at = end;
    }
    to.flush()
}

/// Where the next stretch of data begins and ends; none if only a hole is left.
fn next_data(file: &File, at: u64) -> io::Result<Option<(u64, u64)>> {
    match rustix::fs::seek(file, Place::Data(at)) {
        Err(Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(start) => Ok(Some((start, rustix::fs::seek(file, Place::Hole(start))?))),
    }
}
