//! What takes space in the store: steps, layers of images, what failed steps and crashes left.

use std::collections::{HashMap, HashSet};

use iechor_cachedb::{BuildStep, Image, Place, Record, RecordFilter, RecordId, UnixMillis};
use iechor_snapshotter::SnapshotId;

use super::ledger::{Ledger, Share};
use super::{UsageError, UsageKind, UsageRecord};
use crate::state::Engine;

/// Every layer of the store, each under what keeps it.
pub(super) fn of_store(engine: &Engine, ledger: &Ledger) -> Result<Vec<UsageRecord>, UsageError> {
    let steps = engine.cache().records(&RecordFilter::default())?;
    let makers = Makers::of(&steps, ledger);
    let mut told: HashSet<_> = makers.count.keys().copied().collect();
    let mut records: Vec<_> = steps
        .iter()
        .map(|step| of_step(step, makers.share(step, ledger)))
        .collect();
    for BuildStep { step, .. } in engine.cache().failed_steps()? {
        let Some(snapshot) = step.snapshot.filter(|snapshot| told.insert(*snapshot)) else {
            continue;
        };
        let record = failed(&snapshot, &step.text, ledger.share(&snapshot));
        records.push(UsageRecord {
            place: Some(place(&step.place)),
            ..record
        });
    }
    let orphans = ledger.orphans().into_iter().filter(|id| told.insert(*id));
    records.extend(orphans.map(|id| orphan(&id, ledger.share(&id))));
    records.extend(unnamed(ledger.unnamed()));
    records.extend(layers(engine, ledger, &told)?);
    Ok(records)
}

/// The record of a cached step.
pub(crate) fn of_step(step: &Record, share: Share) -> UsageRecord {
    UsageRecord {
        id: step.key.to_string(),
        kind: UsageKind::Step,
        text: step.text.clone(),
        place: Some(place(&step.place)),
        own: share.own,
        shared: share.shared,
        reclaimable: false,
        created: seconds(step.created),
        last_used: seconds(step.last_used),
        hits: step.hits,
    }
}

/// The record of what a failed step left.
pub(crate) fn failed(snapshot: &SnapshotId, text: &str, share: Share) -> UsageRecord {
    unused(UsageKind::Failed, snapshot, text, share)
}

/// The record of an image that lost its name.
pub(crate) fn nameless(image: &Image, share: Share) -> UsageRecord {
    let created = seconds(image.created);
    let record = unused(UsageKind::Image, image.id, "image without a name", share);
    UsageRecord {
        created,
        last_used: created,
        ..record
    }
}

/// The record of a layer that no row names.
pub(crate) fn orphan(snapshot: &SnapshotId, share: Share) -> UsageRecord {
    let record = unused(
        UsageKind::Leftover,
        snapshot,
        "layer without a record",
        share,
    );
    UsageRecord {
        reclaimable: true,
        ..record
    }
}

/// The record of blobs that no layer names, if there are any.
pub(crate) fn unnamed(own: u64) -> Option<UsageRecord> {
    let share = Share { own, shared: 0 };
    let record = unused(
        UsageKind::Leftover,
        "blobs",
        "contents that no layer names",
        share,
    );
    (own > 0).then_some(UsageRecord {
        reclaimable: true,
        ..record
    })
}

/// Layers that no step here made: those of pulled images.
fn layers(
    engine: &Engine,
    ledger: &Ledger,
    told: &HashSet<SnapshotId>,
) -> Result<Vec<UsageRecord>, UsageError> {
    let mut names = HashMap::new();
    for image in engine.cache().images()? {
        let name = image
            .names
            .first()
            .cloned()
            .unwrap_or_else(|| image.id.short());
        names.extend(image.chain.iter().map(|snapshot| (*snapshot, name.clone())));
    }
    let layer = |id: SnapshotId| {
        let text = names.get(&id).map_or("layer below another", String::as_str);
        unused(UsageKind::Layer, id, text, ledger.share(&id))
    };
    Ok(ledger
        .snapshots()
        .filter(|id| !told.contains(id))
        .map(layer)
        .collect())
}

/// A record of something that no hit is counted for.
fn unused(kind: UsageKind, id: impl ToString, text: &str, share: Share) -> UsageRecord {
    UsageRecord {
        id: id.to_string(),
        kind,
        text: text.to_owned(),
        place: None,
        own: share.own,
        shared: share.shared,
        reclaimable: false,
        created: 0,
        last_used: 0,
        hits: 0,
    }
}

pub(super) fn place(place: &Place) -> String {
    format!("{}:{}", place.file, place.line)
}

pub(super) fn seconds(time: UnixMillis) -> i64 {
    time.0.div_euclid(1000)
}

/// Which steps made which layers. A step that changed no file made none; FROM made those of its
/// base image.
pub(super) struct Makers {
    made: HashMap<RecordId, Vec<SnapshotId>>,
    /// How many steps made a layer.
    count: HashMap<SnapshotId, usize>,
}

impl Makers {
    pub(super) fn of(steps: &[Record], ledger: &Ledger) -> Self {
        let mut makers = Self {
            made: HashMap::new(),
            count: HashMap::new(),
        };
        let after: HashMap<_, _> = steps.iter().map(|step| (step.id, step.snapshot)).collect();
        for step in steps {
            let below = step
                .parent
                .and_then(|parent| after.get(&parent))
                .copied()
                .flatten();
            let made = step
                .snapshot
                .filter(|_| step.parent.is_some() && step.snapshot != below);
            makers.add(step, made);
        }
        // A base image may be a stage, whose steps made its layers.
        let by_steps: HashSet<_> = makers.count.keys().copied().collect();
        for from in steps.iter().filter(|step| step.parent.is_none()) {
            let chain = std::iter::successors(from.snapshot, |id| ledger.parent(id));
            makers.add(from, chain.filter(|id| !by_steps.contains(id)));
        }
        makers
    }

    fn add(&mut self, step: &Record, made: impl IntoIterator<Item = SnapshotId>) {
        let made: Vec<_> = made.into_iter().collect();
        for snapshot in &made {
            *self.count.entry(*snapshot).or_default() += 1;
        }
        self.made.insert(step.id, made);
    }

    /// Bytes of the layers that a step made.
    pub(super) fn share(&self, step: &Record, ledger: &Ledger) -> Share {
        let mut sum = Share::default();
        for snapshot in self.made.get(&step.id).into_iter().flatten() {
            let Share { own, shared } = ledger.share(snapshot);
            match self.count.get(snapshot) {
                Some(1) => (sum.own, sum.shared) = (sum.own + own, sum.shared + shared),
                _ => sum.shared += own + shared,
            }
        }
        sum
    }
}
