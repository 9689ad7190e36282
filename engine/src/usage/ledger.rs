//! Who has which bytes of the store: layers, and the blobs that they name.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use iechor_cachedb::gc;
use iechor_snapshotter::{DigestMap, SnapshotId};

use super::UsageError;
use super::census::{Census, CountedLayer};
use crate::path_error::{AtPath, PathError};
use crate::state::Engine;

/// The store's layers and blobs with their sizes, all in bytes of allocated blocks.
///
/// Removing is played through on it: what it says was given back is what the disk gives back when
/// the same is done to the store.
#[derive(Debug)]
pub(crate) struct Ledger {
    layers: Vec<Entry>,
    positions: DigestMap<SnapshotId, u32>,
    /// Positions in `blobs`.
    names: Vec<u32>,
    blobs: Vec<Blob>,
    leased: HashSet<SnapshotId>,
    /// Bytes free on the file system, with what was removed.
    free: u64,
    /// Bytes that lie beside the store.
    beside: u64,
}

#[derive(Debug)]
struct Entry {
    id: SnapshotId,
    parent: Option<u32>,
    /// Bytes of its index.
    index: u64,
    /// Where its blobs stand in [`Ledger::names`].
    names: Range<usize>,
    children: u32,
    /// Whether a row names it, or a lease keeps it: it and all below it stay.
    rooted: bool,
    gone: bool,
}

#[derive(Debug, Clone, Copy)]
struct Blob {
    bytes: u64,
    named_by: u32,
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
    /// Opens the books on a census.
    pub(crate) fn open(engine: &Engine, census: Census) -> Result<Self, UsageError> {
        let parents: Vec<_> = census.layers.iter().map(|layer| layer.parent).collect();
        let blobs = census.blobs.iter().map(|blob| Blob {
            bytes: blob.bytes,
            named_by: 0,
        });
        let mut ledger = Self {
            blobs: blobs.collect(),
            layers: census.layers.into_iter().map(Entry::new).collect(),
            positions: DigestMap::default(),
            names: census.names,
            leased: engine.leases().leased()?,
            free: free_space(engine.root())?,
            beside: 0,
        };
        ledger.number(&parents);
        ledger.count_names();
        ledger.root_leased();
        Ok(ledger)
    }

