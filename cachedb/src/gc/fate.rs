//! What goes and what stays: leases, scope and filters, and nothing on which something stays.

use iechor_snapshotter::SnapshotId;

use super::filter::Subject;
use super::graph::{FailedState, ImageRoot, Prunable};
use super::{GcPolicy, GcScope, GcView, KeepReason, Usage};
use crate::record::ListedRecord;

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

/// The fates of records, failed states and images, in the graph's order.
pub(super) struct Fates {
    pub(super) records: Vec<Fate>,
    pub(super) failed: Vec<Fate>,
    pub(super) images: Vec<Fate>,
}

impl Fates {
    pub(super) fn decide(graph: &Prunable, view: GcView<'_>, usage: &dyn Usage) -> Self {
        let judge = Judge {
            graph,
            policy: &graph.policy,
            view,
            usage,
            images: images_of_records(graph),
            in_named_images: in_named_images(graph),
        };
        let failed: Vec<Fate> = graph
            .failed
            .iter()
            .map(|failed| judge.failed(failed))
            .collect();
        let images = graph
            .images
            .iter()
            .map(|image| judge.image(image))
            .collect();
        let rows = graph.records.rows().iter().enumerate();
        let mut records: Vec<Fate> = rows.map(|(at, record)| judge.record(at, record)).collect();
        keep_parents(graph, &mut records, &failed);
        Self {
            records,
            failed,
            images,
        }
    }
}

/// Nothing goes on which something stays. Children come after parents, so one pass from the end
/// reaches everything.
fn keep_parents(graph: &Prunable, records: &mut [Fate], failed: &[Fate]) {
    for (state, fate) in graph.failed.iter().zip(failed) {
        for parent in &state.parents {
            keep_parent(records, *parent, *fate);
        }
    }
    for (at, record) in graph.records.rows().iter().enumerate().rev() {
        if let Some(parent) = record.parent() {
            keep_parent(records, parent, records[at]);
        }
    }
}

fn keep_parent(records: &mut [Fate], parent: usize, child: Fate) {
    if child != Fate::Goes && records[parent] == Fate::Goes {
        records[parent] = Fate::Stays(KeepReason::HasKeptChild);
    }
}

/// Of each record, whether an image with a name is made of it.
fn in_named_images(graph: &Prunable) -> Vec<bool> {
    let mut named = vec![false; graph.records.rows().len()];
    for image in graph.images.iter().filter(|image| image.is_named()) {
        let mut next = image.record;
        while let Some(at) = next.filter(|at| !named[*at]) {
            named[at] = true;
            next = graph.records.rows()[at].parent();
        }
    }
    named
}

/// Of each record, the images that are made of it, by position in the graph; none at all when no
/// filter asks.
fn images_of_records(graph: &Prunable) -> Vec<Vec<usize>> {
    if graph.policy.filters.is_empty() {
        return Vec::new();
    }
    let mut of_record = vec![Vec::new(); graph.records.rows().len()];
    for (index, image) in graph.images.iter().enumerate() {
        let mut next = image.record;
        while let Some(at) = next {
            of_record[at].push(index);
            next = graph.records.rows()[at].parent();
        }
    }
    of_record
}

struct Judge<'a> {
    graph: &'a Prunable,
    policy: &'a GcPolicy,
    view: GcView<'a>,
    usage: &'a dyn Usage,
    images: Vec<Vec<usize>>,
    in_named_images: Vec<bool>,
}

