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

mod encoding;
mod positions;
mod shelf;

use std::ops::Range;
use std::time::SystemTime;

use iechor_snapshotter::{Digest, DigestMap, LayerUse, SnapshotId};

pub(super) use self::positions::Positions;
use self::shelf::{Listed, Shelf};
use super::UsageError;
use crate::state::Engine;

/// Whether a directory that has its time of last time needs no look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It needs none.
    Times,
    /// Every directory is listed anew.
    Nothing,
}

/// The store's layers and blobs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Census {
    /// In the order of their ids.
    pub(super) layers: Vec<CountedLayer>,
    /// Positions in `blobs`: those of a layer stand together, in the order of the layers.
    pub(super) names: Vec<u32>,
    pub(super) blobs: Vec<CountedBlob>,
    layer_shelf: Shelf,
    blob_shelf: Shelf,
}

/// A layer as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CountedLayer {
    pub(super) id: SnapshotId,
    /// Bytes of its index.
    pub(super) index: u64,
    /// Bytes that only it has: its index, and blobs that no other layer names.
    pub(super) own: u64,
    /// Bytes of blobs that others name as well.
    pub(super) shared: u64,
    /// Position of the layer that it lies on, or [`NONE`]: also when that one is not there.
    parent: u32,
    /// Where its blobs end in [`Census::names`]; they begin where those of the one before end.
    names_end: u32,
}

/// Stands for no layer. A store of 2^32 layers has 16 TiB at the least, in blocks of 4 KiB.
const NONE: u32 = u32::MAX;

impl CountedLayer {
    /// Position of the layer that it lies on.
    pub(super) fn parent(&self) -> Option<usize> {
        (self.parent != NONE).then_some(self.parent as usize)
    }
}

/// Where the blobs of the layer at a position stand among the names.
pub(super) fn names_of(layers: &[CountedLayer], at: usize) -> Range<usize> {
    let before = at.checked_sub(1).and_then(|before| layers.get(before));
    before.map_or(0, |before| before.names_end as usize)..layers[at].names_end as usize
}

/// A blob as it was found; one that a layer names and the disk has not takes no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CountedBlob {
    pub(super) digest: Digest,
    pub(super) bytes: u64,
}

impl Census {
    /// Takes the census of a store, from the last one as far as that is trusted, and keeps it.
    pub(crate) fn take(engine: &Engine, trust: Trust) -> Result<Self, UsageError> {
        let path = engine.root().join("census");
        let last = encoding::read(&path).unwrap_or_default();
        let now = SystemTime::now();
        let layers = last
            .layer_shelf
            .look(&engine.root().join("layers"), trust, now)?;
        let blobs = last
            .blob_shelf
            .look(&engine.root().join("blobs"), trust, now)?;
        if layers.is_as_before() && blobs.is_as_before() {
            return Ok(last);
        }
        let census = last.brought_up_to_date(engine, layers, blobs)?;
        // A state directory that cannot be written is listed without the help of the last census.
        let _kept = encoding::write(&path, &census);
        Ok(census)
    }

    fn brought_up_to_date(
        &self,
        engine: &Engine,
        layers: Listed,
        blobs: Listed,
    ) -> Result<Self, UsageError> {
        let mut next = Recount::default();
        self.recount_blobs(engine, &blobs, &mut next)?;
        self.recount_layers(engine, &layers, &mut next)?;
        Ok(Self {
            layer_shelf: layers.shelf,
            blob_shelf: blobs.shelf,
            ..next.finish()
        })
    }

    fn recount_blobs(
        &self,
        engine: &Engine,
        listed: &Listed,
        next: &mut Recount,
    ) -> Result<(), UsageError> {
        let mut new = listed.names.clone();
        // Room for all at once: a map that grows while it is filled in the order of another one of
        // the same hashes is slow.
        next.numbers.reserve(self.blobs.len() + new.len());
        for blob in &self.blobs {
            // What was missing may be there by now: it is asked for again.
            if listed.has(&blob.digest) && blob.bytes > 0 {
                next.add_blob(blob.digest, blob.bytes);
                new.remove(&blob.digest);
            }
        }
        for digest in new {
            next.add_blob(digest, engine.store().blob_use(&digest)?);
        }
        Ok(())
    }

