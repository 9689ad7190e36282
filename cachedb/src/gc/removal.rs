//! The order of removal.

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
    rows: &'a [ListedRecord],
    budget: Budget<'a>,
    usage: &'a mut dyn Usage,
    named: Named,
    standings: Vec<Standing>,
    /// The images without a name that go with a record, by record.
    images: Vec<(u32, u32)>,
    turns: Turns,
    plan: GcPlan,
}

/// How it stands with a record. In one place, for all of it is asked when its turn comes.
#[derive(Clone, Copy)]
struct Standing {
    /// How many things are made on it.
    children: u32,
    fate: Fate,
    /// Whether images without a name go with it.
    has_images: bool,
    gone: bool,
}

impl<'a> Removal<'a> {
    pub(super) fn new(graph: &'a Prunable, fates: Fates, usage: &'a mut dyn Usage) -> Self {
        let images = images_of_records(graph, &fates);
        let standings = standings(graph, &fates, &images);
        Self {
            graph,
            rows: graph.records.rows(),
            budget: Budget::new(&graph.policy, usage.total(), usage.free()),
            turns: Turns::of(first_turns(graph, &fates, &standings)),
            named: Named::of(graph, usage),
            plan: GcPlan::with_capacity(standings.len()),
            standings,
            images,
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
        let layer = self.named.take_failed(index);
        let bytes = layer.map_or(0, |layer| self.usage.remove(layer));
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
        let layers = self.named.take_image(index);
        let bytes = layers.map(|layer| self.usage.remove(layer)).sum();
        self.take(target, GcReason::Nameless, bytes);
    }

    fn take_record(&mut self, number: u32, reason: GcReason) {
        let at = number as usize;
        if self.standings[at].has_images {
            self.take_images_of(number);
        }
        let record = &self.rows[at];
        let target = GcTarget::Record {
            id: record.id(),
            at: number,
            use_sequence: record.use_sequence(),
        };
        let layer = self.named.take_record(at);
        let bytes = layer.map_or(0, |layer| self.usage.remove(layer));
        self.take(target, reason, bytes);
        self.standings[at].gone = true;
        if let Some(parent) = record.parent() {
            self.lose_child(parent);
        }
    }

    fn take_images_of(&mut self, record: u32) {
        for at in group(&self.images, record) {
            self.take_image(self.images[at].1 as usize);
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

    /// A record's turn comes when nothing is made on it any more.
    fn lose_child(&mut self, parent: usize) {
        let standing = &mut self.standings[parent];
        standing.children -= 1;
        if standing.may_go_now() {
            let sequence = self.rows[parent].use_sequence();
            self.turns.add(Thing::Record(number(parent)), sequence);
        }
    }

    fn list_what_stays(&mut self) {
        for (record, standing) in self.rows.iter().zip(&self.standings) {
            let reason = match standing.fate {
                Fate::Stays(reason) => reason,
                Fate::Goes if !standing.gone => KeepReason::WithinBudget,
                Fate::Goes | Fate::NotMeant => continue,
            };
            self.plan.kept.push((record.id(), reason));
        }
    }
}

impl Standing {
    fn may_go_now(self) -> bool {
        self.children == 0 && self.fate == Fate::Goes
    }
}

/// There are fewer records than that: they are numbered so in the listing.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// How it stands with each record before anything is taken away.
fn standings(graph: &Prunable, fates: &Fates, images: &[(u32, u32)]) -> Vec<Standing> {
    let standing = |fate: &Fate| Standing {
        children: 0,
        fate: *fate,
        has_images: false,
        gone: false,
    };
    let mut standings: Vec<_> = fates.records.iter().map(standing).collect();
    let rows = graph.records.rows().iter();
    let failed = graph.failed.iter().flat_map(|failed| &failed.parents);
    for at in rows.filter_map(ListedRecord::parent).chain(failed.copied()) {
        standings[at].children += 1;
    }
    for (record, _) in images {
        standings[*record as usize].has_images = true;
    }
    standings
}

/// What may go from the beginning, and when it was last used.
fn first_turns(
    graph: &Prunable,
    fates: &Fates,
    standings: &[Standing],
) -> impl Iterator<Item = (Thing, u64)> {
    let goes = |(_, fate): &(u32, &Fate)| **fate == Fate::Goes;
    let failed = (0..).zip(&fates.failed).filter(goes);
    let images = (0..).zip(&fates.images).filter(goes);
    let goes_for_itself = move |(index, _): &(u32, &Fate)| {
        let record = graph.images[*index as usize].record;
        record.is_none_or(|at| fates.records[at] == Fate::NotMeant)
    };
    let rows = (0..).zip(graph.records.rows().iter().zip(standings));
    let first = rows.filter(|(_, (_, standing))| standing.may_go_now());
    let failed = failed.map(|(index, _)| (Thing::Failed(index), 0));
    let images = images.filter(goes_for_itself);
    let images = images.map(|(index, _)| (Thing::Image(index), 0));
    let records = first.map(|(at, (row, _))| (Thing::Record(at), row.use_sequence()));
    failed.chain(images).chain(records)
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
