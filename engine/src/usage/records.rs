//! What takes space in the store: steps, layers of images, what failed steps and crashes left.

use std::borrow::Cow;

use iechor_cachedb::gc::{GcItem, GcTarget, Prunable};
use iechor_cachedb::{ListedRecord, Listing, Place, UnixMillis};
use iechor_snapshotter::{Digest, DigestMap, SnapshotId};

use super::census::Census;
use super::ledger::{Ledger, Share};
use super::places::Places;
use super::{StepPlace, UsageError, UsageId, UsageKind, UsageRecord};
use crate::state::Engine;

/// Every layer of the store that no step made, each under what keeps it.
pub(super) fn beside_steps(
    engine: &Engine,
    ledger: &Ledger,
    prunable: &Prunable,
    makers: &Makers,
) -> Result<Vec<UsageRecord<'static>>, UsageError> {
    let mut told = makers.made_layers();
    let mut tell = |id: &SnapshotId| {
        let place = ledger.census().position(id);
        !place.is_some_and(|at| std::mem::replace(&mut told[at], true))
    };
    let mut records = Vec::new();
    for state in prunable.failed() {
        let id = &state.snapshot;
        if tell(id) {
            let share = ledger.share(id);
            let record = failed(id, &state.text, &state.place, state.when, share);
            records.push(record.into_owned());
        }
    }
    let orphans = ledger.orphans().into_iter().filter(&mut tell);
    records.extend(orphans.map(|id| orphan(&id, ledger.share(&id))));
    records.extend(unnamed(ledger.unnamed()));
    records.extend(layers(engine, ledger, &told)?);
    Ok(records)
}

/// The record of a cached step.
pub(crate) fn of_step<'a>(
    listing: &'a Listing,
    step: &ListedRecord,
    share: Share,
) -> UsageRecord<'a> {
    UsageRecord {
        id: UsageId::Digest(*step.key().digest()),
        kind: UsageKind::Step,
        text: Cow::Borrowed(listing.text(step)),
        place: Some(place_of(listing, step)),
        own: share.own,
        shared: share.shared,
        reclaimable: false,
        created: seconds(step.created()),
        last_used: seconds(step.last_used()),
        hits: step.hits(),
    }
}

/// Where a step stands.
pub(super) fn place_of<'a>(listing: &'a Listing, step: &ListedRecord) -> StepPlace<'a> {
    StepPlace {
        file: Cow::Borrowed(listing.file(step)),
        line: step.line(),
    }
}

/// The record of what a prune takes, that was planned on the listing.
pub(crate) fn of_item<'a>(item: &'a GcItem, listing: &'a Listing) -> UsageRecord<'a> {
    let share = Share {
        own: item.bytes,
        shared: 0,
    };
    match &item.target {
        GcTarget::Record { at, .. } => of_step(listing, &listing.rows()[*at as usize], share),
        GcTarget::FailedState(state) => failed(
            &state.snapshot,
            &state.text,
            &state.place,
            state.when,
            share,
        ),
        GcTarget::Image(image) => nameless(&image.id, image.created, share),
    }
}

/// The record of what a failed step left.
fn failed<'a>(
    snapshot: &SnapshotId,
    text: &'a str,
    place: &'a Place,
    when: UnixMillis,
    share: Share,
) -> UsageRecord<'a> {
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
fn nameless(id: &Digest, created: UnixMillis, share: Share) -> UsageRecord<'static> {
    UsageRecord {
        id: UsageId::Digest(*id),
        created: seconds(created),
        last_used: seconds(created),
        ..text_only(UsageKind::Image, "image without a name", share)
    }
}

