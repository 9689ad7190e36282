//! What takes space, and what of it could be given back: `iechor builder du`, `iechor builder ls`.
//!
//! Bytes are those of allocated blocks: what the disk gets back when a file goes.

use crate::state::Engine;

/// What kind of thing takes the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageKind {
    /// The cached result of an instruction.
    Step,
    /// A layer of an imported image.
    Layer,
    /// The contents of a `RUN --mount=type=cache`.
    CacheMount,
    /// What a failed step left.
    Failed,
    /// A pulled manifest, configuration or compressed layer.
    Content,
    /// Logs of a build.
    Logs,
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
    /// Whether prune may take it: no image, lease or mount needs it.
    pub reclaimable: bool,
    /// When it was made, seconds since the epoch.
    pub created: i64,
    /// When it was last used, seconds since the epoch.
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

/// A cached step and what was built on it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StepNode {
    /// Cache key, `sha256:…`.
    pub key: String,
    /// The instruction.
    pub text: String,
    /// `iEchorfile:12`.
    pub place: Option<String>,
    /// The snapshot after it, `sha256:…`; none when it is `scratch`.
    pub snapshot: Option<String>,
    /// Bytes that its snapshot has alone.
    pub own: u64,
    /// Bytes that other snapshots have as well.
    pub shared: u64,
    /// How often it was a hit.
    pub hits: u64,
    /// When it was made, seconds since the epoch.
    pub created: i64,
    /// When it was last used, seconds since the epoch.
    pub last_used: i64,
    /// The steps whose parent it is, oldest first.
    pub children: Vec<StepNode>,
}

/// Why the usage could not be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {}

/// What takes space.
pub fn usage(engine: &Engine) -> Result<Usage, UsageError> {
    todo!()
}

/// The cached steps as trees by chain, for `builder ls`.
pub fn steps(engine: &Engine) -> Result<Vec<StepNode>, UsageError> {
    todo!()
}
