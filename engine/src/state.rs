//! The state directory: snapshots, index, pulled contents, cache mounts, logs.
//!
//! ```text
//! <root>/
//! ├── format, store.lock, blobs/, layers/, scratch/    snapshotter
//! ├── cache.db                                          cachedb
//! ├── leases/, locks/                                   cachedb: flocks, die with their process
//! ├── content/sha256/                                   image: manifests, configs, layers as pulled
//! ├── cache-mounts/<sha256 of id>/                      contents of RUN --mount=type=cache
//! ├── logs/<build>/<step>.log                           full log of each executed step
//! └── mounts/<id>.json                                  mounts that outlive their command
//! ```

use std::path::{Path, PathBuf};

use iechor_snapshotter::SnapshotStore;

use crate::error::BuildError;

/// An open state directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    root: PathBuf,
    store: SnapshotStore,
}

impl Engine {
    /// Opens or makes the state directory.
    pub fn open(root: &Path) -> Result<Self, BuildError> {
        todo!()
    }

    /// The state directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Snapshots and blobs.
    pub fn store(&self) -> &SnapshotStore {
        &self.store
    }
}
