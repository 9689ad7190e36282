//! What takes space, and what of it could be given back: `iechor builder du`, `iechor builder ls`.
//!
//! Bytes are those of allocated blocks: what the disk gets back when a file goes.
//!
//! Who has a byte alone is decided by layers: the blobs that one layer names and no other are its
//! own, with its index; the rest it shares. A layer belongs to the step that made it; of two steps
//! that made the same one (`--no-cache`), neither has it alone. So `private` is the sum of what the
//! records own, and `total` counts what is shared once.

pub(crate) mod census;
pub(crate) mod files;
pub(crate) mod ledger;
mod naming;
mod places;
pub(crate) mod records;
mod tree;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use iechor_cachedb::gc::{self, Prunable};
use iechor_cachedb::{CacheError, Listing, UnixMillis, lease::LockError};
use iechor_image::content::ContentError;
use iechor_snapshotter::{SnapshotId, StoreError};

use self::census::{Census, Trust};
use self::files::Stored;
use self::ledger::{Ledger, Share};
pub use self::naming::{StepPlace, UsageId};
use self::records::Makers;
pub use self::tree::{StepRow, Steps, TreeRow, UsageTree, steps, usage_tree};
use crate::path_error::PathError;
use crate::prune::{self, Plan, PruneError, PruneRequest};
use crate::state::Engine;

/// What kind of thing takes the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageKind {
    /// The cached result of an instruction.
    Step,
    /// A layer of an imported image.
    Layer,
    /// An image that lost its name.
    Image,
    /// The contents of a `RUN --mount=type=cache`.
    CacheMount,
    /// What a failed step left.
    Failed,
    /// A manifest, configuration or compressed layer, as pulled or exported.
    Content,
    /// Logs of a build.
    Logs,
    /// What a crash left in the store.
    Leftover,
}

impl UsageKind {
    /// As a filter and the command line write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Layer => "layer",
            Self::Image => "image",
            Self::CacheMount => "cache-mount",
            Self::Failed => "failed",
            Self::Content => "content",
            Self::Logs => "logs",
            Self::Leftover => "leftover",
        }
    }
}

/// Something that takes space.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UsageRecord<'a> {
    /// What prune's `id=` takes: cache key, snapshot id, digest, or number of a build.
    pub id: UsageId,
    /// What kind of thing it is.
    pub kind: UsageKind,
    /// The instruction, the mount's id, the image's name.
    pub text: Cow<'a, str>,
    /// `iEchorfile:12`.
    pub place: Option<StepPlace<'a>>,
    /// Bytes that only this has.
    pub own: u64,
    /// Bytes that others have as well.
    pub shared: u64,
    /// Whether `prune -a` gives its bytes back: no image, lease or mount needs them.
    pub reclaimable: bool,
    /// When it was made, seconds since the epoch; 0 when that is not known.
    pub created: i64,
    /// When it was last used, seconds since the epoch; 0 when that is not known.
    pub last_used: i64,
    /// How often it was a hit.
    pub hits: u64,
}

/// All records, and sums that add up: `total` counts what is shared once.
///
/// Records are made when they are asked for: there may be 100,000.
#[derive(Debug)]
pub struct Usage {
    listing: Listing,
    /// Of each step, in the order of the listing.
    shares: Vec<Share>,
    reclaimable_steps: Vec<bool>,
    /// What is no step.
    others: Vec<UsageRecord<'static>>,
    /// Positions of all, steps first, the largest record first.
    order: Vec<usize>,
    /// Bytes that belong to one record only.
    pub private: u64,
    /// Bytes that belong to several.
    pub shared: u64,
    /// Both together.
    pub total: u64,
    /// What `prune -a` would free now.
    pub reclaimable: u64,
}

/// Why the usage could not be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// What could be given back could not be planned.
    #[error(transparent)]
    Prune(#[from] Box<PruneError>),
    /// The content store could not be used.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The store of snapshots could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A lease could not be looked at.
    #[error(transparent)]
    Lease(#[from] LockError),
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] PathError),
}

