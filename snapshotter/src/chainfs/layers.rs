//! Slots of a session, and the layers that own some of them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::ino::{Ino, Slot};
use super::views::ViewError;
use crate::chain::Chain;
use crate::id::SnapshotId;
use crate::index::InodeIdx;
use crate::layer::Layer;

/// Hands out slots. A layer keeps its slot for the life of the session; so does a view, for its
/// directories. What is kept for a slot is a reference to a mapped index.
#[derive(Debug)]
pub(super) struct Layers {
    slots: RwLock<Slots>,
}

#[derive(Debug)]
struct Slots {
    /// Owner by slot; none for slots of views, and for slot 0, which has the root.
    layers: Vec<Option<Arc<Layer>>>,
    by_id: HashMap<SnapshotId, Slot>,
}

impl Default for Layers {
    fn default() -> Self {
        let slots = Slots {
            layers: vec![None],
            by_id: HashMap::new(),
        };
        Self {
            slots: RwLock::new(slots),
        }
    }
}

impl Layers {
    /// Slots for the files of a chain's layers, base first.
    pub(super) fn register(&self, chain: &Chain) -> Result<Box<[Slot]>, ViewError> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        chain
            .layers()
            .iter()
            .map(|layer| slots.of_layer(layer))
            .collect()
    }

    /// The first of `count` slots for directories of a view.
    pub(super) fn reserve(&self, count: usize) -> Result<Slot, ViewError> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        slots.reserve(count)
    }

    /// Whether the slot is a layer's.
    pub(super) fn has(&self, slot: Slot) -> bool {
        self.get(slot).is_some()
    }

    /// The layer and the inode in it that a number stands for; none when it stands for no file.
    pub(super) fn file(&self, ino: Ino) -> Option<(Arc<Layer>, InodeIdx)> {
        let layer = self.get(ino.slot())?;
        (ino.index() < layer.index().len()).then(|| (layer, InodeIdx(ino.index())))
    }

    /// How many inodes all layers have together.
    pub(super) fn inodes(&self) -> u64 {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots
            .layers
            .iter()
            .flatten()
            .map(|layer| u64::from(layer.index().len()))
            .sum()
    }

    fn get(&self, slot: Slot) -> Option<Arc<Layer>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.layers.get(slot.number()).cloned().flatten()
    }
}

impl Slots {
    fn of_layer(&mut self, layer: &Arc<Layer>) -> Result<Slot, ViewError> {
        if let Some(slot) = self.by_id.get(&layer.id()) {
            return Ok(*slot);
        }
        let slot = Slot::new(self.layers.len()).ok_or(ViewError::Full)?;
        self.layers.push(Some(Arc::clone(layer)));
        self.by_id.insert(layer.id(), slot);
        Ok(slot)
    }

    fn reserve(&mut self, count: usize) -> Result<Slot, ViewError> {
        let first = Slot::new(self.layers.len()).ok_or(ViewError::Full)?;
        let end = self.layers.len() + count;
        Slot::new(end).ok_or(ViewError::Full)?;
        self.layers.resize(end, None);
        Ok(first)
    }
}
