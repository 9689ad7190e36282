//! Where a layer stands, by its id.

use iechor_snapshotter::SnapshotId;

use super::CountedLayer;

/// Groups of ids that begin with the same two bytes.
const GROUPS: usize = 1 << 16;

/// Finds layers that are in the order of their ids. Ids are hashes, so that a group has about as many
/// as any other one: nothing has to be hashed, and next to nothing compared.
#[derive(Debug, Default)]
pub(in crate::usage) struct Positions {
    /// Where each group begins, and where the last one ends.
    begins: Vec<u32>,
}

impl Positions {
    pub(in crate::usage) fn of(layers: &[CountedLayer]) -> Self {
        let mut begins = vec![0; GROUPS + 1];
        for layer in layers {
            begins[group(&layer.id) + 1] += 1;
        }
        let mut sum = 0;
        for begin in &mut begins {
            sum += *begin;
            *begin = sum;
        }
        Self { begins }
    }

    /// Where a layer stands; the layers are those that [`Positions::of`] was given.
    pub(in crate::usage) fn find(&self, layers: &[CountedLayer], id: &SnapshotId) -> Option<usize> {
        let group = group(id);
        let begin = *self.begins.get(group)? as usize;
        let end = *self.begins.get(group + 1)? as usize;
        let found = layers[begin..end].binary_search_by_key(&id, |layer| &layer.id);
        found.ok().map(|at| begin + at)
    }
}

fn group(id: &SnapshotId) -> usize {
    let [first, second, ..] = *id.digest().as_bytes();
    usize::from(u16::from_be_bytes([first, second]))
}
