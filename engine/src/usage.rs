//! What takes space, and what of it could be given back: `iechor builder du`, `iechor builder ls`.
//!
//! Bytes are those of allocated blocks: what the disk gets back when a file goes.
//!
//! Who has a byte alone is decided by layers: the blobs that one layer names and no other are its
//! own, with its index; the rest it shares. A layer belongs to the step that made it; of two steps
//! that made the same one (`--no-cache`), neither has it alone. So `private` is the sum of what the
//! records own, and `total` counts what is shared once.

pub(crate) mod files;
pub(crate) mod ledger;
pub(crate) mod records;
mod tree;

use std::collections::HashSet;

use iechor_cachedb::{CacheError, lease::LockError};
use iechor_image::content::ContentError;
use iechor_snapshotter::StoreError;

use self::ledger::Ledger;
pub use self::tree::{StepNode, steps};
use crate::path_error::PathError;
use crate::prune::{self, PruneError, PrunePlan};
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
    pub id: String,
    /// What kind of thing it is.
    pub kind: UsageKind,
    /// The instruction, the mount's id, the image's name.
    pub text: String,
    /// `iEchorfile:12`.
    pub place: Option<String>,
    /// Bytes that only this has.
    pub own: u64,
    /// Bytes that others have as well.
    pub shared: u64,
    /// Whether `prune -a` may take it: no image, lease or mount needs it.
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

/// What takes space.
///
/// # Errors
///
/// [`UsageError`]; a damaged layer index is named.
pub fn usage(engine: &Engine) -> Result<Usage, UsageError> {
    let ledger = Ledger::open(engine)?;
    let plan = prune::plan(engine, &prune::PruneRequest::everything(), 0).map_err(Box::new)?;
    let mut records = records::of_store(engine, &ledger)?;
    let files = files::all(engine, ledger.snapshots())?;
    let elsewhere: u64 = files.iter().map(|file| file.record.own).sum();
    records.extend(files.into_iter().map(|file| file.record));
    mark_reclaimable(&mut records, &plan);
    records.sort_by(|one, other| {
        size(other)
            .cmp(&size(one))
            .then_with(|| one.id.cmp(&other.id))
    });
    let total = ledger.total() + elsewhere;
    let private = records.iter().map(|record| record.own).sum();
    let shared = total.saturating_sub(private);
    Ok(Usage {
        records,
        private,
        shared,
        total,
        reclaimable: plan.bytes,
    })
}

fn size(record: &UsageRecord) -> u64 {
    record.own + record.shared
}

fn mark_reclaimable(records: &mut [UsageRecord], plan: &PrunePlan) {
    let planned: HashSet<_> = plan
        .items
        .iter()
        .map(|item| (item.record.kind, item.record.id.as_str()))
        .collect();
    for record in records {
        let goes_with_others = record.kind == UsageKind::Layer
            && record
                .id
                .parse()
                .is_ok_and(|snapshot| !plan.leaves(&snapshot));
        record.reclaimable |=
            goes_with_others || planned.contains(&(record.kind, record.id.as_str()));
    }
}
