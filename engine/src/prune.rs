//! `iechor builder prune`: what would go, why, and what the disk gets back; then doing it.
//!
//! Order of removal: the row, then the layer index, then blobs that no index names. A crash in
//! between leaves garbage that the next sweep takes, never a row that points at nothing.

use crate::state::Engine;
use crate::usage::UsageRecord;

/// What `builder prune` is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PruneRequest {
    /// How far it goes.
    pub scope: Scope,
    /// `--filter`; all must hold.
    pub filters: Vec<Filter>,
    /// `--keep-storage`: stop when no more than this many bytes are left.
    pub keep_storage: Option<u64>,
}

/// How far a prune goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// What no image of the local list needs.
    #[default]
    Unused,
    /// The cached steps of images too (`-a`); the images themselves stay.
    All,
}

/// One `--filter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// `until=24h`: not used for so many seconds.
    Until(u64),
    /// `id=PREFIX`.
    Id(String),
    /// `type=…`: as in [`UsageKind`](crate::usage::UsageKind).
    Type(String),
}

/// A record that would go, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PruneItem {
    /// What it is.
    #[serde(flatten)]
    pub record: UsageRecord,
    /// Why it may go, one clause.
    pub reason: String,
}

/// What would go; nothing has happened yet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PrunePlan {
    /// The records, in the order of their removal.
    pub items: Vec<PruneItem>,
    /// What the disk gets back when all of them go.
    pub bytes: u64,
}

/// What went.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PruneReport {
    /// The records that are gone; fewer than planned when a build took a lease in between.
    pub items: Vec<PruneItem>,
    /// What the disk got back.
    pub bytes: u64,
}

/// Why nothing could be pruned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {}

impl std::str::FromStr for Filter {
    type Err = PruneError;

    /// Reads `KEY=VALUE`; an unknown key is an error that lists the keys.
    fn from_str(text: &str) -> Result<Self, PruneError> {
        todo!()
    }
}

/// Plans; `now` is in seconds since the epoch.
pub fn plan(engine: &Engine, request: &PruneRequest, now: i64) -> Result<PrunePlan, PruneError> {
    todo!()
}

/// Removes what the plan names, except what was leased since.
pub fn apply(engine: &Engine, plan: PrunePlan) -> Result<PruneReport, PruneError> {
    todo!()
}