/// The record of a layer that no row names.
pub(crate) fn orphan(snapshot: &SnapshotId, share: Share) -> UsageRecord<'static> {
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
pub(crate) fn unnamed(own: u64) -> Option<UsageRecord<'static>> {
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
    told: &[bool],
) -> Result<Vec<UsageRecord<'static>>, UsageError> {
    let untold = (0..told.len()).filter(|at| !told[*at] && ledger.has_at(*at));
    let untold: Vec<SnapshotId> = untold.map(|at| ledger.census().snapshot(at)).collect();
    if untold.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = DigestMap::default();
    for image in engine.cache().images()? {
        let first = image.names.first().cloned();
        let name = first.unwrap_or_else(|| image.id.short());
        names.extend(image.chain.iter().map(|snapshot| (*snapshot, name.clone())));
    }
    let layer = |id: SnapshotId| {
        let id = &id;
        let text = names.get(id).map_or("layer below another", String::as_str);
        unused(UsageKind::Layer, id, text, ledger.share(id)).into_owned()
    };
    Ok(untold.into_iter().map(layer).collect())
}

/// A snapshot that no hit is counted for.
fn unused<'a>(
    kind: UsageKind,
    snapshot: &SnapshotId,
    text: &'a str,
    share: Share,
) -> UsageRecord<'a> {
    UsageRecord {
        id: UsageId::Digest(*snapshot.digest()),
        ..text_only(kind, text, share)
    }
}

fn text_only(kind: UsageKind, text: &str, share: Share) -> UsageRecord<'_> {
    UsageRecord {
        own: share.own,
        shared: share.shared,
        ..UsageRecord::new(kind, UsageId::Text("".into()), text)
    }
}

pub(super) fn seconds(time: UnixMillis) -> i64 {
    time.0.div_euclid(1000)
}

/// Which steps made which layers of the census, by position. A step that changed no file made none;
/// FROM made those of its base image.
#[derive(Debug)]
pub(super) struct Makers {
    /// How many steps made each layer.
    counts: Vec<u32>,
    /// Positions of the layers that steps made, those of a step together.
    made: Vec<u32>,
    /// Where those of each step end in `made`.
    ends: Vec<u32>,
}

impl Makers {
    pub(super) fn of(listing: &Listing, places: &Places, census: &Census) -> Self {
        let steps = listing.rows().len();
        let own = |at: usize| places.of_record(at).filter(|_| listing.makes_layer(at));
        let mut makers = Self {
            counts: vec![0; census.len()],
            made: Vec::with_capacity(steps),
            ends: Vec::with_capacity(steps),
        };
        for layer in (0..steps).filter_map(own) {
            makers.counts[layer] += 1;
        }
        // Only layers that no step made: a base image may be a stage.
        let by_steps = makers.made_layers();
        for (at, row) in listing.rows().iter().enumerate() {
            match row.parent() {
                Some(_) => makers.made.extend(own(at).map(position)),
                None => makers.add_base(places.of_record(at), census, &by_steps),
            }
            makers.ends.push(position(makers.made.len()));
        }
        makers
    }

    fn add_base(&mut self, top: Option<usize>, census: &Census, by_steps: &[bool]) {
        let chain = std::iter::successors(top, |at| census.parent_at(*at));
        for at in chain.filter(|at| !by_steps[*at]) {
            self.counts[at] += 1;
            self.made.push(position(at));
        }
    }

    /// Of each layer, whether some step made it.
    pub(super) fn made_layers(&self) -> Vec<bool> {
        self.counts.iter().map(|count| *count > 0).collect()
    }

    /// The layers that the step at a position of the listing made.
    pub(super) fn made(&self, step: usize) -> impl Iterator<Item = usize> {
        let before = step.checked_sub(1).and_then(|before| self.ends.get(before));
        let range = before.copied().unwrap_or(0) as usize..self.ends[step] as usize;
        self.made[range].iter().map(|at| *at as usize)
    }

    /// Bytes of the layers that a step made.
    pub(super) fn share(&self, step: usize, census: &Census) -> Share {
        let mut sum = Share::default();
        for at in self.made(step) {
            let Share { own, shared } = census.share_at(at);
            match self.counts[at] {
                1 => (sum.own, sum.shared) = (sum.own + own, sum.shared + shared),
                _ => sum.shared += own + shared,
            }
        }
        sum
    }
}

/// Layers are numbered so in the census.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
