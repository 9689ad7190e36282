//! Lock files: `flock`s on files that are removed when nobody needs them.
//!
//! Removing a lock file is safe because whoever locks one then looks whether the name still leads
//! to the file that it locked, and begins anew if not; and only who holds the exclusive lock
//! removes it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why a lock file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file could not be made, opened, locked or removed.
    #[error("cannot {action} lock file {path}")]
    Io {
        /// What was tried: a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl LockError {
    /// Whether the lock file could not be made because nothing can be there.
    pub(crate) fn is_read_only(&self) -> bool {
        let Self::Io { source, .. } = self;
        source.kind() == io::ErrorKind::ReadOnlyFilesystem
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// A file under its name, locked or about to be.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    file: File,
}

impl LockFile {
    /// Opens the file, makes it when it is missing.
    pub(crate) fn open(path: PathBuf) -> Result<Self, LockError> {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let file = options.open(&path).map_err(LockError::io("open", &path))?;
        Ok(Self { path, file })
    }

    /// Opens the file if it is there.
    pub(crate) fn existing(path: PathBuf) -> Result<Option<Self>, LockError> {
        // A lock needs no write access, which a read-only file system would refuse.
        match OpenOptions::new().read(true).open(&path) {
            Ok(file) => Ok(Some(Self { path, file })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LockError::io("open", &path)(error)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn lock_shared(&self) -> Result<(), LockError> {
        retry(|| self.file.lock_shared()).map_err(LockError::io("lock", &self.path))
    }

    pub(crate) fn lock(&self) -> Result<(), LockError> {
        retry(|| self.file.lock()).map_err(LockError::io("lock", &self.path))
    }

    /// `false` when somebody else holds it.
    pub(crate) fn try_lock(&self) -> Result<bool, LockError> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(LockError::io("lock", &self.path)(error)),
        }
    }

    /// Whether the name leads to this file. Asked under the lock, the answer stays true.
    pub(crate) fn is_current(&self) -> Result<bool, LockError> {
        let ours = self
            .file
            .metadata()
            .map_err(LockError::io("read", &self.path))?;
        match std::fs::metadata(&self.path) {
            Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(LockError::io("read", &self.path)(error)),
        }
    }

    /// Removes the file if nobody else has it locked; to be called last, for it gives a shared
    /// lock away. A file that stays behind is harmless, so failures are not reported.
    pub(crate) fn remove_if_unused(&self) {
        if matches!(self.try_lock(), Ok(true)) && matches!(self.is_current(), Ok(true)) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A signal may interrupt the wait for a lock.
fn retry(mut lock: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
