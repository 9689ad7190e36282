//! Who has which bytes of the store: layers, and the blobs that they name.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use iechor_cachedb::gc;
use iechor_snapshotter::{Digest, Layer, SnapshotId};

use super::UsageError;
use crate::disk;
use crate::path_error::{AtPath, PathError};
use crate::state::Engine;

/// The store's layers and blobs with their sizes, all in bytes of allocated blocks.
///
/// Removing is played through on it: what it says was given back is what the disk gives back when
/// the same is done to the store.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    layers: HashMap<SnapshotId, Entry>,
    blobs: HashMap<Digest, Blob>,
    /// Snapshots that a row names, or a lease keeps: they and all below them stay.
    rooted: HashSet<SnapshotId>,
    leased: HashSet<SnapshotId>,
    free: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    layer: Arc<Layer>,
    index: u64,
    children: usize,
}

#[derive(Debug, Clone, Default)]
struct Blob {
    bytes: u64,
    named_by: usize,
}

/// Bytes of one snapshot's layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Share {
    /// The index, and blobs that no other layer names.
    pub(crate) own: u64,
    /// Blobs that others name as well.
    pub(crate) shared: u64,
}

impl Ledger {
    /// Reads the whole store.
    pub(crate) fn open(engine: &Engine) -> Result<Self, UsageError> {
        let mut ledger = Self {
            layers: HashMap::new(),
            blobs: sizes(&engine.root().join("blobs"))?
                .into_iter()
                .map(|(digest, bytes)| (digest, Blob { bytes, named_by: 0 }))
                .collect(),
            rooted: engine.cache().referenced_snapshots()?.into_iter().collect(),
            leased: HashSet::new(),
            free: free_space(engine.root())?,
        };
        ledger.add_layers(engine)?;
        ledger.add_leased(engine)?;
        Ok(ledger)
    }

    /// Snapshots that somebody holds a lease on.
    pub(crate) fn leased(&self) -> &HashSet<SnapshotId> {
        &self.leased
    }

    /// All snapshots of the store.
    pub(crate) fn snapshots(&self) -> impl Iterator<Item = SnapshotId> {
        self.layers.keys().copied()
    }

    /// The snapshot that one lies on.
    pub(crate) fn parent(&self, snapshot: &SnapshotId) -> Option<SnapshotId> {
        self.layers.get(snapshot)?.layer.parent()
    }

    /// Bytes of a snapshot's layer; none of a snapshot that is not here.
    pub(crate) fn share(&self, snapshot: &SnapshotId) -> Share {
        let Some(entry) = self.layers.get(snapshot) else {
            return Share::default();
        };
        let mut share = Share {
            own: entry.index,
            shared: 0,
        };
        for blob in entry.blobs().filter_map(|digest| self.blobs.get(digest)) {
            match blob.named_by {
                1 => share.own += blob.bytes,
                _ => share.shared += blob.bytes,
            }
        }
        share
    }

    /// Snapshots that nothing names and nothing that stays lies on, children before parents.
    pub(crate) fn orphans(&self) -> Vec<SnapshotId> {
        let kept = self.kept();
        let mut orphans: Vec<_> = self.snapshots().filter(|id| !kept.contains(id)).collect();
        orphans.sort_by_key(|id| (std::cmp::Reverse(self.depth(id)), *id));
        orphans
    }

    /// Bytes of the blobs that no layer names: a crash left them.
    pub(crate) fn unnamed(&self) -> u64 {
        let unnamed = self.blobs.values().filter(|blob| blob.named_by == 0);
        unnamed.map(|blob| blob.bytes).sum()
    }

    /// Bytes of all indexes and blobs.
    pub(crate) fn total(&self) -> u64 {
        let indexes: u64 = self.layers.values().map(|entry| entry.index).sum();
        indexes + self.blobs.values().map(|blob| blob.bytes).sum::<u64>()
    }

    /// Whether the snapshot has a blob that another layer names as well.
    pub(crate) fn is_shared(&self, snapshot: &SnapshotId) -> bool {
        self.share(snapshot).shared > 0
    }

