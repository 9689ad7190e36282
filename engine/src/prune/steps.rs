//! Cached steps, failed states and images without a name: what the cache's policy lets go, and
//! what the disk gets back for each.

use std::collections::{HashMap, HashSet};

use iechor_cachedb::gc::{GcItem, GcPlan, GcTarget, GcView};
use iechor_cachedb::{Image, RecordFilter, RecordId, UnixMillis};
use iechor_snapshotter::SnapshotId;

use super::{PruneError, PruneItem, PruneRequest, Target};
use crate::state::Engine;
use crate::usage::ledger::{Ledger, Share};
use crate::usage::records;

/// What goes, in the order of its removal; played through on the ledger.
pub(super) fn plan(
    engine: &Engine,
    request: &PruneRequest,
    now: UnixMillis,
    ledger: &mut Ledger,
) -> Result<Vec<(PruneItem, Target)>, PruneError> {
    let leased = ledger.leased().clone();
    let view = GcView {
        now,
        leased: &|snapshot| leased.contains(snapshot),
    };
    let plan = engine
        .cache()
        .plan_gc(&request.policy(), view, &mut ledger.clone())?;
    let images = engine.cache().images()?;
    let images: Vec<_> = images
        .iter()
        .filter(|image| goes(image, &plan, request, &leased))
        .collect();
    let mut rows = Rows::count(engine, ledger)?;
    let images = images.into_iter().map(|image| nameless(image, &mut rows));
    let mut planned: Vec<_> = images.collect();
    planned.extend(plan.items.into_iter().map(|item| step(item, &mut rows)));
    Ok(planned)
}

/// An image that lost its name goes with the step that made it; one that was pulled, at once.
fn goes(
    image: &Image,
    plan: &GcPlan,
    request: &PruneRequest,
    leased: &HashSet<SnapshotId>,
) -> bool {
    let is_leased = image.chain.iter().any(|snapshot| leased.contains(snapshot));
    let goes = |record: RecordId| plan.items.iter().any(|item| item.record() == Some(record));
    image.names.is_empty() && !is_leased && image.record.map_or(request.filters.is_empty(), goes)
}

fn nameless(image: &Image, rows: &mut Rows<'_>) -> (PruneItem, Target) {
    let own = image
        .chain
        .iter()
        .rev()
        .map(|snapshot| rows.remove(snapshot))
        .sum();
    let record = records::nameless(image, Share { own, shared: 0 });
    (
        PruneItem::new(record, "it has no name"),
        Target::Image(image.id),
    )
}

fn step(planned: GcItem, rows: &mut Rows<'_>) -> (PruneItem, Target) {
    let own = planned
        .snapshot()
        .map_or(0, |snapshot| rows.remove(&snapshot));
    let share = Share { own, shared: 0 };
    let record = match &planned.target {
        GcTarget::Record(step) => records::of_step(step, share),
        GcTarget::FailedState { snapshot, text, .. } => records::failed(snapshot, text, share),
    };
    let item = PruneItem::new(record, &planned.reason.to_string());
    (item, Target::Step(Box::new(planned)))
}

/// How many rows name each snapshot.
struct Rows<'a> {
    naming: HashMap<SnapshotId, usize>,
    ledger: &'a mut Ledger,
}

impl<'a> Rows<'a> {
    fn count(engine: &Engine, ledger: &'a mut Ledger) -> Result<Self, PruneError> {
        let mut rows = Self {
            naming: HashMap::new(),
            ledger,
        };
        let records = engine.cache().records(&RecordFilter::default())?;
        rows.add(records.iter().filter_map(|record| record.snapshot));
        let failed = engine.cache().failed_steps()?;
        rows.add(failed.iter().filter_map(|failed| failed.step.snapshot));
        rows.add(
            engine
                .cache()
                .images()?
                .into_iter()
                .flat_map(|image| image.chain),
        );
        Ok(rows)
    }

    fn add(&mut self, snapshots: impl Iterator<Item = SnapshotId>) {
        snapshots.for_each(|snapshot| *self.naming.entry(snapshot).or_default() += 1);
    }

    /// One row less names the snapshot; with the last it goes. Gives what the disk gets back.
    fn remove(&mut self, snapshot: &SnapshotId) -> u64 {
        let Some(naming) = self.naming.get_mut(snapshot) else {
            return 0;
        };
        *naming = naming.saturating_sub(1);
        if *naming == 0 {
            self.ledger.release(snapshot)
        } else {
            0
        }
    }
}
