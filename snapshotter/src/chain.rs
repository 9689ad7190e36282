//! Chains: committed layers in order, base first.

use std::sync::Arc;

use crate::id::SnapshotId;
use crate::layer::Layer;
use crate::merge::Origins;

/// Committed layers, base first, each the parent of the next. Cheap to clone; may be empty
/// (`FROM scratch`).
#[derive(Debug, Clone, Default)]
pub struct Chain {
    parts: Arc<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    layers: Box<[Arc<Layer>]>,
    origins: Origins,
}

impl Chain {
    /// The chain of `FROM scratch`.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Layers that are known to be connected, base first.
    pub(crate) fn new(layers: Vec<Arc<Layer>>) -> Self {
        layers.into_iter().collect()
    }

    /// The snapshot on top; none for the empty chain.
    pub fn tip(&self) -> Option<SnapshotId> {
        self.layers().last().map(|layer| layer.id())
    }

    /// The layers, base first.
    pub fn layers(&self) -> &[Arc<Layer>] {
        &self.parts.layers
    }

    /// Whether any layer has extended attributes, be they of a file that a later one hides.
    pub fn has_xattrs(&self) -> bool {
        self.layers().iter().any(|layer| layer.index().has_xattrs())
    }

    /// Where the moved directories of the chain were found to come from.
    pub(crate) fn origins(&self) -> &Origins {
        &self.parts.origins
    }

    /// The chain without its topmost `n` layers.
    pub fn below(&self, n: usize) -> Self {
        let kept = self.layers().len().saturating_sub(n);
        self.layers().iter().take(kept).cloned().collect()
    }

    /// This chain with one more layer on top, whose parent is its tip.
    pub(crate) fn with(&self, layer: Arc<Layer>) -> Self {
        self.layers().iter().cloned().chain([layer]).collect()
    }
}

impl FromIterator<Arc<Layer>> for Chain {
    fn from_iter<I: IntoIterator<Item = Arc<Layer>>>(layers: I) -> Self {
        let parts = Parts {
            layers: layers.into_iter().collect(),
            origins: Origins::default(),
        };
        Self {
            parts: Arc::new(parts),
        }
    }
}
