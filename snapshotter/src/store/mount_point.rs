//! Empty directories to mount at.

use std::path::PathBuf;

use super::scratch::ScratchDir;
use super::{SnapshotStore, StoreError};

/// An empty directory, private to this process, to mount something at.
///
/// Whatever was mounted there has to be unmounted before this is dropped.
#[derive(Debug)]
pub struct MountPoint {
    scratch: ScratchDir,
}

impl SnapshotStore {
    /// Makes a directory to mount at.
    pub fn mount_point(&self) -> Result<MountPoint, StoreError> {
        Ok(MountPoint {
            scratch: self.scratch().create()?,
        })
    }
}

impl MountPoint {
    /// The directory.
    pub fn path(&self) -> PathBuf {
        self.scratch.path()
    }
}
