//! The order of removal.

use iechor_snapshotter::SnapshotId;

use super::fate::{Fate, Fates};
use super::graph::Prunable;
use super::named::Named;
use super::turns::{Thing, Turns};
use super::{
    Budget, GcItem, GcPlan, GcReason, GcTarget, KeepReason, LeftState, NamelessImage, Usage,
};
use crate::record::ListedRecord;

/// Takes things away one by one until nothing is left or the budget is met. Failed states and images
/// that go for themselves go before all records.
pub(super) struct Removal<'a> {
    graph: &'a Prunable,
    budget: Budget<'a>,
    usage: &'a mut dyn Usage,
    fates: Fates,
    named: Named,
    /// How many things are made on each record.
    children: Vec<u32>,
    /// The images without a name that go with a record, by record.
    images: Vec<(u32, u32)>,
    gone: Vec<bool>,
    turns: Turns,
    plan: GcPlan,
}

impl<'a> Removal<'a> {
    pub(super) fn new(graph: &'a Prunable, fates: Fates, usage: &'a mut dyn Usage) -> Self {
        let records = graph.records.rows().len();
        let children = children(graph);
        Self {
            graph,
            budget: Budget::new(&graph.policy, usage.total(), usage.free()),
            images: images_of_records(graph, &fates),
            turns: Turns::of(first_turns(graph, &fates, &children)),
            named: Named::of(graph, usage),
            children,
            gone: vec![false; records],
            plan: GcPlan::with_capacity(records),
            fates,
            usage,
        }
    }

    pub(super) fn run(mut self) -> GcPlan {
        while let Some(reason) = self.budget.demand() {
            let Some(thing) = self.turns.next() else {
                break;
            };
            match thing {
                Thing::Failed(index) => self.take_failed(index as usize),
                Thing::Image(index) => self.take_image(index as usize),
                Thing::Record(at) => self.take_record(at, reason),
            }
        }
        self.list_what_stays();
        self.plan
    }

    fn take_failed(&mut self, index: usize) {
        let graph = self.graph;
        let failed = &graph.failed[index];
        let target = GcTarget::FailedState(Box::new(LeftState {
            snapshot: failed.snapshot,
            steps: failed.steps.clone(),
            text: failed.text.clone(),
            place: failed.place.clone(),
            when: failed.when,
        }));
        let bytes = self.unname(&failed.snapshot);
        self.take(target, GcReason::FailedState, bytes);
        failed
            .parents
            .iter()
            .for_each(|parent| self.lose_child(*parent));
    }

    fn take_image(&mut self, index: usize) {
        let graph = self.graph;
        let image = &graph.images[index];
        let target = GcTarget::Image(Box::new(NamelessImage {
            id: image.id,
            chain: image.chain.clone(),
            created: image.created,
        }));
        // From the top: a layer goes only when nothing lies on it.
        let from_the_top = image.chain.iter().rev();
        let bytes = from_the_top.map(|snapshot| self.unname(snapshot)).sum();
        self.take(target, GcReason::Nameless, bytes);
    }

    fn take_record(&mut self, number: u32, reason: GcReason) {
        for at in group(&self.images, number) {
            self.take_image(self.images[at].1 as usize);
        }
        let at = number as usize;
        let record = &self.graph.records.rows()[at];
        let target = GcTarget::Record {
            id: record.id(),
            at: number,
            use_sequence: record.use_sequence(),
        };
        let layer = self.named.take_record(at);
        let bytes = layer.map_or(0, |layer| self.usage.remove(layer));
        self.take(target, reason, bytes);
        self.gone[at] = true;
        if let Some(parent) = record.parent() {
            self.lose_child(parent);
        }
    }

    fn take(&mut self, target: GcTarget, reason: GcReason, bytes: u64) {
        self.budget.give_back(bytes);
        self.plan.items.push(GcItem {
            target,
            reason,
            bytes,
        });
    }

    /// One row less names the snapshot; with the last its layer goes.
    fn unname(&mut self, snapshot: &SnapshotId) -> u64 {
        let layer = self.named.take_snapshot(snapshot, self.usage);
        layer.map_or(0, |layer| self.usage.remove(layer))
    }

    /// A record's turn comes when nothing is made on it any more.
    fn lose_child(&mut self, parent: usize) {
        self.children[parent] -= 1;
        if self.children[parent] == 0 && self.fates.records[parent] == Fate::Goes {
            let sequence = self.graph.records.rows()[parent].use_sequence();
            self.turns.add(Thing::Record(number(parent)), sequence);
        }
    }

    fn list_what_stays(&mut self) {
        let records = self.graph.records.rows().iter().zip(&self.fates.records);
        for ((record, fate), gone) in records.zip(&self.gone) {
            match fate {
                Fate::Stays(reason) => self.plan.kept.push((record.id(), *reason)),
                Fate::Goes if !gone => {
                    self.plan.kept.push((record.id(), KeepReason::WithinBudget));
                }
                Fate::Goes | Fate::NotMeant => {}
            }
        }
    }
}

/// There are fewer records than that: they are numbered so in the listing.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// How many things are made on each record.
fn children(graph: &Prunable) -> Vec<u32> {
    let mut children = vec![0; graph.records.rows().len()];
    let rows = graph.records.rows().iter();
    let failed = graph.failed.iter().flat_map(|failed| &failed.parents);
    for at in rows.filter_map(ListedRecord::parent).chain(failed.copied()) {
        children[at] += 1;
    }
    children
}

/// What may go from the beginning, and when it was last used.
fn first_turns(
    graph: &Prunable,
    fates: &Fates,
    children: &[u32],
) -> impl Iterator<Item = (Thing, u64)> {
    let goes = |(_, fate): &(u32, &Fate)| **fate == Fate::Goes;
    let failed = (0..).zip(&fates.failed).filter(goes);
    let images = (0..).zip(&fates.images).filter(goes);
    let goes_for_itself = |(index, _): &(u32, &Fate)| {
        let record = graph.images[*index as usize].record;
        record.is_none_or(|at| fates.records[at] == Fate::NotMeant)
    };
    let records = (0..).zip(&fates.records).filter(goes);
    let childless = |(at, _): &(u32, &Fate)| children[*at as usize] == 0;
    let sequence = |at: u32| graph.records.rows()[at as usize].use_sequence();
    let failed = failed.map(|(index, _)| (Thing::Failed(index), 0));
    let images = images.filter(goes_for_itself);
    let images = images.map(|(index, _)| (Thing::Image(index), 0));
    let records = records.filter(childless);
    let records = records.map(|(at, _)| (Thing::Record(at), sequence(at)));
    let turns: Vec<_> = failed.chain(images).chain(records).collect();
    turns.into_iter()
}

/// The images that go with the record that made them, each with that record before it, sorted.
fn images_of_records(graph: &Prunable, fates: &Fates) -> Vec<(u32, u32)> {
    let images = (0..).zip(graph.images.iter().zip(&fates.images));
    let going = images.filter(|(_, (_, fate))| **fate == Fate::Goes);
    let made = going.filter_map(|(index, (image, _))| Some((number(image.record?), index)));
    let mut made: Vec<_> = made.collect();
    made.sort_unstable();
    made
}

/// Where the images of a record stand.
fn group(images: &[(u32, u32)], record: u32) -> std::ops::Range<usize> {
    let from = images.partition_point(|(made_by, _)| *made_by < record);
    let count = images[from..]
        .iter()
        .take_while(|(made_by, _)| *made_by == record);
    from..from + count.count()
}
