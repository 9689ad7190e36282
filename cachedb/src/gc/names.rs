//! How many rows name each snapshot.

use iechor_snapshotter::{DigestMap, SnapshotId};

/// Number of a snapshot that is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameId(u32);

/// The snapshots that rows name, numbered: they are looked up once and counted by number.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: DigestMap<SnapshotId, NameId>,
    counts: Vec<u32>,
}

impl Names {
    /// With room for so many.
    pub(super) fn with_capacity(count: usize) -> Self {
        let mut names = Self::default();
        names.numbers.reserve(count);
        names.counts.reserve(count);
        names
    }

    /// One more row names a snapshot.
    pub(super) fn add(&mut self, snapshot: SnapshotId) -> NameId {
        let next = NameId(u32::try_from(self.counts.len()).unwrap_or(u32::MAX));
        let id = *self.numbers.entry(snapshot).or_insert(next);
        if id == next {
            self.counts.push(0);
        }
        self.add_again(id);
        id
    }

    /// One more row names a snapshot that is known.
    pub(super) fn add_again(&mut self, id: NameId) {
        self.counts[id.0 as usize] += 1;
    }

    /// The number of a snapshot that some row names.
    pub(super) fn number(&self, snapshot: &SnapshotId) -> Option<NameId> {
        self.numbers.get(snapshot).copied()
    }

    /// All of them.
    pub(super) fn snapshots(&self) -> impl Iterator<Item = &SnapshotId> {
        self.numbers.keys()
    }

    /// How many rows name each, to be counted down.
    pub(super) fn counted(&self) -> Counted {
        Counted(self.counts.clone())
    }
}

/// How many rows still name each snapshot.
#[derive(Debug)]
pub(super) struct Counted(Vec<u32>);

impl Counted {
    /// One row less names it; whether it was the last.
    pub(super) fn take_one(&mut self, id: NameId) -> bool {
        let count = &mut self.0[id.0 as usize];
        *count -= 1;
        *count == 0
    }
}