    fn recount_layers(
        &self,
        engine: &Engine,
        listed: &Listed,
        next: &mut Recount,
    ) -> Result<(), UsageError> {
        let mut new = listed.names.clone();
        for (at, layer) in self.layers.iter().enumerate() {
            if listed.has(layer.id.digest()) {
                new.remove(layer.id.digest());
                let parent = layer.parent().map(|parent| self.layers[parent].id);
                let names = self.names[names_of(&self.layers, at)].iter();
                let blobs = names.map(|name| self.blobs[*name as usize].digest);
                next.add_layer(layer.id, parent, layer.index, blobs);
            }
        }
        for id in new.into_iter().map(SnapshotId::new) {
            if let Some(LayerUse {
                parent,
                index,
                blobs,
            }) = engine.store().layer_use(id)?
            {
                next.add_layer(id, parent, index, blobs.into_iter());
            }
        }
        Ok(())
    }
}

/// A census in the making.
#[derive(Default)]
struct Recount {
    layers: Vec<FoundLayer>,
    names: Vec<u32>,
    blobs: Vec<CountedBlob>,
    numbers: DigestMap<Digest, u32>,
}

/// A layer that has no position yet.
struct FoundLayer {
    id: SnapshotId,
    parent: Option<SnapshotId>,
    index: u64,
    /// Where its blobs stand in [`Recount::names`].
    names: Range<usize>,
}

impl Recount {
    fn add_blob(&mut self, digest: Digest, bytes: u64) -> u32 {
        let number = u32::try_from(self.blobs.len()).unwrap_or(NONE);
        self.blobs.push(CountedBlob { digest, bytes });
        self.numbers.insert(digest, number);
        number
    }

    fn add_layer(
        &mut self,
        id: SnapshotId,
        parent: Option<SnapshotId>,
        index: u64,
        blobs: impl Iterator<Item = Digest>,
    ) {
        let begin = self.names.len();
        for digest in blobs {
            let known = self.numbers.get(&digest).copied();
            let number = known.unwrap_or_else(|| self.add_blob(digest, 0));
            self.names.push(number);
        }
        self.layers.push(FoundLayer {
            id,
            parent,
            index,
            names: begin..self.names.len(),
        });
    }

    /// Puts the layers in order and links them.
    fn finish(mut self) -> Census {
        self.layers.sort_by_key(|layer| layer.id);
        let mut census = Census {
            blobs: self.blobs,
            ..Census::default()
        };
        for layer in &self.layers {
            census.names.extend(&self.names[layer.names.clone()]);
            census.layers.push(CountedLayer {
                id: layer.id,
                index: layer.index,
                own: layer.index,
                shared: 0,
                parent: NONE,
                names_end: u32::try_from(census.names.len()).unwrap_or(NONE),
            });
        }
        let positions = Positions::of(&census.layers);
        for (at, layer) in self.layers.iter().enumerate() {
            let parent = layer.parent.as_ref();
            let parent = parent.and_then(|parent| positions.find(&census.layers, parent));
            census.layers[at].parent = parent.and_then(|at| u32::try_from(at).ok()).unwrap_or(NONE);
        }
        census.share_out();
        census
    }
}

impl Census {
    /// Tells what each layer has alone.
    fn share_out(&mut self) {
        let mut named_by = vec![0_u32; self.blobs.len()];
        for name in &self.names {
            named_by[*name as usize] += 1;
        }
        for at in 0..self.layers.len() {
            for name in &self.names[names_of(&self.layers, at)] {
                let bytes = self.blobs[*name as usize].bytes;
                match named_by[*name as usize] {
                    1 => self.layers[at].own += bytes,
                    _ => self.layers[at].shared += bytes,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
