//! How many rows name each layer.

use iechor_snapshotter::SnapshotId;

use super::graph::Prunable;
use super::{LayerNo, Usage};

/// Rows that name each layer, counted down as they go.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// By the number of the layer.
    counts: Vec<u32>,
    /// Of each record, its layer.
    records: Vec<Option<LayerNo>>,
}

impl Named {
    pub(super) fn of(graph: &Prunable, usage: &dyn Usage) -> Self {
        let rows = graph.records.rows().iter().enumerate();
        let records = rows.map(|(at, row)| usage.layer_of(at, row)).collect();
        let mut named = Self {
            counts: Vec::new(),
            records,
        };
        for at in 0..named.records.len() {
            named.records[at]
                .into_iter()
                .for_each(|layer| named.add(layer));
        }
        for snapshot in graph.beside_records() {
            usage
                .layer(snapshot)
                .into_iter()
                .for_each(|layer| named.add(layer));
        }
        named
    }

    fn add(&mut self, LayerNo(layer): LayerNo) {
        let layer = layer as usize;
        if layer >= self.counts.len() {
            self.counts.resize(layer + 1, 0);
        }
        self.counts[layer] += 1;
    }

    /// A record's layer, if one row less names it and that was the last.
    pub(super) fn take_record(&mut self, at: usize) -> Option<LayerNo> {
        self.records[at].filter(|layer| self.take(*layer))
    }

    /// A snapshot's layer, if one row less names it and that was the last.
    pub(super) fn take_snapshot(
        &mut self,
        snapshot: &SnapshotId,
        usage: &dyn Usage,
    ) -> Option<LayerNo> {
        usage.layer(snapshot).filter(|layer| self.take(*layer))
    }

    fn take(&mut self, LayerNo(layer): LayerNo) -> bool {
        let count = &mut self.counts[layer as usize];
        *count -= 1;
        *count == 0
    }
}
