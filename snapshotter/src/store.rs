//! The store on disk: blobs, layer indexes, scratch uppers.
//!
//! ```text
//! <root>/
//! ├── format                    "iechor store 1"; read before anything else
//! ├── store.lock                shared while a layer is being made, exclusive while sweeping
//! ├── blobs/ab/<hex>            file contents, 0400
//! ├── layers/ab/<hex>           layer index of a snapshot; appears by one rename
//! └── scratch/<name>/           uppers of steps under way and of writable mounts, flocked; swept when
//!                              nobody holds them
//! ```
//!
//! All directories have mode 0700, all blobs and indexes 0400. Nothing is ever changed in place.
//!
//! # Durability
//!
//! Blobs come first, then the index that names them, then [`SnapshotStore::sync`], and only then
//! may anybody write down that the snapshot exists. What a crash leaves is swept: uppers by the next
//! [`SnapshotStore::open`], blobs without a layer by [`SnapshotStore::sweep`].
//!
//! # Locking
//!
//! `store.lock` is held shared by whoever makes a layer, exclusively by a sweep of blobs; all locks
//! are `flock`s and die with their process. Which snapshots may be removed is not decided here.

mod active;
pub(crate) mod error;
mod layers;
mod layout;
pub(crate) mod lock;
mod mount_point;
mod removals;
mod scratch;
pub(crate) mod shelf;
#[cfg(test)]
mod tests;
mod usage;
mod verified;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::active::ActiveSnapshot;
pub use self::error::StoreError;
use self::error::cannot;
use self::layers::LayerFiles;
use self::lock::{IngestLock, LockFile};
pub use self::mount_point::MountPoint;
use self::scratch::ScratchRoot;
use self::shelf::Shelf;
pub use self::usage::{LayerFacts, LayerUse, Swept, Usage};
use crate::blob::BlobStore;
use crate::chain::Chain;
use crate::id::SnapshotId;
use crate::layer::LayerWriter;
use crate::layer::draft::Draft;
use crate::layer::prune::prune;

/// The store of snapshots under one state directory. Cheap to clone, used by many threads and,
/// with other handles, by many processes at once.
#[derive(Debug, Clone)]
pub struct SnapshotStore {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    blobs: BlobStore,
    layers: LayerFiles,
    scratch: Arc<ScratchRoot>,
    lock: LockFile,
    /// Any descriptor on the store's file system.
    sync: OwnedFd,
    root: PathBuf,
}

impl SnapshotStore {
    /// Opens or makes the store under `root`; sweeps what crashed processes left in `scratch/`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Owner`] and [`StoreError::Mode`] when other users could read or change what is
    /// in it, [`StoreError::Format`] when another version wrote it.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        layout::open_root(root)?;
        let shelf = |name| Ok(Shelf::new(layout::open_part(root, name)?, root.join(name)));
        let scratch = layout::open_part(root, "scratch")?;
        let store = Self {
            parts: Arc::new(Parts {
                blobs: BlobStore::new(shelf("blobs")?),
                layers: LayerFiles::new(shelf("layers")?, root.join("verified")),
                scratch: Arc::new(ScratchRoot::new(scratch, root.join("scratch"))),
                lock: LockFile::new(root.join("store.lock")),
                sync: layout::open_part(root, "blobs")?,
                root: root.to_owned(),
            }),
        };
        store.sweep_leftovers()?;
        Ok(store)
    }

    /// Removes what crashed processes left unfinished; a store on a read-only file system keeps it.
    fn sweep_leftovers(&self) -> Result<(), StoreError> {
        let sweeps = [
            self.parts.scratch.sweep(),
            self.parts.blobs.shelf().sweep_unfinished(),
            self.parts.layers.shelf().sweep_unfinished(),
        ];
        let failed = sweeps
            .into_iter()
            .filter_map(Result::err)
            .find(|error| !error.is_read_only());
        failed.map_or(Ok(()), Err)
    }

    /// File contents.
    pub fn blobs(&self) -> &BlobStore {
        &self.parts.blobs
    }

    /// Whether the snapshot's layer is here.
    pub fn contains(&self, id: SnapshotId) -> bool {
        matches!(self.parts.layers.shelf().size(id.digest()), Ok(Some(_)))
    }

    /// Maps the layers from the base up to `tip`; a layer mapped before is shared.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSnapshot`] when one of them is not here, [`StoreError::Corrupt`] when an index
    /// is not what was written.
    pub fn chain(&self, tip: SnapshotId) -> Result<Chain, StoreError> {
        self.parts.layers.chain(tip)
    }

    /// Starts a layer on `parent`.
    ///
    /// # Locking
    ///
    /// Waits for a sweep to end, and holds the next one off until the layer is committed or dropped.
    pub fn new_layer(&self, parent: &Chain) -> Result<LayerWriter, StoreError> {
        let lock = self.parts.lock.ingest()?;
        Ok(LayerWriter::new(self.clone(), parent.clone(), lock))
    }

    /// Makes everything that was stored so far survive a power loss: one `syncfs`.
    pub fn sync(&self) -> Result<(), StoreError> {
        rustix::fs::syncfs(&self.parts.sync).map_err(cannot("cannot sync", &self.parts.root))
    }

    /// Reads a snapshot's index and all blobs that it names again and compares their digests.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong or missing: [`StoreError::Corrupt`], [`StoreError::Damaged`],
    /// [`StoreError::NoSnapshot`], [`StoreError::NoBlob`].
    pub fn verify(&self, id: SnapshotId) -> Result<(), StoreError> {
        let layer = self.parts.layers.load(id)?;
        layer
            .index()
            .blobs()
            .iter()
            .try_for_each(|blob| self.blobs().verify(blob))
    }

    /// Commits a draft: every blob that it names is in the store, and the lock kept it there.
    pub(crate) fn publish(
        &self,
        parent: &Chain,
        mut draft: Draft,
        _lock: &IngestLock,
    ) -> Result<Chain, StoreError> {
        prune(&mut draft, parent);
        self.parts.layers.publish(parent, &draft)
    }

    fn layer_files(&self) -> &LayerFiles {
        &self.parts.layers
    }

    pub(crate) fn lock_file(&self) -> &LockFile {
        &self.parts.lock
    }

    pub(crate) fn scratch(&self) -> &Arc<ScratchRoot> {
        &self.parts.scratch
    }
}
