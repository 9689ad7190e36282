//! The order of removal.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use iechor_snapshotter::{DigestMap, SnapshotId};

use super::fate::{Fate, Fates};
use super::graph::Prunable;
use super::{Budget, GcItem, GcPlan, GcPolicy, GcReason, GcTarget, KeepReason, Usage};

/// Something whose turn has come: least recently used first, of equals the youngest first, so
/// that a chain goes from its tip. Failed states and images that no record made go before all
/// records.
type Turn = Reverse<(u64, Reverse<usize>, Thing)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Failed(usize),
    Image(usize),
    Record(usize),
}

/// Takes things away one by one until nothing is left or the budget is met.
pub(super) struct Removal<'a> {
    graph: &'a Prunable,
    budget: Budget<'a>,
    usage: &'a mut dyn Usage,
    fates: Fates,
    names: DigestMap<SnapshotId, u32>,
    /// How many things are made on each record.
    children: Vec<u32>,
    /// Of each record that goes, the images without a name that go with it.
    images: Vec<Vec<usize>>,
    gone: Vec<bool>,
    turns: BinaryHeap<Turn>,
    plan: GcPlan,
}

impl<'a> Removal<'a> {
    pub(super) fn new(
        graph: &'a Prunable,
        policy: &'a GcPolicy,
        fates: Fates,
        usage: &'a mut dyn Usage,
    ) -> Self {
        let records = graph.records.rows().len();
        let mut removal = Self {
            graph,
            budget: Budget::new(policy, usage.total(), usage.free()),
            fates,
            names: graph.names.clone(),
            children: vec![0; records],
            images: vec![Vec::new(); records],
            gone: vec![false; records],
            turns: BinaryHeap::new(),
            usage,
            plan: GcPlan::default(),
        };
        removal.count_children();
        removal.offer_failed();
        removal.offer_images();
        (0..records).for_each(|at| removal.offer(at));
        removal
    }

    fn count_children(&mut self) {
        let parents = self
            .graph
            .records
            .rows()
            .iter()
            .filter_map(|row| row.parent);
        let failed = self.graph.failed.iter().flat_map(|failed| &failed.parents);
        for at in parents.chain(failed.copied()) {
            self.children[at] += 1;
        }
    }

    fn offer_failed(&mut self) {
        for (index, fate) in self.fates.failed.iter().enumerate() {
            if *fate == Fate::Goes {
                let turn = (0, Reverse(index), Thing::Failed(index));
                self.turns.push(Reverse(turn));
            }
        }
    }

    fn offer_images(&mut self) {
        for (index, fate) in self.fates.images.iter().enumerate() {
            match self.graph.images[index].record {
                _ if *fate != Fate::Goes => {}
                Some(at) => self.images[at].push(index),
                None => {
                    let turn = (0, Reverse(index), Thing::Image(index));
                    self.turns.push(Reverse(turn));
                }
            }
        }
    }

    /// A record's turn comes when nothing is made on it any more.
    fn offer(&mut self, at: usize) {
        if self.fates.records[at] == Fate::Goes && self.children[at] == 0 {
            let sequence = self.graph.records.rows()[at].use_sequence;
            self.turns
                .push(Reverse((sequence, Reverse(at), Thing::Record(at))));
        }
    }

    pub(super) fn run(mut self) -> GcPlan {
        while let Some(reason) = self.budget.demand() {
            let Some(Reverse((_, _, thing))) = self.turns.pop() else {
                break;
            };
            match thing {
                Thing::Failed(index) => self.take_failed(index),
                Thing::Image(index) => self.take_image(index),
                Thing::Record(at) => self.take_record(at, reason),
            }
        }
        self.list_what_stays();
        self.plan
    }

    fn take_failed(&mut self, index: usize) {
        let failed = &self.graph.failed[index];
        let target = GcTarget::FailedState {
            steps: failed.steps.clone(),
            text: failed.text.clone(),
            place: failed.place.clone(),
            when: failed.when,
        };
        let bytes = self.unname(&failed.snapshot);
        self.take(target, GcReason::FailedState, Some(failed.snapshot), bytes);
        failed
            .parents
            .iter()
            .for_each(|parent| self.lose_child(*parent));
    }

    fn take_image(&mut self, index: usize) {
        let image = &self.graph.images[index];
        let target = GcTarget::Image {
            id: image.id,
            chain: image.chain.clone(),
            created: image.created,
        };
        // From the top: a layer goes only when nothing lies on it.
        let bytes = image
            .chain
            .iter()
            .rev()
            .map(|snapshot| self.unname(snapshot))
            .sum();
        self.take(
            target,
            GcReason::Nameless,
            image.chain.last().copied(),
            bytes,
        );
    }

    fn take_record(&mut self, at: usize, reason: GcReason) {
        for image in std::mem::take(&mut self.images[at]) {
            self.take_image(image);
        }
        let record = &self.graph.records.rows()[at];
        let target = GcTarget::Record {
            id: record.id,
            use_sequence: record.use_sequence,
        };
        let bytes = record.snapshot.map_or(0, |snapshot| self.unname(&snapshot));
        self.take(target, reason, record.snapshot, bytes);
        self.gone[at] = true;
        if let Some(parent) = record.parent {
            self.lose_child(parent);
        }
    }

    fn take(
        &mut self,
        target: GcTarget,
        reason: GcReason,
        snapshot: Option<SnapshotId>,
        bytes: u64,
    ) {
        self.budget.give_back(bytes);
        self.plan.items.push(GcItem {
            target,
            snapshot,
            reason,
            bytes,
        });
    }

    /// One row less names the snapshot; with the last the snapshot goes.
    fn unname(&mut self, snapshot: &SnapshotId) -> u64 {
        let names = self.names.entry(*snapshot).or_insert(1);
        *names -= 1;
        if *names == 0 {
            self.usage.remove(snapshot)
        } else {
            0
        }
    }

    fn lose_child(&mut self, parent: usize) {
        self.children[parent] -= 1;
        self.offer(parent);
    }

    fn list_what_stays(&mut self) {
        let records = self.graph.records.rows().iter().zip(&self.fates.records);
        for ((record, fate), gone) in records.zip(&self.gone) {
            match fate {
                Fate::Stays(reason) => self.plan.kept.push((record.id, *reason)),
                Fate::Goes if !gone => {
                    self.plan.kept.push((record.id, KeepReason::WithinBudget));
                }
                Fate::Goes | Fate::NotMeant => {}
            }
        }
    }
}
