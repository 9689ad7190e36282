//! The store on disk: blobs, layer indexes, scratch uppers.
//!
//! ```text
//! <root>/
//! ├── format                    "iechor store 1"; read before anything else
//! ├── store.lock                shared while a layer is being made, exclusive while sweeping
//! ├── blobs/ab/<hex>            file contents, 0400
//! ├── layers/ab/<hex>           layer index of a snapshot; appears by one rename
//! └── scratch/<random>/         uppers of steps under way, flocked; swept when nobody holds them
//! ```

use std::path::{Path, PathBuf};

use crate::blob::BlobStore;
use crate::chain::Chain;
use crate::id::SnapshotId;
use crate::layer::LayerWriter;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A system call on a path failed.
    #[error("{action} {path}")]
    Io {
        /// What was being done: "cannot open".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
}

/// The store of snapshots under one state directory. Cheap to clone, used by many threads and,
/// with other handles, by many processes at once.
#[derive(Debug, Clone)]
pub struct SnapshotStore;

impl SnapshotStore {
    /// Opens or makes the store under `root`; sweeps what crashed processes left in `scratch/`.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        todo!()
    }

    /// File contents.
    pub fn blobs(&self) -> &BlobStore {
        todo!()
    }

    /// Whether the snapshot's layer is here.
    pub fn contains(&self, id: SnapshotId) -> bool {
        todo!()
    }

    /// Maps the layers from the base up to `tip`; a layer mapped before is shared.
    pub fn chain(&self, tip: SnapshotId) -> Result<Chain, StoreError> {
        todo!()
    }

    /// Starts a layer on `parent`.
    pub fn new_layer(&self, parent: &Chain) -> Result<LayerWriter, StoreError> {
        todo!()
    }
}
