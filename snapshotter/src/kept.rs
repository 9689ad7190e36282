//! Files that hold what could be found out again, but would take long.
//!
//! ```text
//! ┌───────┬──────────┬──────────┐
//! │ magic │ contents │ checksum │
//! └───────┴──────────┴──────────┘
//! ```
//!
//! Such a file lies beside what it was made of. One that is not whole counts as none, and one that
//! cannot be written is not missed. So neither is synced, and the checksum is one that finds damage,
//! not malice: whoever can write here can write everywhere else in the state directory.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use memmap2::Mmap;

use crate::sys;

/// What such a file begins with: its kind and its version.
pub type Magic = [u8; 16];

/// Bytes of the checksum, the CRC-32 of all before it, little-endian.
const SUM: usize = 4;

/// A file that is whole, mapped into memory: reading it takes no memory of its own.
#[derive(Debug)]
pub struct KeptFile {
    map: Mmap,
}

impl KeptFile {
    /// Maps a file; none where there is none of this kind that is whole.
    pub fn open(path: &Path, magic: &Magic) -> Option<Self> {
        let file = File::open(path).ok()?;
        let map = sys::mmap::map_immutable(&file).ok()?;
        let (body, sum) = map.split_last_chunk::<SUM>()?;
        let is_whole = body.starts_with(magic) && crc32fast::hash(body).to_le_bytes() == *sum;
        is_whole.then_some(Self { map })
    }

    /// What was written.
    pub fn contents(&self) -> &[u8] {
        let body = self.map.len() - SUM;
        &self.map[size_of::<Magic>()..body]
    }

    /// Replaces a file in one step by one with the parts of its contents; who reads the old one goes
    /// on reading it.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn replace(path: &Path, magic: &Magic, contents: &[&[u8]]) -> io::Result<()> {
        let dir = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        let mut sum = crc32fast::Hasher::new();
        for part in std::iter::once(&magic.as_slice()).chain(contents) {
            sum.update(part);
            file.write_all(part)?;
        }
        file.write_all(&sum.finalize().to_le_bytes())?;
        file.persist(path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: &Magic = b"iechor of test 1";

    #[test]
    fn what_was_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        KeptFile::replace(&path, MAGIC, &[b"abc", b"", b"def"]).unwrap();
        let kept = KeptFile::open(&path, MAGIC).unwrap();
        assert_eq!(kept.contents(), b"abcdef");
        KeptFile::replace(&path, MAGIC, &[]).unwrap();
        assert_eq!(kept.contents(), b"abcdef", "who reads goes on reading");
        assert_eq!(KeptFile::open(&path, MAGIC).unwrap().contents(), b"");
        assert!(KeptFile::open(&path, b"iechor of test 2").is_none());
    }

    #[test]
    fn what_is_not_whole_counts_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        assert!(KeptFile::open(&path, MAGIC).is_none());
        KeptFile::replace(&path, MAGIC, &[b"contents"]).unwrap();
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert!(KeptFile::open(&path, MAGIC).is_none(), "byte {at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert!(KeptFile::open(&path, MAGIC).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn nothing_is_left_of_what_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        std::fs::create_dir(&path).unwrap();
        assert!(KeptFile::replace(&path, MAGIC, &[b"contents"]).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
