//! `iechor builder prune`: what would go, why, and what the disk gets back; then doing it.
//!
//! Order of removal: the row, then the layer index, then blobs that no index names. A crash in
//! between leaves garbage that the next prune takes, never a row that points at nothing.
//!
//! | what | goes |
//! | --- | --- |
//! | cached steps, failed states | by the policy of the cache (cachedb, `gc`) |
//! | images that lost their name | with the step that made them; pulled ones for themselves |
//! | layers without a row, blobs without a layer | always: an image was removed, or a build crashed |
//! | contents without an image | always; layers compressed for an export, with `-a` |
//! | cache mounts | with `-a`, or when a filter names them |
//! | logs | of all but the last 50 builds; with `-a`, of all but the last one |
//!
//! A filter names them by `id=` or `type=`. All filters must hold, but for what nothing names. An image
//! without a name is of the type of the step that made it and of type `image`: spared by
//! `type!=image`, it keeps its layers when that step goes.
//!
//! What a build or a mount uses stays. A cap and a floor are for everything together, as `builder
//! du` adds it up; steps go before what lies beside the store.

mod failed;
mod files;
mod removal;
mod steps;

pub use iechor_cachedb::gc::{Filter, FilterError};
use iechor_cachedb::gc::{GcItem, GcPolicy, GcScope, GcTarget};
use iechor_cachedb::{CacheError, Listing, UnixMillis, lease::LockError};
use iechor_image::content::ContentError;
use iechor_snapshotter::StoreError;

pub(crate) use self::failed::keep_failed;
pub use self::removal::apply;
pub(crate) use self::removal::sweep;
use crate::path_error::PathError;
use crate::state::Engine;
use crate::usage::files::Stored;
use crate::usage::ledger::{Ledger, Share};
use crate::usage::{Inventory, UsageError, UsageRecord, records};

/// What `builder prune` is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PruneRequest {
    /// How far it goes.
    pub scope: Scope,
    /// `--filter`; all must hold.
    pub filters: Vec<Filter>,
    /// `--max-used-space`, `--keep-storage`: go on only while more than this many bytes are used.
    pub max_used: Option<u64>,
    /// `--reserved-space`: stop when no more than this many bytes are used.
    pub reserved: Option<u64>,
    /// `--min-free-space`: go on only while the disk has fewer bytes free than this.
    pub min_free: Option<u64>,
}

/// How far a prune goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// What no image of the local list needs, nor the newest build of its iEchorfile.
    #[default]
    Unused,
    /// Everything that can be made or fetched again (`-a`); images keep their layers.
    All,
}

/// A record that would go, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PruneItem<'a> {
    /// What it is; `own` is what the disk gets back after the items before it are gone.
    #[serde(flatten)]
    pub record: UsageRecord<'a>,
    /// Why it may go, one clause.
    pub reason: &'static str,
}

/// What would go; nothing has happened yet.
///
/// Items are made when they are asked for: there may be 100,000.
#[derive(Debug)]
pub struct PrunePlan {
    plan: Plan,
    inventory: Inventory,
}

/// What would go of an inventory, in the order of removal.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Layers and blobs that nothing names, and what does not.
    leftovers: Vec<(UsageRecord<'static>, &'static str)>,
    /// Rows of the cache, and the layers that they name: there may be 100,000.
    rows: Vec<GcItem>,
    /// What lies beside the store, and why it may go.
    files: Vec<(Stored, &'static str)>,
    /// The store as it is after that.
    left: Ledger,
    now: UnixMillis,
}

/// What stands behind an item of a plan.
#[derive(Debug, Clone, Copy)]
enum Going<'a> {
    Leftover(&'a UsageRecord<'static>, &'static str),
    Row(&'a GcItem),
    File(&'a Stored, &'static str),
}

/// What went.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct PruneReport {
    /// The records that are gone; fewer than planned when a build took a lease in between.
    pub items: Vec<PruneItem<'static>>,
    /// What the disk got back.
    pub bytes: u64,
}

/// Why nothing could be pruned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// What is there could not be told.
    #[error(transparent)]
    Usage(#[from] Box<UsageError>),
    /// The content store could not be used.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The store of snapshots could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A lease could not be looked at, or the gate not be closed.
    #[error(transparent)]
    Lease(#[from] LockError),
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] PathError),
}

impl From<UsageError> for PruneError {
    fn from(error: UsageError) -> Self {
        Self::Usage(Box::new(error))
    }
}

impl PruneRequest {
    /// All that can go.
    pub fn everything() -> Self {
        Self {
            scope: Scope::All,
            ..Self::default()
        }
    }

    pub(crate) fn policy(&self) -> GcPolicy {
        GcPolicy {
            scope: match self.scope {
                Scope::Unused => GcScope::Dangling,
                Scope::All => GcScope::All,
            },
            filters: self.filters.clone(),
            max_used: self.max_used,
            reserved: self.reserved,
            min_free: self.min_free,
        }
    }
}

