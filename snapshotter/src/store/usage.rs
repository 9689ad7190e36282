//! What snapshots take on disk, and what removing them would give back.

use std::collections::{BTreeSet, HashSet};

use super::layers::LayerFiles;
use super::{SnapshotStore, StoreError};
use crate::id::{Digest, SnapshotId};

/// What one snapshot takes on disk, in bytes of allocated blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Its layer index and the blobs that none of the layers below it names.
    pub own: u64,
    /// The blobs that it names and a layer below it names as well.
    pub shared: u64,
}

/// One layer of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerFacts {
    /// The snapshot.
    pub id: SnapshotId,
    /// The snapshot below it.
    pub parent: Option<SnapshotId>,
    /// Length of its index in bytes.
    pub index_len: u64,
    /// How many blobs it names.
    pub blobs: usize,
}

/// What one layer of the store takes and names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerUse {
    /// The snapshot below it.
    pub parent: Option<SnapshotId>,
    /// Bytes of allocated blocks of its index.
    pub index: u64,
    /// The blobs that it names, each once.
    pub blobs: Vec<Digest>,
}

/// What a sweep removes, or would remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// How many blobs.
    pub blobs: u64,
    /// How many bytes of disk that gives back.
    pub bytes: u64,
}

impl SnapshotStore {
    /// What a snapshot takes on disk.
    pub fn usage(&self, id: SnapshotId) -> Result<Usage, StoreError> {
        let chain = self.chain(id)?;
        let Some((top, below)) = chain.layers().split_last() else {
            return Ok(Usage::default());
        };
        let known: HashSet<_> = below
            .iter()
            .flat_map(|layer| layer.index().blobs())
            .collect();
        let mut usage = Usage {
            own: self.index_size(id)?,
            shared: 0,
        };
        for blob in top.index().blobs() {
            let size = self.blob_size(blob)?;
            if known.contains(blob) {
                usage.shared += size;
            } else {
                usage.own += size;
            }
        }
        Ok(usage)
    }

    /// What the layer of a snapshot takes and names; none when there is no such layer. Its index is
    /// verified and let go again, for who asks this of all layers.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] when the index is not what was written.
    pub fn layer_use(&self, id: SnapshotId) -> Result<Option<LayerUse>, StoreError> {
        let layer = match self.layer_files().load(id) {
            Err(StoreError::NoSnapshot(_)) => return Ok(None),
            layer => layer?,
        };
        Ok(Some(LayerUse {
            parent: layer.parent(),
            index: self.index_size(id)?,
            blobs: layer.index().blobs().to_vec(),
        }))
    }

    /// Bytes of allocated blocks of a blob, 0 when it is not here.
    pub fn blob_use(&self, blob: &Digest) -> Result<u64, StoreError> {
        self.blob_size(blob)
    }

    /// The snapshots whose layers are here, in no order; no layer is read.
    pub fn snapshots(&self) -> Result<Vec<SnapshotId>, StoreError> {
        let ids = self.layer_files().shelf().list()?;
        Ok(ids.into_iter().map(SnapshotId::new).collect())
    }

    /// All layers, sorted by id; one that is damaged is an error in its place.
    pub fn layers(
        &self,
    ) -> Result<impl Iterator<Item = Result<LayerFacts, StoreError>>, StoreError> {
        let layers = self.layer_files();
        let ids = layers.shelf().list()?.into_iter().map(SnapshotId::new);
        Ok(ids.filter_map(|id| facts(layers, id).transpose()))
    }

    /// What removing some snapshots and sweeping after it would give back.
    pub fn sweep_plan(&self, removing: &[SnapshotId]) -> Result<Swept, StoreError> {
        let removing: BTreeSet<_> = removing.iter().copied().collect();
        let named = self.named_blobs(&removing)?;
        let mut plan = Swept::default();
        for id in &removing {
            plan.bytes += self.index_size(*id)?;
        }
        for blob in self.blobs().shelf().list()? {
            if !named.contains(&blob) {
                plan.blobs += 1;
                plan.bytes += self.blob_size(&blob)?;
            }
        }
        Ok(plan)
    }

    /// Removes a snapshot's layer; its blobs remain until [`SnapshotStore::sweep`]. Gives the bytes
    /// of disk that this gives back, 0 when it was not there.
    ///
    /// The caller has made sure that no other snapshot lies on it and nobody uses it.
    pub fn remove(&self, id: SnapshotId) -> Result<u64, StoreError> {
        Ok(self.layer_files().shelf().remove(id.digest())?.unwrap_or(0))
    }

    /// Removes the blobs that no layer names.
    ///
    /// # Locking
    ///
    /// Waits for all layers under way in every process, and makes new ones wait.
    ///
    /// # Errors
    ///
    /// Nothing is removed while any layer index is damaged: what it names would not be known.
    pub fn sweep(&self) -> Result<Swept, StoreError> {
        let _lock = self.lock_file().sweep()?;
        let named = self.named_blobs(&BTreeSet::new())?;
        let mut swept = Swept::default();
        for blob in self.blobs().shelf().list()? {
            if !named.contains(&blob)
                && let Some(bytes) = self.blobs().shelf().remove(&blob)?
            {
                swept.blobs += 1;
                swept.bytes += bytes;
            }
        }
        Ok(swept)
    }

    /// The blobs that layers name, but for some layers.
    fn named_blobs(&self, without: &BTreeSet<SnapshotId>) -> Result<HashSet<Digest>, StoreError> {
        let mut named = HashSet::new();
        for id in self
            .layer_files()
            .shelf()
            .list()?
            .into_iter()
            .map(SnapshotId::new)
        {
            if without.contains(&id) {
                continue;
            }
            match self.layer_files().layer(id) {
                Ok(layer) => named.extend(layer.index().blobs()),
                Err(StoreError::NoSnapshot(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(named)
    }

    fn index_size(&self, id: SnapshotId) -> Result<u64, StoreError> {
        Ok(self
            .layer_files()
            .shelf()
            .size(id.digest())?
            .map_or(0, |size| size.allocated))
    }

    fn blob_size(&self, blob: &Digest) -> Result<u64, StoreError> {
        Ok(self
            .blobs()
            .shelf()
            .size(blob)?
            .map_or(0, |size| size.allocated))
    }
}

/// Facts of a layer; none when it was removed meanwhile.
fn facts(layers: &LayerFiles, id: SnapshotId) -> Result<Option<LayerFacts>, StoreError> {
    let layer = match layers.layer(id) {
        Err(StoreError::NoSnapshot(_)) => return Ok(None),
        layer => layer?,
    };
    let index = layer.index();
    let (index_len, blobs) = (index.file_len(), index.blobs().len());
    Ok(Some(LayerFacts {
        id,
        parent: layer.parent(),
        index_len,
        blobs,
    }))
}
