//! What a REF on the command line stands for: `iechor mount REF`, `iechor ls REF:PATH`.
//!
//! Tried in this order: an image by name, a stage of the last build by name, a step of the last
//! build (`2`, `build:2`), then a prefix of an image id, of a cache key and of a snapshot id.

use iechor_snapshotter::{Chain, SnapshotId};

use crate::state::Engine;

/// What kind of thing a REF turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An image of the local list.
    Image,
    /// The end of a stage of the last build.
    Stage,
    /// A step of the last build, or any cached one by key.
    Step,
    /// A snapshot by id.
    Snapshot,
    /// What a failed step left.
    Failed,
}

/// A REF resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What kind of thing it is.
    pub kind: Kind,
    /// What to call it: `image docker.io/library/app:latest`, `step build:2 RUN make`.
    pub title: String,
    /// Its root file system.
    pub chain: Chain,
}

impl Resolved {
    /// The snapshot on top; none for an image from scratch without files.
    pub fn tip(&self) -> Option<SnapshotId> {
        self.chain.tip()
    }
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// A REF as typed.
    Named(String),
    /// `--failed`: the newest kept state of a failed step.
    Failed,
}

/// Why a REF stands for nothing, or for too much.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {}

/// Finds what a REF stands for.
pub fn resolve(engine: &Engine, selector: &Selector) -> Result<Resolved, ReferenceError> {
    todo!()
}
