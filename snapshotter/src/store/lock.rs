//! The store's lock: shared while layers are made, exclusive while blobs are swept.
//!
//! A `flock`: it goes away with its process, however that ends.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use super::StoreError;
use super::error::cannot;

/// Held while blobs exist that no layer names yet; any number of processes may.
#[derive(Debug)]
pub(crate) struct IngestLock {
    _file: File,
}

/// Held while blobs are removed that no layer names; excludes every [`IngestLock`].
#[derive(Debug)]
pub(crate) struct SweepLock {
    _file: File,
}

/// The file that is locked.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
}

impl LockFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Waits for a sweep to end.
    pub(crate) fn ingest(&self) -> Result<IngestLock, StoreError> {
        Ok(IngestLock {
            _file: self.lock(FlockOperation::LockShared)?,
        })
    }

    /// Waits for all layers under way to be committed or dropped.
    pub(crate) fn sweep(&self) -> Result<SweepLock, StoreError> {
        Ok(SweepLock {
            _file: self.lock(FlockOperation::LockExclusive)?,
        })
    }

    fn lock(&self, operation: FlockOperation) -> Result<File, StoreError> {
        let file = open(&self.path)?;
        rustix::io::retry_on_intr(|| flock(&file, operation))
            .map_err(cannot("cannot lock", &self.path))?;
        Ok(file.into())
    }
}

/// Opens the file, read-only so that a store on a read-only file system can be locked, too.
fn open(path: &Path) -> Result<OwnedFd, StoreError> {
    let flags = OFlags::RDONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(cannot("cannot open", path))
}
