//! Where a layer stands, by its id.

use iechor_snapshotter::{Digest, SnapshotId};

use super::tables::Tables;

/// Groups of ids that begin with the same two bytes.
const GROUPS: usize = 1 << 16;

/// Finds layers by their ids. Ids are hashes, so that a group has about as many
/// as any other one: nothing has to be hashed, and next to nothing compared.
#[derive(Debug, Default)]
pub(super) struct Positions {
    /// Where each group begins, and where the last one ends.
    begins: Vec<u32>,
}

impl Positions {
    /// Of layers by their ids.
    pub(super) fn of(ids: &[Digest]) -> Self {
        let mut begins = vec![0; GROUPS + 1];
        for id in ids {
            begins[group(id) + 1] += 1;
        }
        let mut sum = 0;
        for begin in &mut begins {
            sum += *begin;
            *begin = sum;
        }
        Self { begins }
    }

    /// Where a layer stands, in the tables that [`Positions::of`] was given the ids of.
    pub(super) fn find(&self, tables: &Tables, id: &SnapshotId) -> Option<usize> {
        let group = group(id.digest());
        let begin = *self.begins.get(group)? as usize;
        let end = *self.begins.get(group + 1)? as usize;
        let ids = tables.ids();
        let mut group = tables.by_id()[begin..end]
            .iter()
            .map(|at| at.get() as usize);
        group.find(|at| ids[*at] == *id.digest())
    }
}

fn group(id: &Digest) -> usize {
    let [first, second, ..] = *id.as_bytes();
    usize::from(u16::from_be_bytes([first, second]))
}
