//! Planning a prune.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use iechor_snapshotter::SnapshotId;

use super::filter::Subject;
use super::graph::{FailedState, Graph};
use super::{GcItem, GcPlan, GcPolicy, GcReason, GcScope, GcTarget, GcView, KeepReason, Usage};
use crate::db::CacheDb;
use crate::error::CacheError;
use crate::record::Record;

impl CacheDb {
    /// Plans a prune. Changes nothing.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn plan_gc(
        &self,
        policy: &GcPolicy,
        view: GcView<'_>,
        usage: &mut dyn Usage,
    ) -> Result<GcPlan, CacheError> {
        let graph = self.read(Graph::load)?;
        let fates = Fates::decide(&graph, policy, view, usage);
        Ok(Removal::new(&graph, policy, fates, usage).run())
    }
}

/// What is to become of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It goes, if the budget wants it.
    Goes,
    /// It stays.
    Stays(KeepReason),
    /// The filters do not mean it, so it stays.
    NotMeant,
}

/// The fates of records and failed states, in the graph's order.
struct Fates {
    records: Vec<Fate>,
    failed: Vec<Fate>,
}

impl Fates {
    fn decide(graph: &Graph, policy: &GcPolicy, view: GcView<'_>, usage: &dyn Usage) -> Self {
        let judge = Judge {
            graph,
            policy,
            view,
            usage,
            words: image_words(graph),
        };
        let failed: Vec<Fate> = graph
            .failed
            .iter()
            .map(|failed| judge.failed(failed))
            .collect();
        let mut records: Vec<Fate> = graph
            .records
            .iter()
            .enumerate()
            .map(|(at, record)| judge.record(at, record))
            .collect();
        keep_parents(graph, &mut records, &failed);
        Self { records, failed }
    }
}

/// Nothing goes on which something stays. Children come after parents, so one pass from the end
/// reaches everything.
fn keep_parents(graph: &Graph, records: &mut [Fate], failed: &[Fate]) {
    let keep = |records: &mut [Fate], parent| {
        if let Some(at) = parent {
            let fate: &mut Fate = &mut records[at];
            if *fate == Fate::Goes {
                *fate = Fate::Stays(KeepReason::HasKeptChild);
            }
        }
    };
    for (state, _) in graph
        .failed
        .iter()
        .zip(failed)
        .filter(|(_, fate)| **fate != Fate::Goes)
    {
        keep(
            records,
            state.parent.and_then(|parent| graph.position(parent)),
        );
    }
    for at in (0..records.len()).rev() {
        if records[at] != Fate::Goes {
            keep(
                records,
                graph.records[at]
                    .parent
                    .and_then(|parent| graph.position(parent)),
            );
        }
    }
}

/// Of each record, the images that are made of it, by position in the graph.
fn image_words(graph: &Graph) -> Vec<Vec<usize>> {
    let mut of_record = vec![Vec::new(); graph.records.len()];
    for (index, image) in graph.images.iter().enumerate() {
        let mut next = image.record;
        while let Some(at) = next.and_then(|id| graph.position(id)) {
            of_record[at].push(index);
            next = graph.records[at].parent;
        }
    }
    of_record
}

struct Judge<'a> {
    graph: &'a Graph,
    policy: &'a GcPolicy,
    view: GcView<'a>,
    usage: &'a dyn Usage,
    words: Vec<Vec<usize>>,
}

impl Judge<'_> {
    fn record(&self, at: usize, record: &Record) -> Fate {
        let leased = record
            .snapshot
            .is_some_and(|snapshot| (self.view.leased)(&snapshot));
        if !self.means_record(at, record, leased) {
            return Fate::NotMeant;
        }
        match self.use_of(at, record, leased) {
            Some(reason) => Fate::Stays(reason),
            None => Fate::Goes,
        }
    }

    fn use_of(&self, at: usize, record: &Record, leased: bool) -> Option<KeepReason> {
        let spared = self.policy.scope == GcScope::Dangling;
        let tagged = || {
            self.words[at]
                .iter()
                .any(|image| self.graph.images[*image].is_tagged())
        };
        if leased {
            Some(KeepReason::Leased)
        } else if spared && tagged() {
            Some(KeepReason::Image)
        } else if spared && self.graph.newest.contains(&record.id) {
            Some(KeepReason::NewestBuild)
        } else {
            None
        }
    }

    fn means_record(&self, at: usize, record: &Record, leased: bool) -> bool {
        if self.policy.filters.is_empty() {
            return true;
        }
        let stage_index = record.place.stage_index.to_string();
        let kind = record.kind.to_lowercase();
        let images = self.words[at]
            .iter()
            .flat_map(|image| &self.graph.images[*image].words);
        self.means(&Subject {
            ids: [
                Some(record.key.hex()),
                record.snapshot.map(|snapshot| snapshot.hex()),
            ],
            kinds: [
                &kind,
                if record.own_bytes == 0 {
                    "meta"
                } else {
                    "layer"
                },
            ],
            stages: [Some(&stage_index), record.place.stage_name.as_deref()],
            file: &record.place.file,
            images: images.map(String::as_str).collect(),
            last_used: record.last_used,
            failed: false,
            in_use: leased || !self.words[at].is_empty(),
            shared: &|| {
                record
                    .snapshot
                    .is_some_and(|snapshot| self.usage.is_shared(&snapshot))
            },
        })
    }

    fn failed(&self, failed: &FailedState) -> Fate {
        let leased = (self.view.leased)(&failed.snapshot);
        let stage_index = failed.place.stage_index.to_string();
        let meant = self.means(&Subject {
            ids: [None, Some(failed.snapshot.hex())],
            kinds: ["failed", "failed"],
            stages: [Some(&stage_index), failed.place.stage_name.as_deref()],
            file: &failed.place.file,
            images: Vec::new(),
            last_used: failed.when,
            failed: true,
            in_use: leased,
            shared: &|| self.usage.is_shared(&failed.snapshot),
        });
        match (meant, leased) {
            (false, _) => Fate::NotMeant,
            (true, true) => Fate::Stays(KeepReason::Leased),
            (true, false) => Fate::Goes,
        }
    }

    fn means(&self, subject: &Subject<'_>) -> bool {
        self.policy
            .filters
            .iter()
            .all(|filter| filter.matches(subject, self.view.now))
    }
}

/// Something whose turn has come: least recently used first, of equals the youngest first, so
/// that a chain goes from its tip. Failed states go before all records.
type Turn = Reverse<(u64, Reverse<usize>, Thing)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Failed(usize),
    Record(usize),
}

/// Takes things away one by one until nothing is left or the budget is met.
struct Removal<'a> {
    graph: &'a Graph,
    policy: &'a GcPolicy,
    usage: &'a mut dyn Usage,
    fates: Fates,
    names: std::collections::HashMap<SnapshotId, usize>,
    /// How many things are made on each record.
    children: Vec<usize>,
    turns: BinaryHeap<Turn>,
    used: u64,
    free: u64,
    plan: GcPlan,
}

impl<'a> Removal<'a> {
    fn new(graph: &'a Graph, policy: &'a GcPolicy, fates: Fates, usage: &'a mut dyn Usage) -> Self {
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

    fn run(mut self) -> GcPlan {
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
