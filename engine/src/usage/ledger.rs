//! Who has which bytes of the store: layers, and the blobs that they name.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use iechor_cachedb::gc::{self, LayerNo};
use iechor_cachedb::{ListedRecord, Listing};
use iechor_snapshotter::SnapshotId;

use super::UsageError;
use super::census::Census;
use super::places::Places;
use crate::path_error::{AtPath, PathError};
use crate::state::Engine;

/// The store's layers and blobs with their sizes, all in bytes of allocated blocks.
///
/// Removing is played through on it: what it says was given back is what the disk gives back when
/// the same is done to the store. Layers are known by their positions where there are many of them.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    census: Arc<Census>,
    standings: Vec<Standing>,
    blobs: Vec<Blob>,
    leased: HashSet<SnapshotId>,
    /// Of the records of a listing, where the layers of their snapshots stand.
    places: Arc<Places>,
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
        let blobs = census.blob_bytes().map(|bytes| Blob { bytes, named_by: 0 });
        let mut ledger = Self {
            blobs: blobs.collect(),
            standings: vec![Standing::default(); census.len()],
            census: Arc::new(census),
            leased: engine.leases().leased()?,
            places: Arc::default(),
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
        let mut search = self.census.search();
        let named = named.into_iter();
        for at in named.filter_map(|snapshot| search.position(snapshot)) {
            self.standings[at].rooted = true;
        }
    }

    /// Says that the records of a listing name their snapshots.
    pub(crate) fn root_records(&mut self, listing: &Listing) {
        self.places = Arc::new(Places::of(listing, &self.census));
        for at in self.places.all() {
            self.standings[at].rooted = true;
        }
    }

    /// Where the layers of the records' snapshots stand.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// So many bytes lie beside the store and count against a budget as well.
    pub(crate) fn set_beside(&mut self, bytes: u64) {
        self.beside = bytes;
    }

    /// Snapshots that somebody holds a lease on.
    pub(crate) fn leased(&self) -> &HashSet<SnapshotId> {
        &self.leased
    }

    /// The store as it was at the beginning.
    pub(super) fn census(&self) -> &Census {
        &self.census
    }

    /// Whether the snapshot is in the store and not gone.
    pub(crate) fn has(&self, snapshot: &SnapshotId) -> bool {
        self.census
            .position(snapshot)
            .is_some_and(|at| self.has_at(at))
    }

    /// As [`Ledger::has`].
    pub(crate) fn has_at(&self, at: usize) -> bool {
        !self.standings[at].gone
    }

    /// Bytes of a snapshot's layer; none of a snapshot that is not here.
    pub(crate) fn share(&self, snapshot: &SnapshotId) -> Share {
        let at = self.census.position(snapshot);
        at.map_or_else(Share::default, |at| self.census.share_at(at))
    }

    /// Snapshots that nothing names and nothing that stays lies on, children before parents.
    pub(crate) fn orphans(&self) -> Vec<SnapshotId> {
        let kept = self.kept();
        let lost = (0..kept.len()).filter(|at| !kept[*at] && self.has_at(*at));
        let mut orphans: Vec<_> = lost.collect();
        orphans.sort_by_key(|at| (Reverse(self.depth(*at)), self.census.snapshot(*at)));
        orphans
            .into_iter()
            .map(|at| self.census.snapshot(at))
            .collect()
    }

    /// Bytes of the blobs that no layer names: a crash left them.
    pub(crate) fn unnamed(&self) -> u64 {
        let unnamed = self.blobs.iter().filter(|blob| blob.named_by == 0);
        unnamed.map(|blob| blob.bytes).sum()
    }

    /// Bytes of all indexes and blobs.
    pub(crate) fn total(&self) -> u64 {
        let left = (0..self.standings.len()).filter(|at| self.has_at(*at));
        let indexes: u64 = left.map(|at| self.census.index_at(at)).sum();
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
        let at = self.census.position(snapshot);
        at.map_or(0, |at| self.release_at(at))
    }

    fn release_at(&mut self, at: usize) -> u64 {
        self.standings[at].rooted = self.is_leased(at);
        let mut bytes = 0;
        let mut next = Some(at);
        while let Some(at) = next.filter(|at| self.standings[*at].is_loose()) {
            bytes += self.take_away(at);
            next = self.census.parent_at(at);
            if let Some(parent) = next {
                self.standings[parent].children -= 1;
            }
        }
        bytes
    }

    fn is_leased(&self, at: usize) -> bool {
        !self.leased.is_empty() && self.leased.contains(&self.census.snapshot(at))
    }

    fn take_away(&mut self, at: usize) -> u64 {
        self.standings[at].gone = true;
        let mut bytes = self.census.index_at(at);
        for name in self.census.names_at(at) {
            let blob = &mut self.blobs[name];
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
        let mut kept = vec![false; self.standings.len()];
        for root in (0..kept.len()).filter(|at| self.standings[*at].rooted) {
            let mut next = Some(root);
            while let Some(at) = next.filter(|at| !kept[*at]) {
                kept[at] = true;
                next = self.census.parent_at(at);
            }
        }
        kept
    }

    fn depth(&self, at: usize) -> usize {
        std::iter::successors(Some(at), |at| self.census.parent_at(*at)).count()
    }

    fn count_children(&mut self) {
        for parent in self.census.parents() {
            self.standings[parent].children += 1;
        }
    }

    fn count_names(&mut self) {
        for name in self.census.names() {
            self.blobs[name].named_by += 1;
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

    fn layer(&self, snapshot: &SnapshotId) -> Option<LayerNo> {
        self.census.position(snapshot).and_then(layer_no)
    }

    fn layer_of(&self, at: usize, _: &ListedRecord) -> Option<LayerNo> {
        self.places.of_record(at).and_then(layer_no)
    }

    fn layers_of(&self, chain: &[SnapshotId]) -> Vec<LayerNo> {
        let mut search = self.census.search();
        let layers = chain
            .iter()
            .filter_map(|snapshot| search.position(snapshot));
        layers.filter_map(layer_no).collect()
    }

    fn is_shared(&self, LayerNo(layer): LayerNo) -> bool {
        let is_shared = |name: usize| self.blobs[name].named_by > 1;
        self.census.names_at(layer as usize).any(is_shared)
    }

    fn remove(&mut self, LayerNo(layer): LayerNo) -> u64 {
        self.release_at(layer as usize)
    }
}

/// Layers are numbered by their positions.
fn layer_no(at: usize) -> Option<LayerNo> {
    u32::try_from(at).ok().map(LayerNo)
}

fn free_space(root: &Path) -> Result<u64, PathError> {
    let stat = rustix::fs::statvfs(root).at("stat the file system of", root)?;
    Ok(stat.f_bavail * stat.f_frsize)
}