impl<'a> UsageRecord<'a> {
    /// A record that takes nothing and was never used.
    pub(crate) fn new(kind: UsageKind, id: UsageId, text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            id,
            kind,
            text: text.into(),
            place: None,
            own: 0,
            shared: 0,
            reclaimable: false,
            created: 0,
            last_used: 0,
            hits: 0,
        }
    }

    /// The same, borrowing nothing.
    pub(crate) fn into_owned(self) -> UsageRecord<'static> {
        UsageRecord {
            text: Cow::Owned(self.text.into_owned()),
            place: self.place.map(StepPlace::into_owned),
            ..self
        }
    }
}

/// What takes space.
///
/// # Errors
///
/// [`UsageError`]; a damaged layer index is named.
pub fn usage(engine: &Engine) -> Result<Usage, UsageError> {
    let (usage, order) = gather(engine, |found| found.largest_first(0..found.count()))?;
    Ok(Usage { order, ..usage })
}

impl Usage {
    /// How many records there are.
    pub fn count(&self) -> usize {
        self.shares.len() + self.others.len()
    }

    /// How many of them take space at all. They are the first ones.
    pub fn count_with_bytes(&self) -> usize {
        let (shares, others) = (&self.shares, &self.others);
        self.order
            .partition_point(|at| size(shares, others, *at) > 0)
    }

    /// One of them, counted from the largest.
    pub fn record(&self, number: usize) -> UsageRecord<'_> {
        self.record_at(self.order[number])
    }

    /// All of them, largest first.
    pub fn records(&self) -> impl Iterator<Item = UsageRecord<'_>> {
        self.order.iter().map(|at| self.record_at(*at))
    }

    /// The steps come first, in the order of the listing.
    fn record_at(&self, at: usize) -> UsageRecord<'_> {
        let Some(share) = self.shares.get(at) else {
            return self.others[at - self.shares.len()].clone();
        };
        let step = &self.listing.rows()[at];
        UsageRecord {
            reclaimable: self.reclaimable_steps[at],
            ..records::of_step(&self.listing, step, *share)
        }
    }
}

/// What takes space, with an order of it.
fn gather<T: Send>(
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
struct Found<'a> {
    listing: &'a Listing,
    shares: &'a [Share],
    others: &'a [UsageRecord<'static>],
}

impl Found<'_> {
    fn count(&self) -> usize {
        self.shares.len() + self.others.len()
    }

    /// Of equals the older step first.
    fn largest_first(&self, positions: Range<usize>) -> Vec<usize> {
        let mut order: Vec<usize> = positions.collect();
        order.sort_by_cached_key(|at| Reverse(size(self.shares, self.others, *at)));
        order
    }
}

/// Bytes of a record, shared or not; the steps come first.
fn size(steps: &[Share], others: &[UsageRecord<'_>], at: usize) -> u64 {
    match steps.get(at) {
        Some(share) => share.own + share.shared,
        None => {
            let other = &others[at - steps.len()];
            other.own + other.shared
        }
    }
}

/// Who names what is in the store, and what lies beside it.
#[derive(Debug)]
pub(crate) struct Inventory {
    pub(crate) prunable: Prunable,
    pub(crate) files: Vec<Stored>,
}

impl Inventory {
    /// Takes it, with the ledger of the store.
    pub(crate) fn take(
        engine: &Engine,
        request: &PruneRequest,
    ) -> Result<(Ledger, Self), UsageError> {
        let ask = |engine: &Engine| {
            let prunable = engine.cache().prunable(&request.policy())?;
            let files = files::found(engine)?;
            Ok(Self { prunable, files })
        };
        let open = |census| Ledger::open(engine, census);
        let (ledger, inventory) = with_census(engine, open, ask)?;
        let mut ledger = ledger?;
        ledger.root_records(inventory.prunable.records());
        ledger.root(inventory.prunable.beside_records());
        ledger.set_beside(inventory.files.iter().map(|file| file.record.own).sum());
        Ok((ledger, inventory))
    }
}

/// What is made of the census of the store, and what `ask` gives; the two are read side by side.
fn with_census<M: Send, T>(
    engine: &Engine,
    make: impl FnOnce(Census) -> M + Send,
    ask: impl FnOnce(&Engine) -> Result<T, UsageError>,
) -> Result<(M, T), UsageError> {
    thread::scope(|scope| {
        let census = scope.spawn(|| Census::take(engine, Trust::Times).map(make));
        let asked = ask(engine);
        let made = census.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok((made?, asked?))
    })
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
