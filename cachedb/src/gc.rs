//! Pruning: what would go and why, and making it go.
//!
//! ```text
//!   GcPolicy ──CacheDb::plan_gc──► GcPlan (shown, or) ──CacheDb::apply_gc──► GcOutcome
//! ```
//!
//! A plan never has a parent before its children, nothing leased or mounted, nothing below what is
//! kept. Rows go first, in one transaction; then the caller deletes the snapshots. Whoever applies
//! a plan closes the gate of [`LeaseDir`](crate::LeaseDir) before and opens it when the snapshots
//! are gone; what was leased or used since the plan was made stays.

use std::fmt;

use iechor_snapshotter::SnapshotId;

use crate::build::StepId;
use crate::record::{Record, RecordId};
use crate::time::UnixMillis;

pub use filter::{Filter, FilterError};

mod apply;
mod fate;
mod filter;
mod graph;
mod moment;
mod pattern;
mod plan;
mod removal;

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
#[derive(Clone, Debug, Default)]
pub struct GcPolicy {
    /// Which unused records may go.
    pub scope: GcScope,
    /// All of these must hold for a record to go.
    pub filters: Vec<Filter>,
    /// `--max-used-space`, `--keep-storage`: remove least recently used ones until no more is used.
    pub max_used: Option<u64>,
    /// `--reserved-space`: stop when no more than this is used.
    pub reserved: Option<u64>,
    /// `--min-free-space`: remove least recently used ones until the disk has this free.
    pub min_free: Option<u64>,
}

/// What the store knows about sizes: blobs are shared, so the sum of parts is not the whole.
pub trait Usage {
    /// Bytes that the store takes on disk.
    fn total(&self) -> u64;

    /// Bytes free on the store's file system.
    fn free(&self) -> u64;

    /// Whether the snapshot shares content with another one.
    fn is_shared(&self, snapshot: &SnapshotId) -> bool;

    /// No row names the snapshot any more: bytes that the disk gets back when it goes, after those
    /// that were removed before it.
    fn remove(&mut self, snapshot: &SnapshotId) -> u64;
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
    Record(Box<Record>),
    /// The state that a failed step was left in.
    FailedState {
        /// The step.
        step: StepId,
        /// Its state.
        snapshot: SnapshotId,
        /// The instruction.
        text: String,
    },
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
    /// Bytes that the disk gets back.
    pub fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.bytes).sum()
    }
}

impl fmt::Display for GcReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dangling => "dangling",
            Self::Unused => "unused",
            Self::OverBudget => "over the space budget",
            Self::LowDisk => "disk space is low",
            Self::FailedState => "state of a failed step",
        })
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
