//! How many rows name each layer.

use super::graph::Prunable;
use super::{LayerNo, Usage};

/// Rows that name each layer, counted down as they go. What they name is looked up once.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// By the number of the layer.
    counts: Vec<u32>,
    /// Of each record, its layer.
    records: Vec<Option<LayerNo>>,
    /// Of each failed state, its layer.
    failed: Vec<Option<LayerNo>>,
    /// Of each image, its layers in the store, base first.
    images: Vec<Vec<LayerNo>>,
}

impl Named {
    pub(super) fn of(graph: &Prunable, usage: &dyn Usage) -> Self {
        let rows = graph.records.rows().iter().enumerate();
        let failed = graph.failed.iter();
        let images = graph.images.iter();
        let mut named = Self {
            counts: Vec::new(),
            records: rows.map(|(at, row)| usage.layer_of(at, row)).collect(),
            failed: failed.map(|state| usage.layer(&state.snapshot)).collect(),
            images: images.map(|image| usage.layers_of(&image.chain)).collect(),
        };
        named.count();
        named
    }

    fn count(&mut self) {
        let alone = self.records.iter().chain(&self.failed).flatten();
        for LayerNo(layer) in alone.chain(self.images.iter().flatten()) {
            let layer = *layer as usize;
            if layer >= self.counts.len() {
                self.counts.resize(layer + 1, 0);
            }
            self.counts[layer] += 1;
        }
    }

    /// A record's layer, if one row less names it and that was the last.
    pub(super) fn take_record(&mut self, at: usize) -> Option<LayerNo> {
        self.records[at].filter(|layer| take(&mut self.counts, *layer))
    }

    /// A failed state's layer, if one row less names it and that was the last.
    pub(super) fn take_failed(&mut self, index: usize) -> Option<LayerNo> {
        self.failed[index].filter(|layer| take(&mut self.counts, *layer))
    }

    /// Those of an image's layers that nothing names any more, from the top: a layer goes only when
    /// nothing lies on it.
    pub(super) fn take_image(&mut self, index: usize) -> impl Iterator<Item = LayerNo> {
        let from_the_top = self.images[index].iter().rev().copied();
        from_the_top.filter(|layer| take(&mut self.counts, *layer))
    }
}

/// One row less names the layer; whether it was the last.
fn take(counts: &mut [u32], LayerNo(layer): LayerNo) -> bool {
    let count = &mut counts[layer as usize];
    *count -= 1;
    *count == 0
}