    /// Says which snapshots a row names; only these, what is leased, and all below stays.
    pub(crate) fn root<'a>(&mut self, named: impl IntoIterator<Item = &'a SnapshotId>) {
        for snapshot in named {
            if let Some(at) = self.position(snapshot) {
                self.layers[at].rooted = true;
            }
        }
    }

    /// So many bytes lie beside the store and count against a budget as well.
    pub(crate) fn set_beside(&mut self, bytes: u64) {
        self.beside = bytes;
    }

    /// Snapshots that somebody holds a lease on.
    pub(crate) fn leased(&self) -> &HashSet<SnapshotId> {
        &self.leased
    }

    /// All snapshots of the store that are not gone.
    pub(crate) fn snapshots(&self) -> impl Iterator<Item = SnapshotId> {
        let left = self.layers.iter().filter(|entry| !entry.gone);
        left.map(|entry| entry.id)
    }

    /// Whether the snapshot is in the store and not gone.
    pub(crate) fn has(&self, snapshot: &SnapshotId) -> bool {
        self.position(snapshot)
            .is_some_and(|at| !self.layers[at].gone)
    }

    /// The snapshot that one lies on.
    pub(crate) fn parent(&self, snapshot: &SnapshotId) -> Option<SnapshotId> {
        let parent = self.layers[self.position(snapshot)?].parent?;
        Some(self.layers[parent as usize].id)
    }

    /// Bytes of a snapshot's layer; none of a snapshot that is not here.
    pub(crate) fn share(&self, snapshot: &SnapshotId) -> Share {
        let Some(entry) = self.position(snapshot).map(|at| &self.layers[at]) else {
            return Share::default();
        };
        let mut share = Share {
            own: entry.index,
            shared: 0,
        };
        for name in &self.names[entry.names.clone()] {
            let blob = self.blobs[*name as usize];
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
        let lost = (0..self.layers.len()).filter(|at| !kept[*at] && !self.layers[*at].gone);
        let mut orphans: Vec<_> = lost.collect();
        orphans.sort_by_key(|at| (std::cmp::Reverse(self.depth(*at)), self.layers[*at].id));
        orphans.into_iter().map(|at| self.layers[at].id).collect()
    }

    /// Bytes of the blobs that no layer names: a crash left them.
    pub(crate) fn unnamed(&self) -> u64 {
        let unnamed = self.blobs.iter().filter(|blob| blob.named_by == 0);
        unnamed.map(|blob| blob.bytes).sum()
    }

    /// Bytes of all indexes and blobs.
    pub(crate) fn total(&self) -> u64 {
        let left = self.layers.iter().filter(|entry| !entry.gone);
        let indexes: u64 = left.map(|entry| entry.index).sum();
        indexes + self.blobs.iter().map(|blob| blob.bytes).sum::<u64>()
    }

    /// The blobs that no layer names are gone.
    pub(crate) fn sweep(&mut self) {
        for blob in self.blobs.iter_mut().filter(|blob| blob.named_by == 0) {
            self.free += std::mem::take(&mut blob.bytes);
        }
    }

    /// No row names the snapshot any more: it goes, and what only it kept goes with it.
    pub(crate) fn release(&mut self, snapshot: &SnapshotId) -> u64 {
        let Some(at) = self.position(snapshot) else {
            return 0;
        };
        self.layers[at].rooted = self.leased.contains(snapshot);
        let mut bytes = 0;
        let mut next = Some(at);
        while let Some(at) = next.filter(|at| self.layers[*at].is_loose()) {
            bytes += self.take_away(at);
            next = self.layers[at].parent.map(|parent| parent as usize);
            if let Some(parent) = next {
                self.layers[parent].children -= 1;
            }
        }
        bytes
    }

    fn take_away(&mut self, at: usize) -> u64 {
        self.layers[at].gone = true;
        let mut bytes = self.layers[at].index;
        for name in &self.names[self.layers[at].names.clone()] {
            let blob = &mut self.blobs[*name as usize];
            blob.named_by -= 1;
            if blob.named_by == 0 {
                bytes += std::mem::take(&mut blob.bytes);
            }
        }
        self.free += bytes;
        bytes
    }

    fn position(&self, snapshot: &SnapshotId) -> Option<usize> {
        self.positions.get(snapshot).map(|at| *at as usize)
    }

    /// Of each layer, whether it is rooted or something above it is.
    fn kept(&self) -> Vec<bool> {
        let mut kept = vec![false; self.layers.len()];
        let rooted = self
            .layers
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.rooted);
        for (root, _) in rooted {
            let mut next = Some(root);
            while let Some(at) = next.filter(|at| !kept[*at]) {
                kept[at] = true;
                next = self.layers[at].parent.map(|parent| parent as usize);
            }
        }
        kept
    }

    fn depth(&self, at: usize) -> usize {
        let below = |at: &usize| self.layers[*at].parent.map(|parent| parent as usize);
        std::iter::successors(Some(at), below).count()
    }

    fn number(&mut self, parents: &[Option<SnapshotId>]) {
        let numbered = (0_u32..).zip(&self.layers);
        self.positions = numbered.map(|(at, entry)| (entry.id, at)).collect();
        for (at, parent) in parents.iter().enumerate() {
            let parent = parent.and_then(|parent| self.positions.get(&parent).copied());
            self.layers[at].parent = parent;
            if let Some(parent) = parent {
                self.layers[parent as usize].children += 1;
            }
        }
    }

    fn count_names(&mut self) {
        for name in &self.names {
            self.blobs[*name as usize].named_by += 1;
        }
    }

    fn root_leased(&mut self) {
        let leased = std::mem::take(&mut self.leased);
        self.root(&leased);
        self.leased = leased;
    }
}

impl Entry {
    fn new(layer: CountedLayer) -> Self {
        Self {
            id: layer.id,
            parent: None,
            index: layer.index,
            names: layer.names,
            children: 0,
            rooted: false,
            gone: false,
        }
    }

    fn is_loose(&self) -> bool {
        self.children == 0 && !self.rooted && !self.gone
    }
}

impl gc::Usage for Ledger {
    fn total(&self) -> u64 {
        Self::total(self) + self.beside
    }

    fn free(&self) -> u64 {
        self.free
    }

    fn is_shared(&self, snapshot: &SnapshotId) -> bool {
        self.share(snapshot).shared > 0
    }

    fn remove(&mut self, snapshot: &SnapshotId) -> u64 {
        self.release(snapshot)
    }
}

fn free_space(root: &Path) -> Result<u64, PathError> {
    let stat = rustix::fs::statvfs(root).at("stat the file system of", root)?;
    Ok(stat.f_bavail * stat.f_frsize)
}
