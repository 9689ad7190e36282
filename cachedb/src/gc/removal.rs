//! The order of removal, and when to stop.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use iechor_snapshotter::SnapshotId;

use super::fate::{Fate, Fates};
use super::graph::Graph;
use super::{GcItem, GcPlan, GcPolicy, GcReason, GcScope, GcTarget, KeepReason, Usage};

/// Something whose turn has come: least recently used first, of equals the youngest first, so
/// that a chain goes from its tip. Failed states go before all records.
type Turn = Reverse<(u64, Reverse<usize>, Thing)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Failed(usize),
    Record(usize),
}

/// Takes things away one by one until nothing is left or the budget is met.
pub(super) struct Removal<'a> {
    graph: &'a Graph,
    policy: &'a GcPolicy,
    usage: &'a mut dyn Usage,
    fates: Fates,
    names: HashMap<SnapshotId, usize>,
    /// How many things are made on each record.
    children: Vec<usize>,
    turns: BinaryHeap<Turn>,
    used: u64,
    free: u64,
    plan: GcPlan,
}

impl<'a> Removal<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        policy: &'a GcPolicy,
        fates: Fates,
        usage: &'a mut dyn Usage,
    ) -> Self {
        let mut removal = Self {
            graph,
            policy,
            fates,
            names: graph.names.clone(),
            children: vec![0; graph.records.len()],
            turns: BinaryHeap::new(),
            used: usage.total(),
            free: usage.free(),
            usage,
            plan: GcPlan::default(),
        };
        removal.count_children();
        removal.offer_leaves();
        removal
    }

    fn count_children(&mut self) {
        let parents = self.graph.records.iter().map(|record| record.parent);
        let failed = self.graph.failed.iter().map(|failed| failed.parent);
        for at in parents
            .chain(failed)
            .flatten()
            .filter_map(|id| self.graph.position(id))
        {
            self.children[at] += 1;
        }
    }

    fn offer_leaves(&mut self) {
        for (index, fate) in self.fates.failed.iter().enumerate() {
            if *fate == Fate::Goes {
                self.turns
                    .push(Reverse((0, Reverse(index), Thing::Failed(index))));
            }
        }
        for at in 0..self.graph.records.len() {
            self.offer(at);
        }
    }

    /// A record's turn comes when nothing is made on it any more.
    fn offer(&mut self, at: usize) {
        if self.fates.records[at] == Fate::Goes && self.children[at] == 0 {
            let sequence = self.graph.records[at].use_sequence;
            self.turns
                .push(Reverse((sequence, Reverse(at), Thing::Record(at))));
        }
    }

    pub(super) fn run(mut self) -> GcPlan {
        while let Some(reason) = self.reason_to_go_on() {
            let Some(Reverse((_, _, thing))) = self.turns.pop() else {
                break;
            };
            match thing {
                Thing::Failed(index) => self.take_failed(index),
                Thing::Record(at) => self.take_record(at, reason),
            }
        }
        self.list_what_stays();
        self.plan
    }

    /// Why the next thing goes; `None` when the budget is met.
    fn reason_to_go_on(&self) -> Option<GcReason> {
        let GcPolicy {
            max_used,
            min_free,
            reserved,
            scope,
            ..
        } = self.policy;
        if reserved.is_some_and(|reserved| self.used <= reserved) {
            return None;
        }
        if max_used.is_none() && min_free.is_none() {
            return Some(match scope {
                GcScope::Dangling => GcReason::Dangling,
                GcScope::All => GcReason::Unused,
            });
        }
        let over = max_used.is_some_and(|max_used| self.used > max_used);
        let low = min_free.is_some_and(|min_free| self.free < min_free);
        over.then_some(GcReason::OverBudget)
            .or(low.then_some(GcReason::LowDisk))
    }

    fn take_failed(&mut self, index: usize) {
        let failed = &self.graph.failed[index];
        let target = GcTarget::FailedState {
            step: failed.step,
            snapshot: failed.snapshot,
            text: failed.text.clone(),
        };
        self.take(target, GcReason::FailedState, Some(failed.snapshot));
        self.orphan(failed.parent.and_then(|parent| self.graph.position(parent)));
    }

    fn take_record(&mut self, at: usize, reason: GcReason) {
        let record = &self.graph.records[at];
        self.take(
            GcTarget::Record(Box::new(record.clone())),
            reason,
            record.snapshot,
        );
        self.orphan(record.parent.and_then(|parent| self.graph.position(parent)));
    }

    fn take(&mut self, target: GcTarget, reason: GcReason, snapshot: Option<SnapshotId>) {
        let bytes = snapshot.map_or(0, |snapshot| self.unname(&snapshot));
        self.used = self.used.saturating_sub(bytes);
        self.free = self.free.saturating_add(bytes);
        self.plan.items.push(GcItem {
            target,
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

    fn orphan(&mut self, parent: Option<usize>) {
        if let Some(at) = parent {
            self.children[at] -= 1;
            self.offer(at);
        }
    }

    fn list_what_stays(&mut self) {
        let gone: HashSet<_> = self.plan.items.iter().filter_map(GcItem::record).collect();
        for (record, fate) in self.graph.records.iter().zip(&self.fates.records) {
            match fate {
                Fate::Stays(reason) => self.plan.kept.push((record.id, *reason)),
                Fate::Goes if !gone.contains(&record.id) => {
                    self.plan.kept.push((record.id, KeepReason::WithinBudget));
                }
                Fate::Goes | Fate::NotMeant => {}
            }
        }
    }
}
