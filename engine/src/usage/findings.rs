//! What takes space, found on the books of the store as they are, while their end is planned.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use iechor_cachedb::gc;
use iechor_cachedb::{Listing, UnixMillis};
use iechor_snapshotter::SnapshotId;

use super::files;
use super::inventory::Inventory;
use super::ledger::{Ledger, Share};
use super::records::{self, Makers};
use super::{Usage, UsageError, UsageId, UsageKind, UsageRecord};
use crate::prune::{self, Plan, PruneRequest};
use crate::state::Engine;

/// What takes space, with an order of it.
pub(super) fn gather<T: Send>(
    engine: &Engine,
    order: impl FnOnce(Found<'_>) -> T + Send,
) -> Result<(Usage, T), UsageError> {
    // Age does not matter without a filter.
    let (everything, now) = (PruneRequest::everything(), UnixMillis(0));
    let (ledger, inventory) = Inventory::take(engine, &everything)?;
    let (findings, plan) = thread::scope(|scope| {
        let findings = scope.spawn(|| Findings::make(engine, &ledger, &inventory, order));
        let plan = prune::plan_on(engine, &everything, now, ledger.clone(), &inventory);
        let findings = findings.join();
        (findings.unwrap_or_else(|panic| resume_unwind(panic)), plan)
    });
    let (findings, plan) = (findings?, plan.map_err(Box::new)?);
    Ok(findings.into_usage(&ledger, inventory, &plan))
}

/// What is found on the ledger as it is, while its end is planned.
struct Findings<T> {
    makers: Makers,
    shares: Vec<Share>,
    others: Vec<UsageRecord<'static>>,
    order: T,
}

impl<T> Findings<T> {
    fn make(
        engine: &Engine,
        ledger: &Ledger,
        inventory: &Inventory,
        order: impl FnOnce(Found<'_>) -> T,
    ) -> Result<Self, UsageError> {
        let (listing, census) = (inventory.prunable.records(), ledger.census());
        let makers = Makers::of(listing, ledger.places(), census);
        let mut others = records::beside_steps(engine, ledger, &inventory.prunable, &makers)?;
        let files = files::judged(engine, &inventory.files, ledger)?;
        others.extend(files.into_iter().map(|file| file.record));
        let steps = 0..listing.rows().len();
        let shares: Vec<_> = steps.map(|at| makers.share(at, census)).collect();
        let order = order(Found {
            listing,
            shares: &shares,
            others: &others,
        });
        Ok(Self {
            makers,
            shares,
            others,
            order,
        })
    }

    fn into_usage(mut self, ledger: &Ledger, inventory: Inventory, plan: &Plan) -> (Usage, T) {
        let listing = inventory.prunable.into_records();
        mark_reclaimable(&mut self.others, &listing, plan);
        let own = |record: &UsageRecord<'_>| record.own;
        let private = self.shares.iter().map(|share| share.own).sum::<u64>()
            + self.others.iter().map(own).sum::<u64>();
        let total = gc::Usage::total(ledger);
        let usage = Usage {
            reclaimable_steps: reclaimable_steps(&listing, &self.makers, plan),
            listing,
            shares: self.shares,
            others: self.others,
            order: Vec::new(),
            private,
            shared: total.saturating_sub(private),
            total,
            reclaimable: plan.bytes(),
        };
        (usage, self.order)
    }
}

/// What takes space: the steps, then the rest.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) listing: &'a Listing,
    shares: &'a [Share],
    others: &'a [UsageRecord<'static>],
}

impl Found<'_> {
    pub(super) fn count(&self) -> usize {
        self.shares.len() + self.others.len()
    }

    /// Of equals the older step first.
    pub(super) fn largest_first(&self, positions: Range<usize>) -> Vec<usize> {
        let mut order: Vec<usize> = positions.collect();
        order.sort_by_cached_key(|at| Reverse(size(self.shares, self.others, *at)));
        order
    }
}

/// Bytes of a record, shared or not; the steps come first.
pub(super) fn size(steps: &[Share], others: &[UsageRecord<'_>], at: usize) -> u64 {
    match steps.get(at) {
        Some(share) => share.own + share.shared,
        None => {
            let other = &others[at - steps.len()];
            other.own + other.shared
        }
    }
}

/// What `prune -a` would take is reclaimable when its bytes go with it: a step whose layer an image
/// keeps is not.
fn reclaimable_steps(listing: &Listing, makers: &Makers, plan: &Plan) -> Vec<bool> {
    let mut steps = vec![false; listing.rows().len()];
    for at in plan.steps() {
        steps[at] = makers.made(at).all(|layer| !plan.left().has_at(layer));
    }
    steps
}

fn mark_reclaimable(others: &mut [UsageRecord<'_>], listing: &Listing, plan: &Plan) {
    let going = plan.others(listing).map(|gone| (gone.kind, gone.id));
    let going: HashSet<_> = going.collect();
    for record in others {
        record.reclaimable |= match (record.kind, &record.id) {
            (UsageKind::Layer, UsageId::Digest(layer)) => {
                !plan.left().has(&SnapshotId::new(*layer))
            }
            (kind, id) => going.contains(&(kind, id.clone())),
        };
    }
}
