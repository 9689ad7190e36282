//! What lies on the shelves of the store: every layer with the blobs that it names, every blob with
//! its bytes on disk.
//!
//! Asking the disk for each of 100,000 layers takes seconds, so what was found is kept in
//! `<root>/census`, with the modification time of each directory of the two shelves. Files on a
//! shelf never change, they only come and go; so a directory whose time is the same still has what
//! it had, and in the others only new names are looked at. Builds pay nothing for it: the next
//! listing finds what they added.
//!
//! The census serves for telling what takes space. What is removed is decided on one that has
//! trusted no time ([`Trust::Nothing`]).

mod positions;
mod recount;
mod shelf;
mod tables;

use std::time::SystemTime;

use iechor_snapshotter::{Digest, SnapshotId};

use self::positions::Positions;
use self::recount::Recount;
use self::shelf::Shelf;
use self::tables::{CountedBlob, CountedLayer, Tables};
use super::UsageError;
use super::ledger::Share;
use crate::state::Engine;

/// Whether a directory that has its time of last time needs no look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It needs none.
    Times,
    /// Every directory is listed anew.
    Nothing,
}

/// The store's layers and blobs. Layers are known by their positions: those of a chain stand together,
/// each after the one that it lies on.
#[derive(Debug)]
pub(crate) struct Census {
    tables: Tables,
    positions: Positions,
}

/// Looks up one layer after the other, each at first where the last one's child would stand.
#[derive(Debug)]
pub(super) struct Search<'a> {
    census: &'a Census,
    ids: &'a [Digest],
    next: usize,
}

impl Census {
    /// Takes the census of a store, from the last one as far as that is trusted, and keeps it.
    pub(crate) fn take(engine: &Engine, trust: Trust) -> Result<Self, UsageError> {
        let path = engine.root().join("census");
        let last = Tables::open(&path).unwrap_or_default();
        let now = SystemTime::now();
        let shelf = |name, before: Shelf| before.look(&engine.root().join(name), trust, now);
        let layers = shelf("layers", last.layer_shelf())?;
        let blobs = shelf("blobs", last.blob_shelf())?;
        if layers.is_as_before() && blobs.is_as_before() {
            return Ok(Self::over(last));
        }
        let mut recount = Recount::default();
        recount.blobs(engine, &last, &blobs)?;
        recount.layers(engine, &last, &layers)?;
        let tables = recount.finish([&layers.shelf, &blobs.shelf]);
        // A state directory that cannot be written is listed without the help of the last census.
        let _kept = tables.keep(&path);
        Ok(Self::over(tables))
    }

    fn over(tables: Tables) -> Self {
        let positions = Positions::of(tables.ids());
        Self { tables, positions }
    }

    /// How many layers there are.
    pub(super) fn len(&self) -> usize {
        self.tables.layers().len()
    }

    /// The snapshot whose layer has a position.
    pub(super) fn snapshot(&self, at: usize) -> SnapshotId {
        self.tables.id(at)
    }

    /// Where a snapshot's layer stands, if it is here.
    pub(super) fn position(&self, snapshot: &SnapshotId) -> Option<usize> {
        self.positions.find(&self.tables, snapshot)
    }

    /// For looking up many, some of which follow each other in chains.
    pub(super) fn search(&self) -> Search<'_> {
        Search {
            census: self,
            ids: self.tables.ids(),
            next: 0,
        }
    }

    /// Position of the layer that one lies on; none also where that one is not here.
    pub(super) fn parent_at(&self, at: usize) -> Option<usize> {
        self.layer(at).parent()
    }

    /// The layers that lie on another one, each by that one's position.
    pub(super) fn parents(&self) -> impl Iterator<Item = usize> {
        self.tables.layers().iter().filter_map(CountedLayer::parent)
    }

    /// Bytes of a layer's index.
    pub(super) fn index_at(&self, at: usize) -> u64 {
        self.layer(at).index()
    }

    /// Bytes of a layer.
    pub(super) fn share_at(&self, at: usize) -> Share {
        self.layer(at).share()
    }

    /// Positions of the blobs that a layer names.
    pub(super) fn names_at(&self, at: usize) -> impl Iterator<Item = usize> {
        self.tables
            .names_at(at)
            .iter()
            .map(|name| name.get() as usize)
    }

    /// Positions of the blobs that layers name, once for each name.
    pub(super) fn names(&self) -> impl Iterator<Item = usize> {
        self.tables.names().iter().map(|name| name.get() as usize)
    }

    /// Bytes of each blob, in the order of their positions; none of those that layers name and the
    /// disk has not.
    pub(super) fn blob_bytes(&self) -> impl Iterator<Item = u64> {
        self.tables.blobs().iter().map(CountedBlob::bytes)
    }

    fn layer(&self, at: usize) -> &CountedLayer {
        &self.tables.layers()[at]
    }
}

impl Search<'_> {
    /// Where a snapshot's layer stands, if it is here.
    pub(super) fn position(&mut self, snapshot: &SnapshotId) -> Option<usize> {
        let at = match self.ids.get(self.next) {
            Some(id) if id == snapshot.digest() => Some(self.next),
            _ => self.census.position(snapshot),
        };
        self.next = at.map_or(self.next, |at| at + 1);
        at
    }
}

#[cfg(test)]
mod tests;
