//! What goes and what stays: leases, scope and filters, and nothing on which something stays.

use super::filter::Subject;
use super::graph::{FailedState, Graph};
use super::{GcPolicy, GcScope, GcView, KeepReason, Usage};
use crate::record::{Record, RecordId};

/// What is to become of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes, if the budget wants it.
    Goes,
    /// It stays.
    Stays(KeepReason),
    /// The filters do not mean it, so it stays.
    NotMeant,
}

/// The fates of records and failed states, in the graph's order.
pub(super) struct Fates {
    pub(super) records: Vec<Fate>,
    pub(super) failed: Vec<Fate>,
}

impl Fates {
    pub(super) fn decide(
        graph: &Graph,
        policy: &GcPolicy,
        view: GcView<'_>,
        usage: &dyn Usage,
    ) -> Self {
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
    for (state, fate) in graph.failed.iter().zip(failed) {
        keep_parent(graph, records, state.parent, *fate);
    }
    for (at, record) in graph.records.iter().enumerate().rev() {
        keep_parent(graph, records, record.parent, records[at]);
    }
}

fn keep_parent(graph: &Graph, records: &mut [Fate], parent: Option<RecordId>, child: Fate) {
    let parent = parent.and_then(|parent| graph.position(parent));
    if let Some(at) = parent
        && child != Fate::Goes
        && records[at] == Fate::Goes
    {
        records[at] = Fate::Stays(KeepReason::HasKeptChild);
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