impl Judge<'_> {
    fn record(&self, at: usize, record: &ListedRecord) -> Fate {
        let leased = record
            .snapshot()
            .is_some_and(|snapshot| self.is_leased(&snapshot));
        if !self.means_record(at, record, leased) {
            return Fate::NotMeant;
        }
        match self.use_of(at, leased) {
            Some(reason) => Fate::Stays(reason),
            None => Fate::Goes,
        }
    }

    fn use_of(&self, at: usize, leased: bool) -> Option<KeepReason> {
        let spared = self.policy.scope == GcScope::Dangling;
        if leased {
            Some(KeepReason::Leased)
        } else if spared && self.in_named_images[at] {
            Some(KeepReason::Image)
        } else if spared && self.graph.newest[at] {
            Some(KeepReason::NewestBuild)
        } else {
            None
        }
    }

    fn means_record(&self, at: usize, record: &ListedRecord, leased: bool) -> bool {
        // Without filters nobody has asked for the natures.
        let Some(nature) = self.graph.natures.get(at) else {
            return true;
        };
        let kind = nature.kind.to_lowercase();
        let kinds = ["step", &kind, "meta"];
        self.means(&Subject {
            ids: &|| ids(record).collect(),
            kinds: &kinds[..self.kinds(at, record)],
            stage: Some((nature.stage_index, nature.stage_name.as_deref())),
            file: Some(self.graph.records.file(record)),
            images: Some(&|| self.images(at).flat_map(ImageRoot::words).collect()),
            last_used: record.last_used(),
            failed: false,
            in_use: leased || self.in_named_images[at],
            shared: &|| {
                let layer = self.usage.layer_of(at, record);
                layer.is_some_and(|layer| self.usage.is_shared(layer))
            },
        })
    }

    /// How many of the kinds of a step a record has: that of making no layer comes last.
    fn kinds(&self, at: usize, record: &ListedRecord) -> usize {
        let makes_layer = self.graph.records.makes_layer(at) || record.parent().is_none();
        if makes_layer { 2 } else { 3 }
    }

    fn failed(&self, failed: &FailedState) -> Fate {
        let leased = self.is_leased(&failed.snapshot);
        let meant = self.means(&Subject {
            ids: &|| vec![failed.snapshot.hex()],
            kinds: &["failed"],
            stage: Some((failed.place.stage_index, failed.place.stage_name.as_deref())),
            file: Some(&failed.place.file),
            images: Some(&Vec::new),
            last_used: failed.when,
            failed: true,
            in_use: leased,
            shared: &|| self.is_shared(&failed.snapshot),
        });
        unless_leased(meant, leased)
    }

    /// An image with a name stays; one without goes with the record that made it, and if that is
    /// gone, is not meant, or it was pulled, for itself.
    fn image(&self, image: &ImageRoot) -> Fate {
        if image.is_named() {
            return Fate::Stays(KeepReason::Image);
        }
        let leased = image.chain.iter().any(|snapshot| self.is_leased(snapshot));
        match unless_leased(self.means_image(image, leased), leased) {
            Fate::Goes if self.is_of_newest_build(image) => Fate::Stays(KeepReason::NewestBuild),
            fate => fate,
        }
    }

    /// An image is what the record that made it is, and an image: filters that mean that record mean
    /// the image as well, unless they spare images.
    fn means_image(&self, image: &ImageRoot, leased: bool) -> bool {
        let maker = image.record.and_then(|at| {
            let nature = self.graph.natures.get(at)?;
            Some((at, &self.graph.records.rows()[at], nature))
        });
        let kind = maker.map(|(_, _, nature)| nature.kind.to_lowercase());
        let kinds = ["image", "step", kind.as_deref().unwrap_or_default(), "meta"];
        let of_maker = maker.map_or(0, |(at, record, _)| self.kinds(at, record));
        let records = || maker.iter().map(|(_, record, _)| *record);
        self.means(&Subject {
            ids: &|| {
                let of_maker = records().flat_map(ids);
                of_maker.chain([image.id.hex()]).collect()
            },
            kinds: &kinds[..=of_maker],
            stage: maker.map(|(.., nature)| (nature.stage_index, nature.stage_name.as_deref())),
            file: maker.map(|(_, record, _)| self.graph.records.file(record)),
            images: Some(&|| {
                let siblings = maker.iter().flat_map(|(at, ..)| self.images(*at));
                siblings.chain([image]).flat_map(ImageRoot::words).collect()
            }),
            last_used: maker.map_or(image.created, |(_, record, _)| record.last_used()),
            failed: false,
            in_use: leased,
            shared: &|| {
                let mut chain = image.chain.iter();
                chain.any(|snapshot| self.is_shared(snapshot))
            },
        })
    }

    fn is_of_newest_build(&self, image: &ImageRoot) -> bool {
        let newest = |at: usize| self.graph.newest.get(at).copied().unwrap_or(false);
        image.record.is_some_and(newest)
    }

    fn is_leased(&self, snapshot: &SnapshotId) -> bool {
        (self.view.leased)(snapshot)
    }

    fn is_shared(&self, snapshot: &SnapshotId) -> bool {
        let layer = self.usage.layer(snapshot);
        layer.is_some_and(|layer| self.usage.is_shared(layer))
    }

    /// The images that are made of a record.
    fn images(&self, at: usize) -> impl Iterator<Item = &ImageRoot> {
        let images = self.images.get(at).into_iter().flatten();
        images.map(|index| &self.graph.images[*index])
    }

    fn means(&self, subject: &Subject<'_>) -> bool {
        let filters = &self.policy.filters;
        filters
            .iter()
            .all(|filter| filter.matches(subject, self.view.now))
    }
}

/// Its key and its snapshot, if it has one.
fn ids(record: &ListedRecord) -> impl Iterator<Item = String> {
    let snapshot = record.snapshot().map(|snapshot| snapshot.hex());
    std::iter::once(record.key().hex()).chain(snapshot)
}

fn unless_leased(meant: bool, leased: bool) -> Fate {
    match (meant, leased) {
        (false, _) => Fate::NotMeant,
        (true, true) => Fate::Stays(KeepReason::Leased),
        (true, false) => Fate::Goes,
    }
}

impl ImageRoot {
    fn is_named(&self) -> bool {
        !self.names.is_empty()
    }

    /// What filters may call it: its id in full and as listings print it, its names in full and as
    /// people write them (`docker.io/library/app:latest`, `app:latest`, `app`).
    fn words(&self) -> Vec<String> {
        let names = self.names.iter().flat_map(|name| familiar(name));
        [self.id.hex(), self.id.short()]
            .into_iter()
            .chain(names)
            .collect()
    }
}

/// A normalised name, and what may be left out of it.
fn familiar(name: &str) -> Vec<String> {
    let hub = name.strip_prefix("docker.io/");
    let short = hub.and_then(|path| path.strip_prefix("library/"));
    let mut forms: Vec<String> = [Some(name), hub, short]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect();
    let untagged: Vec<String> = forms
        .iter()
        .filter_map(|form| form.strip_suffix(":latest"))
        .map(str::to_owned)
        .collect();
    forms.extend(untagged);
    forms
}
