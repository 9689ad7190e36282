//! The layer indexes of a store, mapped once a process.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use memmap2::Mmap;

use super::StoreError;
use super::error::cannot;
use super::shelf::Shelf;
use super::verified::VerifiedList;
use crate::chain::Chain;
use crate::id::SnapshotId;
use crate::index::encode::encode;
use crate::index::{IndexError, LayerIndex, snapshot_id};
use crate::layer::Layer;
use crate::layer::draft::Draft;

/// The shelf of index files, and the layers that are in use.
#[derive(Debug)]
pub(crate) struct LayerFiles {
    shelf: Arc<Shelf>,
    verified: VerifiedList,
    mapped: Mutex<HashMap<SnapshotId, Weak<Layer>>>,
}

impl LayerFiles {
    /// On `shelf`; which of the large ones are whole is remembered in the file `verified`.
    pub(crate) fn new(shelf: Arc<Shelf>, verified: PathBuf) -> Self {
        Self {
            shelf,
            verified: VerifiedList::new(verified),
            mapped: Mutex::default(),
        }
    }

    pub(crate) fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// The layers from the base up to a snapshot.
    pub(crate) fn chain(&self, tip: SnapshotId) -> Result<Chain, StoreError> {
        let mut layers = Vec::new();
        let mut next = Some(tip);
        while let Some(id) = next {
            let layer = self.layer(id)?;
            next = layer.parent();
            layers.push(layer);
        }
        layers.reverse();
        Ok(Chain::new(layers))
    }

    /// The layer of a snapshot; the same one as long as anybody holds it.
    pub(crate) fn layer(&self, id: SnapshotId) -> Result<Arc<Layer>, StoreError> {
        if let Some(layer) = self.mapped().get(&id).and_then(Weak::upgrade) {
            return Ok(layer);
        }
        let layer = Arc::new(self.open(id)?);
        let mut mapped = self.mapped();
        mapped.retain(|_, layer| layer.strong_count() > 0);
        mapped.insert(id, Arc::downgrade(&layer));
        Ok(layer)
    }

    /// Maps an index, and verifies it unless that was done in this boot.
    fn open(&self, id: SnapshotId) -> Result<Layer, StoreError> {
        let file = self.file(id)?;
        if self.verified.has(id, &file) {
            return self.map(id, &file, LayerIndex::trust);
        }
        let layer = self.map(id, &file, LayerIndex::verify)?;
        self.verified.note(id, &file);
        Ok(layer)
    }

    /// Maps and verifies an index anew.
    pub(crate) fn load(&self, id: SnapshotId) -> Result<Layer, StoreError> {
        self.map(id, &self.file(id)?, LayerIndex::verify)
    }

    fn file(&self, id: SnapshotId) -> Result<File, StoreError> {
        let file = self.shelf.open(id.digest())?;
        file.ok_or(StoreError::NoSnapshot(id))
    }

    fn map(
        &self,
        id: SnapshotId,
        file: &File,
        read: impl Fn(Mmap) -> Result<LayerIndex, IndexError>,
    ) -> Result<Layer, StoreError> {
        let path = || self.shelf.path_of(id.digest());
        let map = LayerIndex::map(file).map_err(cannot("cannot map", path()))?;
        let index = read(map).and_then(|index| expect_id(index, id));
        let index = index.map_err(|source| StoreError::Corrupt {
            path: path(),
            source,
        })?;
        Ok(Layer::new(id, index))
    }

    /// Writes a draft's index, which makes the snapshot exist; gives the chain with it on top.
    pub(crate) fn publish(&self, parent: &Chain, draft: &Draft) -> Result<Chain, StoreError> {
        let (bytes, changes) = encode(draft, parent.tip()).map_err(StoreError::Encode)?;
        let id = snapshot_id(parent.tip(), &changes);
        self.write(id, &bytes)?;
        Ok(parent.with(self.layer(id)?))
    }

    fn write(&self, id: SnapshotId, bytes: &[u8]) -> Result<(), StoreError> {
        let mut new = self.shelf.create()?;
        let path = self.shelf.path_of(id.digest());
        new.file
            .write_all(bytes)
            .map_err(cannot("cannot write", path))?;
        self.shelf.publish(new, id.digest(), bytes.len() as u64)
    }

    fn mapped(&self) -> MutexGuard<'_, HashMap<SnapshotId, Weak<Layer>>> {
        // The map is whole at every point where a panic could strike.
        self.mapped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses an index that stands under the name of another.
fn expect_id(index: LayerIndex, id: SnapshotId) -> Result<LayerIndex, IndexError> {
    match index.snapshot_id() {
        found if found == id => Ok(index),
        found => Err(IndexError::Misplaced { found }),
    }
}
