//! Key locks: two builds of the same step run it once.

use std::path::Path;
use std::time::Duration;

use crate::key::CacheKey;
use crate::lease::LockError;
use crate::lock_file::LockFile;

/// How long a waiting build sleeps between two looks: below what a person notices.
const PAUSE: Duration = Duration::from_millis(20);

/// The exclusive right to execute the instruction of one key; dies with its process.
///
/// Who gets it looks the key up again before executing: another build may have just done it.
#[derive(Debug)]
pub struct KeyLock {
    file: LockFile,
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
        loop {
            if let Some(lock) = Self::try_acquire(dir, key)? {
                return Ok(Some(lock));
            }
            if cancelled() {
                return Ok(None);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Takes the lock if nobody has it.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn try_acquire(dir: &Path, key: &CacheKey) -> Result<Option<Self>, LockError> {
        let file = LockFile::open(dir.join(key.hex()))?;
        let ours = file.try_lock()? && file.is_current()?;
        Ok(ours.then_some(Self { file }))
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        self.file.remove_if_unused();
    }
}
