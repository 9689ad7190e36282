//! Pruning: what would go and why, and making it go.
//!
//! ```text
//!   CacheDb::prunable ──► Prunable ──plan──► GcPlan (shown, or) ──CacheDb::apply_gc──► GcOutcome
//! ```
//!
//! A plan never has a parent before its children, nothing leased or mounted, nothing below what is
//! kept. Rows go first, in one transaction; then the caller deletes the snapshots. Whoever applies
//! a plan closes the gate of [`LeaseDir`](crate::LeaseDir) before and opens it when the snapshots
//! are gone; what was leased or used since the plan was made stays.

use std::fmt;

use iechor_snapshotter::{Digest, SnapshotId};

use crate::build::StepId;
use crate::record::{ListedRecord, Place, RecordId};
use crate::time::UnixMillis;

pub use budget::Budget;
pub use filter::{Filter, FilterError, Subject};
pub use graph::{FailedState, Prunable};

mod apply;
mod budget;
mod fate;
mod filter;
mod graph;
mod moment;
mod named;
mod pattern;
mod plan;
mod removal;
mod turns;

/// Which unused records may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GcScope {
    /// What no tagged image uses, nor the newest build of its iEchorfile.
    #[default]
    Dangling,
    /// Everything that no running build and no mount uses (`-a`); images keep their layers.
    All,
}

/// What a prune is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GcPolicy {
    /// Which unused records may go.
    pub scope: GcScope,
    /// All of these must hold for something to go.
    pub filters: Vec<Filter>,
    /// `--max-used-space`, `--keep-storage`: remove least recently used ones until no more is used.
    pub max_used: Option<u64>,
    /// `--reserved-space`: stop when no more than this is used.
    pub reserved: Option<u64>,
    /// `--min-free-space`: remove least recently used ones until the disk has this free.
    pub min_free: Option<u64>,
}

/// Number of a layer in the books of the store; they are small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayerNo(pub u32);

/// What the store knows about sizes: blobs are shared, so the sum of parts is not the whole.
pub trait Usage {
    /// Bytes that count against a budget.
    fn total(&self) -> u64;

    /// Bytes free on the store's file system.
    fn free(&self) -> u64;

    /// The number of a snapshot's layer; none of what is not in the store.
    fn layer(&self, snapshot: &SnapshotId) -> Option<LayerNo>;

    /// The number of the layer of a record's snapshot, by the record's place in the listing: for
    /// books that know it from there.
    fn layer_of(&self, _at: usize, record: &ListedRecord) -> Option<LayerNo> {
        record.snapshot().and_then(|snapshot| self.layer(&snapshot))
    }

    /// The numbers of those layers of a chain that are in the store, in the order of the chain.
    fn layers_of(&self, chain: &[SnapshotId]) -> Vec<LayerNo> {
        let layers = chain.iter().filter_map(|snapshot| self.layer(snapshot));
        layers.collect()
    }

    /// Whether a layer shares content with another one.
    fn is_shared(&self, layer: LayerNo) -> bool;

    /// No row names a layer any more: bytes that the disk gets back when it goes, after those that
    /// were removed before it.
    fn remove(&mut self, layer: LayerNo) -> u64;
}

/// What the planner asks about the world.
#[derive(Clone, Copy)]
pub struct GcView<'a> {
    /// Now.
    pub now: UnixMillis,
    /// Whether a build or a mount uses the snapshot.
    pub leased: &'a dyn Fn(&SnapshotId) -> bool,
}

/// One thing to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcItem {
    /// What.
    pub target: GcTarget,
    /// Why it may go.
    pub reason: GcReason,
    /// Bytes that the disk gets back, given the items before it.
    pub bytes: u64,
}

/// What can be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GcTarget {
    /// A record.
    Record {
        /// Its number.
        id: RecordId,
        /// Where it stands in the listing that the plan was made on.
        at: u32,
        /// Its place in the order of uses when the plan was made: one used since stays.
        use_sequence: u64,
    },
    /// The state that failed steps were left in.
    FailedState(Box<LeftState>),
    /// An image that lost its name.
    Image(Box<NamelessImage>),
}

/// The state that failed steps were left in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftState {
    /// The state.
    pub snapshot: SnapshotId,
    /// The steps, the newest first; several builds may have failed in the same way.
    pub steps: Vec<StepId>,
    /// The instruction.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// When the newest of them failed.
    pub when: UnixMillis,
}

/// An image that lost its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamelessImage {
    /// Its id.
    pub id: Digest,
    /// Its layers, base first.
    pub chain: Vec<SnapshotId>,
    /// When it came here.
    pub created: UnixMillis,
}

/// Why something may go. `Display` is one clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GcReason {
    /// Neither an image nor the newest build of its iEchorfile uses it.
    Dangling,
    /// No build and no mount uses it (`-a`).
    Unused,
    /// To come under `--max-used-space`.
    OverBudget,
    /// To reach `--min-free-space`.
    LowDisk,
    /// A kept state of a failed step.
    FailedState,
    /// An image that lost its name.
    Nameless,
}

/// Why something that passed the filters stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepReason {
    /// A build or a mount uses it.
    Leased,
    /// An image uses it.
    Image,
    /// The newest build of its iEchorfile used it, and `-a` was not given.
    NewestBuild,
    /// Something that stays is made on it.
    HasKeptChild,
    /// The budget is met without removing it.
    WithinBudget,
}

/// What a prune would do.
#[derive(Clone, Debug, Default)]
pub struct GcPlan {
    /// What goes, children before parents.
    pub items: Vec<GcItem>,
    /// What passed the filters and stays.
    pub kept: Vec<(RecordId, KeepReason)>,
}

/// What a prune did.
#[derive(Clone, Debug, Default)]
pub struct GcOutcome {
    /// What is gone: the plan's items without those that were leased or used meanwhile.
    pub removed: Vec<GcItem>,
    /// Snapshots that no row names any more, children before parents: to be deleted.
    pub snapshots: Vec<SnapshotId>,
}

impl GcPlan {
    fn with_capacity(records: usize) -> Self {
        Self {
            items: Vec::with_capacity(records),
            kept: Vec::new(),
        }
    }

    /// Bytes that the disk gets back.
    pub fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.bytes).sum()
    }
}

impl GcReason {
    /// The reason as one clause.
    pub const fn clause(self) -> &'static str {
        match self {
            Self::Dangling => "dangling",
            Self::Unused => "asked for by -a",
            Self::OverBudget => "over the space budget",
            Self::LowDisk => "disk space is low",
            Self::FailedState => "state of a failed step",
            Self::Nameless => "it has no name",
        }
    }
}

impl fmt::Display for GcReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.clause())
    }
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leased => "in use by a build or a mount",
            Self::Image => "used by an image",
            Self::NewestBuild => "used by the newest build",
            Self::HasKeptChild => "something that stays is made on it",
            Self::WithinBudget => "within the space budget",
        })
    }
}

impl fmt::Debug for GcView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcView")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