    /// No row names the snapshot any more: it goes, and what only it kept goes with it.
    pub(crate) fn release(&mut self, snapshot: &SnapshotId) -> u64 {
        if !self.leased.contains(snapshot) {
            self.rooted.remove(snapshot);
        }
        let mut bytes = 0;
        let mut next = Some(*snapshot);
        while let Some(id) = next.filter(|id| self.is_loose(id)) {
            let Some(entry) = self.layers.remove(&id) else {
                break;
            };
            bytes += entry.index + self.release_blobs(&entry);
            next = entry.layer.parent();
            if let Some(parent) = next.and_then(|id| self.layers.get_mut(&id)) {
                parent.children -= 1;
            }
        }
        bytes
    }

    fn release_blobs(&mut self, entry: &Entry) -> u64 {
        let mut bytes = 0;
        for digest in entry.blobs() {
            let Some(blob) = self.blobs.get_mut(digest) else {
                continue;
            };
            blob.named_by -= 1;
            if blob.named_by == 0 {
                bytes += blob.bytes;
                self.blobs.remove(digest);
            }
        }
        bytes
    }

    fn is_loose(&self, id: &SnapshotId) -> bool {
        let has_no_child = self.layers.get(id).is_some_and(|entry| entry.children == 0);
        has_no_child && !self.rooted.contains(id)
    }

    /// Rooted snapshots and all below them.
    fn kept(&self) -> HashSet<SnapshotId> {
        let mut kept = HashSet::new();
        for root in &self.rooted {
            let mut next = Some(*root);
            while let Some(id) = next.filter(|id| kept.insert(*id)) {
                next = self.parent(&id);
            }
        }
        kept
    }

    fn depth(&self, id: &SnapshotId) -> usize {
        std::iter::successors(Some(*id), |id| self.parent(id)).count()
    }

    fn add_layers(&mut self, engine: &Engine) -> Result<(), UsageError> {
        let indexes = sizes(&engine.root().join("layers"))?;
        for id in indexes.keys().copied().map(SnapshotId::new) {
            if self.layers.contains_key(&id) {
                continue;
            }
            for layer in engine.store().chain(id)?.layers() {
                let index = indexes.get(layer.id().digest()).copied().unwrap_or(0);
                self.add_layer(layer, index);
            }
        }
        Ok(())
    }

    fn add_layer(&mut self, layer: &Arc<Layer>, index: u64) {
        if self.layers.contains_key(&layer.id()) {
            return;
        }
        for digest in layer.index().blobs() {
            self.blobs.entry(*digest).or_default().named_by += 1;
        }
        self.layers.insert(
            layer.id(),
            Entry {
                layer: Arc::clone(layer),
                index,
                children: 0,
            },
        );
        if let Some(parent) = layer.parent().and_then(|id| self.layers.get_mut(&id)) {
            parent.children += 1;
        }
    }

    fn add_leased(&mut self, engine: &Engine) -> Result<(), UsageError> {
        for id in self.layers.keys() {
            if engine.leases().is_leased(id)? {
                self.leased.insert(*id);
            }
        }
        self.rooted.extend(&self.leased);
        Ok(())
    }
}

impl Entry {
    fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.layer.index().blobs().iter()
    }
}

impl gc::Usage for Ledger {
    fn total(&self) -> u64 {
        Self::total(self)
    }

    fn free(&self) -> u64 {
        self.free
    }

    fn is_shared(&self, snapshot: &SnapshotId) -> bool {
        Self::is_shared(self, snapshot)
    }

    fn remove(&mut self, snapshot: &SnapshotId) -> u64 {
        let bytes = self.release(snapshot);
        self.free += bytes;
        bytes
    }
}

/// Files of a shelf (`ab/<hex>`) and what each takes.
fn sizes(shelf: &Path) -> Result<HashMap<Digest, u64>, PathError> {
    let mut sizes = HashMap::new();
    for (shard, metadata) in disk::entries(shelf)? {
        if !metadata.is_dir() {
            continue;
        }
        for (path, metadata) in disk::entries(&shard)? {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if let Ok(digest) = Digest::from_hex(name) {
                sizes.insert(digest, disk::allocated(&metadata));
            }
        }
    }
    Ok(sizes)
}

fn free_space(root: &Path) -> Result<u64, PathError> {
    let stat = rustix::fs::statvfs(root).at("stat the file system of", root)?;
    Ok(stat.f_bavail * stat.f_frsize)
}
