//! A census in the making: what the last one still says, and what is new on the shelves.

use std::ops::Range;

use iechor_snapshotter::{Digest, DigestMap, LayerUse, SnapshotId};
use zerocopy::little_endian::U32;

use super::shelf::{Listed, Shelf};
use super::tables::{CountedBlob, CountedLayer, Tables, names_of};
use crate::state::Engine;
use crate::usage::UsageError;

/// What was found so far.
#[derive(Default)]
pub(super) struct Recount {
    layers: Vec<FoundLayer>,
    names: Vec<U32>,
    blobs: Vec<CountedBlob>,
    numbers: DigestMap<Digest, U32>,
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
    /// Counts the blobs, before the layers that name them.
    pub(super) fn blobs(
        &mut self,
        engine: &Engine,
        last: &Tables,
        listed: &Listed,
    ) -> Result<(), UsageError> {
        let mut new = listed.names.clone();
        // Room for all at once: a map that grows while it is filled in the order of another one of
        // the same hashes is slow.
        self.numbers.reserve(last.blobs().len() + new.len());
        for blob in last.blobs() {
            // What was missing may be there by now: it is asked for again.
            if listed.has(&blob.digest) && blob.bytes() > 0 {
                self.add_blob(blob.digest, blob.bytes());
                new.remove(&blob.digest);
            }
        }
        for digest in new {
            self.add_blob(digest, engine.store().blob_use(&digest)?);
        }
        Ok(())
    }

    /// Counts the layers.
    pub(super) fn layers(
        &mut self,
        engine: &Engine,
        last: &Tables,
        listed: &Listed,
    ) -> Result<(), UsageError> {
        let mut new = listed.names.clone();
        for (at, layer) in last.layers().iter().enumerate() {
            let id = last.id(at);
            if listed.has(id.digest()) {
                new.remove(id.digest());
                let parent = layer.parent().map(|parent| last.id(parent));
                let names = last.names_at(at).iter();
                let blobs = names.map(|name| last.blobs()[name.get() as usize].digest);
                self.add_layer(id, parent, layer.index(), blobs);
            }
        }
        for id in new.into_iter().map(SnapshotId::new) {
            if let Some(LayerUse {
                parent,
                index,
                blobs,
            }) = engine.store().layer_use(id)?
            {
                self.add_layer(id, parent, index, blobs.into_iter());
            }
        }
        Ok(())
    }

    fn add_blob(&mut self, digest: Digest, bytes: u64) -> U32 {
        let number = u32::try_from(self.blobs.len()).unwrap_or(u32::MAX).into();
        self.blobs.push(CountedBlob::new(digest, bytes));
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

    /// Puts layers and blobs in order, links them, and tells what each layer has alone.
    pub(super) fn finish(self, shelves: [&Shelf; 2]) -> Tables {
        let parents = self.parents();
        let order = in_chains(&parents);
        let positions = positions(&order);
        let mut blobs = Renumbering::of(&self.blobs);
        let (mut ids, mut layers, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for at in order {
            let FoundLayer { id, index, .. } = self.layers[at];
            let named = &self.names[self.layers[at].names.clone()];
            names.extend(named.iter().map(|old| blobs.number(*old)));
            let parent = parents[at].map(|parent| positions[parent]);
            layers.push(CountedLayer::new(index, parent, names.len()));
            ids.push(*id.digest());
        }
        let blobs = blobs.finish();
        share_out(&mut layers, &names, &blobs);
        Tables::of(&ids, &layers, &names, &blobs, shelves)
    }

    /// Of each layer, which one it lies on.
    fn parents(&self) -> Vec<Option<usize>> {
        let found = self.layers.iter().enumerate();
        let numbers: DigestMap<_, _> = found.map(|(at, layer)| (layer.id, at)).collect();
        let parent = |layer: &FoundLayer| numbers.get(&layer.parent?).copied();
        self.layers.iter().map(parent).collect()
    }
}

/// The layers, those of a chain one after the other; what was found first comes first.
fn in_chains(parents: &[Option<usize>]) -> Vec<usize> {
    let mut children = vec![Vec::new(); parents.len()];
    let mut waiting = Vec::new();
    for (at, parent) in parents.iter().enumerate().rev() {
        match parent {
            Some(parent) => children[*parent].push(at),
            None => waiting.push(at),
        }
    }
    let mut order = Vec::with_capacity(parents.len());
    while let Some(at) = waiting.pop() {
        order.push(at);
        waiting.append(&mut children[at]);
    }
    order
}

/// Where each number stands in an order of all.
fn positions(order: &[usize]) -> Vec<usize> {
    let mut positions = vec![0; order.len()];
    for (position, at) in order.iter().enumerate() {
        positions[*at] = position;
    }
    positions
}

/// Blobs that get new numbers in the order in which they are named.
struct Renumbering<'a> {
    found: &'a [CountedBlob],
    numbers: Vec<Option<U32>>,
    named: Vec<CountedBlob>,
}

impl<'a> Renumbering<'a> {
    fn of(found: &'a [CountedBlob]) -> Self {
        Self {
            found,
            numbers: vec![None; found.len()],
            named: Vec::with_capacity(found.len()),
        }
    }

    fn number(&mut self, old: U32) -> U32 {
        let old = old.get() as usize;
        *self.numbers[old].get_or_insert_with(|| {
            self.named.push(self.found[old]);
            u32::try_from(self.named.len() - 1)
                .unwrap_or(u32::MAX)
                .into()
        })
    }

    /// All of them, those that nothing names last.
    fn finish(mut self) -> Vec<CountedBlob> {
        let unnamed = self.found.iter().zip(&self.numbers);
        let unnamed = unnamed.filter(|(_, number)| number.is_none());
        self.named.extend(unnamed.map(|(blob, _)| *blob));
        self.named
    }
}

/// Tells what each layer has alone.
fn share_out(layers: &mut [CountedLayer], names: &[U32], blobs: &[CountedBlob]) {
    let mut named_by = vec![0_u32; blobs.len()];
    for name in names {
        named_by[name.get() as usize] += 1;
    }
    for at in 0..layers.len() {
        for name in &names[names_of(layers, at)] {
            let name = name.get() as usize;
            match named_by[name] {
                1 => layers[at].add_own(blobs[name].bytes()),
                _ => layers[at].add_shared(blobs[name].bytes()),
            }
        }
    }
}
