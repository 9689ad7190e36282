//! Key locks: two builds of the same step run it once.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::key::CacheKey;
use crate::lease::LockError;

/// The exclusive right to execute the instruction of one key; dies with its process.
///
/// Who gets it looks the key up again before executing: another build may have just done it.
#[derive(Debug)]
pub struct KeyLock {
    path: PathBuf,
    file: File,
}

impl KeyLock {
    /// Waits for the lock; `None` when `cancelled` said so meanwhile. It is asked 50 times a second.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn acquire(
        dir: &Path,
        key: &CacheKey,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, LockError> {
        let _ = (dir, key, cancelled);
        todo!()
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        let _ = &self.file;
        &self.path
    }
}
