//! What takes space in the store: steps, layers of images, what failed steps and crashes left.

use std::collections::HashMap;
use std::sync::Arc;

use iechor_cachedb::gc::{GcItem, GcTarget, Prunable};
use iechor_cachedb::{ListedRecord, Listing, Place, UnixMillis};
use iechor_snapshotter::{Digest, DigestMap, DigestSet, SnapshotId};

use super::ledger::{Ledger, Share};
use super::{StepPlace, UsageError, UsageId, UsageKind, UsageRecord};
use crate::state::Engine;

/// Every layer of the store, each under what keeps it; the steps first, in the order of the listing.
pub(super) fn of_store(
    engine: &Engine,
    ledger: &Ledger,
    prunable: &Prunable,
    makers: &Makers<'_>,
) -> Result<Vec<UsageRecord>, UsageError> {
    let mut told = makers.made_layers();
    let steps = prunable.records().rows().iter().enumerate();
    let mut records: Vec<_> = steps
        .map(|(at, step)| of_step(step, makers.share(at, ledger)))
        .collect();
    for state in prunable.failed() {
        if told.insert(state.snapshot) {
            let share = ledger.share(&state.snapshot);
            records.push(failed(
                &state.snapshot,
                &state.text,
                &state.place,
                state.when,
                share,
            ));
        }
    }
    let orphans = ledger.orphans().into_iter().filter(|id| told.insert(*id));
    records.extend(orphans.map(|id| orphan(&id, ledger.share(&id))));
    records.extend(unnamed(ledger.unnamed()));
    records.extend(layers(engine, ledger, &told)?);
    Ok(records)
}

/// The record of a cached step.
pub(crate) fn of_step(step: &ListedRecord, share: Share) -> UsageRecord {
    UsageRecord {
        id: UsageId::Digest(*step.key.digest()),
        kind: UsageKind::Step,
        text: Arc::clone(&step.text),
        place: Some(StepPlace {
            file: Arc::clone(&step.file),
            line: step.line,
        }),
        own: share.own,
        shared: share.shared,
        reclaimable: false,
        created: seconds(step.created),
        last_used: seconds(step.last_used),
        hits: step.hits,
    }
}

/// The record of what a prune takes; none of a record that is not in the listing.
pub(crate) fn of_item(item: &GcItem, listing: &Listing) -> Option<UsageRecord> {
    let share = Share {
        own: item.bytes,
        shared: 0,
    };
    match &item.target {
        GcTarget::Record { id, .. } => {
            let at = listing.position(*id)?;
            Some(of_step(&listing.rows()[at], share))
        }
        GcTarget::FailedState {
            text, place, when, ..
        } => Some(failed(&item.snapshot?, text, place, *when, share)),
        GcTarget::Image { id, created, .. } => Some(nameless(id, *created, share)),
    }
}

/// The record of what a failed step left.
fn failed(
    snapshot: &SnapshotId,
    text: &str,
    place: &Place,
    when: UnixMillis,
    share: Share,
) -> UsageRecord {
    UsageRecord {
        place: Some(StepPlace {
            file: place.file.as_str().into(),
            line: place.line,
        }),
        created: seconds(when),
        last_used: seconds(when),
        ..unused(UsageKind::Failed, snapshot, text, share)
    }
}

/// The record of an image that lost its name.
fn nameless(id: &Digest, created: UnixMillis, share: Share) -> UsageRecord {
    UsageRecord {
        id: UsageId::Digest(*id),
        created: seconds(created),
        last_used: seconds(created),
        ..text_only(UsageKind::Image, "image without a name", share)
    }
}

/// The record of a layer that no row names.
pub(crate) fn orphan(snapshot: &SnapshotId, share: Share) -> UsageRecord {
    UsageRecord {
        reclaimable: true,
        ..unused(
            UsageKind::Leftover,
            snapshot,
            "layer without a record",
            share,
        )
    }
}

/// The record of blobs that no layer names, if there are any.
pub(crate) fn unnamed(own: u64) -> Option<UsageRecord> {
    let share = Share { own, shared: 0 };
    (own > 0).then(|| UsageRecord {
        id: UsageId::Text("blobs".into()),
        reclaimable: true,
        ..text_only(UsageKind::Leftover, "contents that no layer names", share)
    })
}

