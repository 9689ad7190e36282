//! Chains: committed layers in order, base first.

use std::sync::Arc;

use crate::id::SnapshotId;
use crate::layer::Layer;

/// Committed layers, base first, each the parent of the next. Cheap to clone; may be empty
/// (`FROM scratch`).
#[derive(Debug, Clone, Default)]
pub struct Chain {
    layers: Arc<[Arc<Layer>]>,
}

impl Chain {
    /// The chain of `FROM scratch`.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Layers that are known to be connected, base first.
    pub(crate) fn new(layers: Vec<Arc<Layer>>) -> Self {
        Self {
            layers: layers.into(),
        }
    }

    /// The snapshot on top; none for the empty chain.
    pub fn tip(&self) -> Option<SnapshotId> {
        self.layers.last().map(|layer| layer.id())
    }

    /// The layers, base first.
    pub fn layers(&self) -> &[Arc<Layer>] {
        &self.layers
    }

    /// The chain without its topmost `n` layers.
    pub fn below(&self, n: usize) -> Self {
        Self {
            layers: self.layers[..self.layers.len().saturating_sub(n)].into(),
        }
    }

    /// This chain with one more layer on top, whose parent is its tip.
    pub(crate) fn with(&self, layer: Arc<Layer>) -> Self {
        Self {
            layers: self.layers.iter().cloned().chain([layer]).collect(),
        }
    }
}
