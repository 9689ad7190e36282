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
pub(crate) mod records;
mod tree;

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use iechor_cachedb::gc::{self, Prunable};
use iechor_cachedb::{CacheError, UnixMillis, lease::LockError};
use iechor_image::content::ContentError;
use iechor_snapshotter::{SnapshotId, StoreError};

use self::census::{Census, Trust};
use self::files::Stored;
use self::ledger::Ledger;
pub use self::naming::{StepPlace, UsageId};
use self::records::Makers;
pub use self::tree::{StepRow, TreeRow, steps, usage_tree};
use crate::path_error::PathError;
use crate::prune::{self, PruneError, PrunePlan, PruneRequest};
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
pub struct UsageRecord {
    /// What prune's `id=` takes: cache key, snapshot id, digest, or number of a build.
    pub id: UsageId,
    /// What kind of thing it is.
    pub kind: UsageKind,
    /// The instruction, the mount's id, the image's name.
    #[serde(serialize_with = "naming::text")]
    pub text: Arc<str>,
    /// `iEchorfile:12`.
    pub place: Option<StepPlace>,
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
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Usage {
    /// The records, largest first.
    pub records: Vec<UsageRecord>,
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

impl UsageRecord {
    /// A record that takes nothing and was never used.
    pub(crate) fn new(kind: UsageKind, id: UsageId, text: impl Into<Arc<str>>) -> Self {
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
}

/// What takes space.
///
/// # Errors
///
/// [`UsageError`]; a damaged layer index is named.
pub fn usage(engine: &Engine) -> Result<Usage, UsageError> {
    let mut usage = gather(engine)?.usage;
    usage.records.sort_by(|one, other| {
        size(other)
            .cmp(&size(one))
            .then_with(|| one.id.cmp(&other.id))
    });
    Ok(usage)
}

/// What takes space, the steps first and in the order of the listing.
struct Gathered {
    usage: Usage,
    /// Of each step, where the one that it was built on stands.
    parents: Vec<Option<usize>>,
}

fn gather(engine: &Engine) -> Result<Gathered, UsageError> {
    let (ledger, inventory) = Inventory::take(engine)?;
    let listing = inventory.prunable.records();
    let makers = Makers::of(listing, &ledger);
    let mut records = records::of_store(engine, &ledger, &inventory.prunable, &makers)?;
    let files = files::judged(engine, &inventory.files, &ledger)?;
    records.extend(files.into_iter().map(|file| file.record));
    let total = gc::Usage::total(&ledger);
    // Age does not matter without a filter.
    let (everything, now) = (PruneRequest::everything(), UnixMillis(0));
    let plan = prune::plan_on(engine, &everything, now, ledger, &inventory).map_err(Box::new)?;
    mark_reclaimable(&mut records, &makers, &plan);
    let private = records.iter().map(|record| record.own).sum();
    Ok(Gathered {
        parents: listing.rows().iter().map(|row| row.parent).collect(),
        usage: Usage {
            records,
            private,
            shared: total.saturating_sub(private),
            total,
            reclaimable: plan.bytes,
        },
    })
}

/// Who names what is in the store, and what lies beside it.
#[derive(Debug)]
pub(crate) struct Inventory {
    pub(crate) prunable: Prunable,
    pub(crate) files: Vec<Stored>,
}

impl Inventory {
    /// Takes it, with the ledger of the store.
    pub(crate) fn take(engine: &Engine) -> Result<(Ledger, Self), UsageError> {
        let ask = |engine: &Engine| {
            let prunable = engine.cache().prunable()?;
            let files = files::found(engine)?;
            Ok(Self { prunable, files })
        };
        let (mut ledger, inventory) = with_ledger(engine, ask)?;
        ledger.root(inventory.prunable.named());
        ledger.set_beside(inventory.files.iter().map(|file| file.record.own).sum());
        Ok((ledger, inventory))
    }
}

/// The ledger of the store, and what `ask` gives; the two are read side by side.
fn with_ledger<T: Send>(
    engine: &Engine,
    ask: impl FnOnce(&Engine) -> Result<T, UsageError> + Send,
) -> Result<(Ledger, T), UsageError> {
    thread::scope(|scope| {
        let ledger = scope.spawn(|| Ledger::open(engine, Census::take(engine, Trust::Times)?));
        let asked = ask(engine);
        let ledger = ledger.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok((ledger?, asked?))
    })
}

fn size(record: &UsageRecord) -> u64 {
    record.own + record.shared
}

/// What `prune -a` would take is reclaimable when its bytes go with it: a step whose layer an image
/// keeps is not.
fn mark_reclaimable(records: &mut [UsageRecord], makers: &Makers<'_>, plan: &PrunePlan) {
    let mut steps = vec![false; makers.listing().rows().len()];
    let mut others = HashSet::new();
    for (item, record) in plan.items_and_records() {
        match record.and_then(|record| makers.listing().position(record)) {
            Some(at) => steps[at] = true,
            None => drop(others.insert((item.record.kind, item.record.id.clone()))),
        }
    }
    let goes = |layer: &SnapshotId| !plan.leaves(layer);
    for (at, record) in records.iter_mut().enumerate() {
        record.reclaimable |= match (record.kind, &record.id) {
            (UsageKind::Step, _) => steps[at] && makers.made(at).iter().all(goes),
            (UsageKind::Layer, UsageId::Digest(layer)) => goes(&SnapshotId::new(*layer)),
            (kind, id) => others.contains(&(kind, id.clone())),
        };
    }
}