/// Plans; `now` is in seconds since the epoch.
///
/// # Errors
///
/// [`PruneError`].
pub fn plan(engine: &Engine, request: &PruneRequest, now: i64) -> Result<PrunePlan, PruneError> {
    let now = UnixMillis(now.saturating_mul(1000));
    let (ledger, inventory) = Inventory::take(engine, request)?;
    let plan = plan_on(engine, request, now, ledger, &inventory)?;
    Ok(PrunePlan { plan, inventory })
}

/// Plans on an inventory that was taken for the same request.
pub(crate) fn plan_on(
    engine: &Engine,
    request: &PruneRequest,
    now: UnixMillis,
    mut left: Ledger,
    inventory: &Inventory,
) -> Result<Plan, PruneError> {
    Ok(Plan {
        leftovers: leftovers(&mut left),
        rows: steps::plan(now, &mut left, &inventory.prunable),
        files: files::plan(engine, request, now, &left, &inventory.files)?,
        left,
        now,
    })
}

/// What images that were removed and crashes left: garbage, whatever the filters say.
fn leftovers(ledger: &mut Ledger) -> Vec<(UsageRecord<'static>, &'static str)> {
    let mut leftovers = Vec::new();
    let unnamed = ledger.unnamed();
    for id in ledger.orphans() {
        let own = ledger.release(&id);
        let record = records::orphan(&id, Share { own, shared: 0 });
        leftovers.push((record, "no image and no step names it"));
    }
    let blobs = records::unnamed(unnamed);
    leftovers.extend(blobs.map(|record| (record, "no layer names it")));
    ledger.sweep();
    leftovers
}

impl PrunePlan {
    /// How many things would go.
    pub fn count(&self) -> usize {
        self.plan.count()
    }

    /// What the disk gets back when all of them go.
    pub fn bytes(&self) -> u64 {
        self.plan.bytes()
    }

    /// One of them, in the order of their removal.
    pub fn item(&self, number: usize) -> PruneItem<'_> {
        let going = self.plan.going(number);
        going.item(self.inventory.prunable.records())
    }

    /// All of them, in the order of their removal.
    pub fn items(&self) -> impl Iterator<Item = PruneItem<'_>> {
        (0..self.count()).map(|number| self.item(number))
    }
}

impl Plan {
    fn count(&self) -> usize {
        self.leftovers.len() + self.rows.len() + self.files.len()
    }

    /// One of what goes, in the order of removal.
    fn going(&self, number: usize) -> Going<'_> {
        let Some(number) = number.checked_sub(self.leftovers.len()) else {
            let (record, reason) = &self.leftovers[number];
            return Going::Leftover(record, reason);
        };
        let Some(number) = number.checked_sub(self.rows.len()) else {
            return Going::Row(&self.rows[number]);
        };
        let (stored, reason) = &self.files[number];
        Going::File(stored, reason)
    }

    fn all(&self) -> impl Iterator<Item = Going<'_>> {
        (0..self.count()).map(|number| self.going(number))
    }

    /// What the disk gets back.
    pub(crate) fn bytes(&self) -> u64 {
        self.all().map(Going::bytes).sum()
    }

    /// The store as it is after that.
    pub(crate) fn left(&self) -> &Ledger {
        &self.left
    }

    /// Where the steps that go stand in the listing.
    pub(crate) fn steps(&self) -> impl Iterator<Item = usize> {
        self.all().filter_map(Going::step)
    }

    /// What goes and is no step.
    pub(crate) fn others<'a>(
        &'a self,
        listing: &'a Listing,
    ) -> impl Iterator<Item = UsageRecord<'a>> {
        let others = self.all().filter(|going| going.step().is_none());
        others.map(|going| going.item(listing).record)
    }
}

impl<'a> Going<'a> {
    fn bytes(self) -> u64 {
        match self {
            Self::Leftover(record, _) => record.own,
            Self::Row(item) => item.bytes,
            Self::File(stored, _) => stored.record.own,
        }
    }

    fn step(self) -> Option<usize> {
        match self {
            Self::Row(GcItem {
                target: GcTarget::Record { at, .. },
                ..
            }) => Some(*at as usize),
            Self::Leftover(..) | Self::Row(_) | Self::File(..) => None,
        }
    }

    /// `listing` is that of the inventory.
    fn item(self, listing: &'a Listing) -> PruneItem<'a> {
        let (record, reason) = match self {
            Self::Leftover(record, reason) => (record.clone(), reason),
            Self::Row(item) => (records::of_item(item, listing), item.reason.clause()),
            Self::File(stored, reason) => (stored.record.clone(), reason),
        };
        let record = UsageRecord {
            reclaimable: true,
            ..record
        };
        PruneItem { record, reason }
    }
}

impl PruneItem<'_> {
    /// The same, borrowing nothing.
    pub fn into_owned(self) -> PruneItem<'static> {
        PruneItem {
            record: self.record.into_owned(),
            reason: self.reason,
        }
    }
}