/// Layers that no step here made: those of pulled images.
fn layers(
    engine: &Engine,
    ledger: &Ledger,
    told: &DigestSet<SnapshotId>,
) -> Result<Vec<UsageRecord>, UsageError> {
    let untold: Vec<_> = ledger.snapshots().filter(|id| !told.contains(id)).collect();
    if untold.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = HashMap::new();
    for image in engine.cache().images()? {
        let first = image.names.first().cloned();
        let name = first.unwrap_or_else(|| image.id.short());
        names.extend(image.chain.iter().map(|snapshot| (*snapshot, name.clone())));
    }
    let layer = |id: SnapshotId| {
        let text = names.get(&id).map_or("layer below another", String::as_str);
        unused(UsageKind::Layer, &id, text, ledger.share(&id))
    };
    Ok(untold.into_iter().map(layer).collect())
}

/// A snapshot that no hit is counted for.
fn unused(kind: UsageKind, snapshot: &SnapshotId, text: &str, share: Share) -> UsageRecord {
    UsageRecord {
        id: UsageId::Digest(*snapshot.digest()),
        ..text_only(kind, text, share)
    }
}

fn text_only(kind: UsageKind, text: &str, share: Share) -> UsageRecord {
    UsageRecord {
        own: share.own,
        shared: share.shared,
        ..UsageRecord::new(kind, UsageId::Text("".into()), text)
    }
}

pub(super) fn seconds(time: UnixMillis) -> i64 {
    time.0.div_euclid(1000)
}

/// Which steps made which layers. A step that changed no file made none; FROM made those of its
/// base image.
pub(super) struct Makers<'a> {
    listing: &'a Listing,
    /// How many steps made a layer.
    count: DigestMap<SnapshotId, u32>,
    /// Layers of base images by the position of their FROM, where no step here made them.
    bases: HashMap<usize, Vec<SnapshotId>>,
}

impl<'a> Makers<'a> {
    pub(super) fn of(listing: &'a Listing, ledger: &Ledger) -> Self {
        let mut makers = Self {
            listing,
            count: DigestMap::default(),
            bases: HashMap::new(),
        };
        makers.count.reserve(listing.rows().len());
        for (at, step) in listing.rows().iter().enumerate() {
            if listing.makes_layer(at) {
                makers.add(step.snapshot);
            }
        }
        makers.add_bases(ledger);
        makers
    }

    /// A base image may be a stage, whose steps made its layers.
    fn add_bases(&mut self, ledger: &Ledger) {
        let by_steps: DigestSet<_> = self.made_layers();
        let rows = self.listing.rows().iter().enumerate();
        for (at, from) in rows.filter(|(_, step)| step.parent.is_none()) {
            let chain = std::iter::successors(from.snapshot, |id| ledger.parent(id));
            let made: Vec<_> = chain.filter(|id| !by_steps.contains(id)).collect();
            self.add(made.iter().copied());
            self.bases.insert(at, made);
        }
    }

    fn add(&mut self, made: impl IntoIterator<Item = SnapshotId>) {
        for snapshot in made {
            *self.count.entry(snapshot).or_default() += 1;
        }
    }

    /// The steps.
    pub(super) fn listing(&self) -> &'a Listing {
        self.listing
    }

    /// All layers that some step made.
    pub(super) fn made_layers(&self) -> DigestSet<SnapshotId> {
        self.count.keys().copied().collect()
    }

    /// The layers that the step at a position of the listing made.
    pub(super) fn made(&self, at: usize) -> &[SnapshotId] {
        match self.bases.get(&at) {
            Some(base) => base,
            None if self.listing.makes_layer(at) => self.listing.rows()[at].snapshot.as_slice(),
            None => &[],
        }
    }

    /// Bytes of the layers that a step made.
    pub(super) fn share(&self, at: usize, ledger: &Ledger) -> Share {
        let mut sum = Share::default();
        for snapshot in self.made(at) {
            let Share { own, shared } = ledger.share(snapshot);
            match self.count.get(snapshot) {
                Some(1) => (sum.own, sum.shared) = (sum.own + own, sum.shared + shared),
                _ => sum.shared += own + shared,
            }
        }
        sum
    }
}
