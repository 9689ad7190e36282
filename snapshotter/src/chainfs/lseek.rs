//! LSEEK: where a sparse file has data and where it has none.

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::{ChainFs, FsError, Ino};

/// What is looked for (lseek(2), "Seeking file data and holes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// The next position that has data.
    Data,
    /// The next position that has none; every file ends with a hole.
    Hole,
}

impl ChainFs {
    /// The first position at or behind `offset` that is data, or a hole.
    ///
    /// # Errors
    ///
    /// [`FsError::BehindEnd`] when there is none; else as [`ChainFs::read`].
    pub fn lseek(&self, ino: Ino, offset: u64, seek: Seek) -> Result<u64, FsError> {
        let contents = self.contents(ino)?.ok_or(FsError::BehindEnd)?;
        if offset >= contents.size {
            return Err(FsError::BehindEnd);
        }
        let from = match seek {
            Seek::Data => SeekFrom::Data(offset),
            Seek::Hole => SeekFrom::Hole(offset),
        };
        match rustix::fs::seek(&contents.file, from) {
            Ok(found) => Ok(found.min(contents.size)),
            Err(Errno::NXIO) => Err(FsError::BehindEnd),
            Err(errno) => Err(self.lost(ino, &errno)),
        }
    }
}
