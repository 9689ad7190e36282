//! Hashing and copying files without reading or filling their holes.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::id::{Digest, Hasher};

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;
/// What a hole reads as.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Digest and length of a file's contents.
pub(super) fn hash(file: &File) -> io::Result<(Digest, u64)> {
    each_piece(file, |_, _| Ok(()))
}

/// As [`hash`], and writes the contents to the same places of another file, which is empty.
pub(super) fn copy(from: &File, to: &File) -> io::Result<(Digest, u64)> {
    let (digest, len) = each_piece(from, |bytes, at| to.write_all_at(bytes, at))?;
    to.set_len(len)?;
    Ok((digest, len))
}

/// Hashes a hole.
pub(super) fn hash_zeros(hasher: &mut Hasher, mut len: u64) {
    while len > 0 {
        let step = usize::try_from(len).unwrap_or(usize::MAX).min(ZEROS.len());
        hasher.update(&ZEROS[..step]);
        len -= step as u64;
    }
}

/// Hashes a file and shows every piece that is no hole, with its offset.
fn each_piece(
    file: &File,
    mut piece: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<(Digest, u64)> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    while let Some(extent) = next_extent(file, at)? {
        hash_zeros(&mut hasher, extent.start - at);
        at = extent.start;
        while at < extent.end {
            let step = usize::try_from(extent.end - at).unwrap_or(CHUNK).min(CHUNK);
            let n_read = file.read_at(&mut buffer[..step], at)?;
            if n_read == 0 {
                // Somebody cut the file off meanwhile: what was read is what counts.
                return Ok((hasher.finish(), at));
            }
            hasher.update(&buffer[..n_read]);
            piece(&buffer[..n_read], at)?;
            at += n_read as u64;
        }
    }
    let len = file.metadata()?.len().max(at);
    hash_zeros(&mut hasher, len - at);
    Ok((hasher.finish(), len))
}

/// The next range of data at or after an offset; none when there is only a hole, or nothing.
fn next_extent(file: &File, at: u64) -> io::Result<Option<Range<u64>>> {
    let start = match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return whole_rest(file, at),
        Err(errno) => return Err(errno.into()),
    };
    let end = rustix::fs::seek(file, SeekFrom::Hole(start))?;
    Ok(Some(start..end))
}

/// For file systems that cannot tell holes.
fn whole_rest(file: &File, at: u64) -> io::Result<Option<Range<u64>>> {
    let len = file.metadata()?.len();
    Ok((at < len).then_some(at..len))
}
