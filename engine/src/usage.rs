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
mod findings;
mod inventory;
pub(crate) mod ledger;
mod naming;
mod places;
pub(crate) mod records;
mod tree;

use std::borrow::Cow;

use iechor_cachedb::{CacheError, Listing, lease::LockError};
use iechor_image::content::ContentError;
use iechor_snapshotter::StoreError;

pub(crate) use self::inventory::Inventory;
use self::ledger::Share;
pub use self::naming::{StepPlace, UsageId};
pub use self::tree::{StepRow, Steps, TreeRow, UsageTree, steps, usage_tree};
use crate::path_error::PathError;
use crate::prune::PruneError;
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
    let (usage, order) = findings::gather(engine, |found| found.largest_first(0..found.count()))?;
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
            .partition_point(|at| findings::size(shares, others, *at) > 0)
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
