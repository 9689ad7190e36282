//! Who has which bytes of the store: layers, and the blobs that they name.

use std::collections::HashSet;
use std::path::Path;

use iechor_cachedb::gc;
use iechor_snapshotter::SnapshotId;

use super::UsageError;
use super::census::{Census, CountedLayer, Positions, names_of};
use crate::path_error::{AtPath, PathError};
use crate::state::Engine;

/// The store's layers and blobs with their sizes, all in bytes of allocated blocks.
///
/// Removing is played through on it: what it says was given back is what the disk gives back when
/// the same is done to the store. Layers are known by their positions where there are many of them.
#[derive(Debug)]
pub(crate) struct Ledger {
    layers: Vec<CountedLayer>,
    positions: Positions,
    standings: Vec<Standing>,
    /// Positions in `blobs`.
    names: Vec<u32>,
    blobs: Vec<Blob>,
    leased: HashSet<SnapshotId>,
    /// Bytes free on the file system, with what was removed.
    free: u64,
    /// Bytes that lie beside the store.
    beside: u64,
}

/// What keeps a layer.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
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
        let blobs = census.blobs.iter().map(|blob| Blob {
            bytes: blob.bytes,
            named_by: 0,
        });
        let mut ledger = Self {
            blobs: blobs.collect(),
            positions: Positions::of(&census.layers),
            standings: vec![Standing::default(); census.layers.len()],
            layers: census.layers,
            names: census.names,
            leased: engine.leases().leased()?,
            free: free_space(engine.root())?,
            beside: 0,
        };
        ledger.count_children();
        ledger.count_names();
        ledger.root_leased();
        Ok(ledger)
    }

    /// Says which snapshots a row names; only these, what is leased, and all below stays.
    pub(crate) fn root<'a>(&mut self, named: impl IntoIterator<Item = &'a SnapshotId>) {
        for snapshot in named {
            if let Some(at) = self.position(snapshot) {
                self.standings[at].rooted = true;
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

    /// How many layers there were at the beginning.
    pub(crate) fn len(&self) -> usize {
        self.layers.len()
    }

    /// The snapshot whose layer has a position.
    pub(crate) fn snapshot(&self, at: usize) -> &SnapshotId {
        &self.layers[at].id
    }

    /// Where a snapshot's layer stands, if it is or was here.
    pub(crate) fn position(&self, snapshot: &SnapshotId) -> Option<usize> {
        self.positions.find(&self.layers, snapshot)
    }

    /// Whether the snapshot is in the store and not gone.
    pub(crate) fn has(&self, snapshot: &SnapshotId) -> bool {
        self.position(snapshot).is_some_and(|at| self.has_at(at))
    }

    /// As [`Ledger::has`].
    pub(crate) fn has_at(&self, at: usize) -> bool {
        !self.standings[at].gone
    }

    /// Position of the layer that one lies on.
    pub(crate) fn parent_at(&self, at: usize) -> Option<usize> {
        self.layers[at].parent()
    }

    /// Bytes of a snapshot's layer; none of a snapshot that is not here.
    pub(crate) fn share(&self, snapshot: &SnapshotId) -> Share {
        self.position(snapshot)
            .map_or_else(Share::default, |at| self.share_at(at))
    }

    /// Bytes of a layer, as they were at the beginning.
    pub(crate) fn share_at(&self, at: usize) -> Share {
        let CountedLayer { own, shared, .. } = self.layers[at];
        Share { own, shared }
    }

    /// Snapshots that nothing names and nothing that stays lies on, children before parents.
    pub(crate) fn orphans(&self) -> Vec<SnapshotId> {
        let kept = self.kept();
        let lost = (0..self.layers.len()).filter(|at| !kept[*at] && self.has_at(*at));
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
        let left = (0..self.layers.len()).filter(|at| self.has_at(*at));
        let indexes: u64 = left.map(|at| self.layers[at].index).sum();
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
        self.standings[at].rooted = self.leased.contains(snapshot);
        let mut bytes = 0;
        let mut next = Some(at);
        while let Some(at) = next.filter(|at| self.standings[*at].is_loose()) {
            bytes += self.take_away(at);
            next = self.parent_at(at);
            if let Some(parent) = next {
                self.standings[parent].children -= 1;
            }
        }
        bytes
    }

    fn take_away(&mut self, at: usize) -> u64 {
        self.standings[at].gone = true;
        let mut bytes = self.layers[at].index;
        for name in &self.names[names_of(&self.layers, at)] {
            let blob = &mut self.blobs[*name as usize];
            blob.named_by -= 1;
            if blob.named_by == 0 {
                bytes += std::mem::take(&mut blob.bytes);
            }
        }
        self.free += bytes;
        bytes
    }

    /// Of each layer, whether it is rooted or something above it is.
    fn kept(&self) -> Vec<bool> {
        let mut kept = vec![false; self.layers.len()];
        for root in (0..self.layers.len()).filter(|at| self.standings[*at].rooted) {
            let mut next = Some(root);
            while let Some(at) = next.filter(|at| !kept[*at]) {
                kept[at] = true;
                next = self.parent_at(at);
            }
        }
        kept
    }

    fn depth(&self, at: usize) -> usize {
        std::iter::successors(Some(at), |at| self.parent_at(*at)).count()
    }

    fn count_children(&mut self) {
        for parent in self.layers.iter().filter_map(CountedLayer::parent) {
            self.standings[parent].children += 1;
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

impl Standing {
    fn is_loose(self) -> bool {
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
        let names = self.position(snapshot).map(|at| names_of(&self.layers, at));
        let names = &self.names[names.unwrap_or_default()];
        let is_shared = |name: &u32| self.blobs[*name as usize].named_by > 1;
        names.iter().any(is_shared)
    }

    fn remove(&mut self, snapshot: &SnapshotId) -> u64 {
        self.release(snapshot)
    }
}

fn free_space(root: &Path) -> Result<u64, PathError> {
    let stat = rustix::fs::statvfs(root).at("stat the file system of", root)?;
    Ok(stat.f_bavail * stat.f_frsize)
}
