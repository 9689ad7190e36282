//! The contents of `RUN --mount=type=cache`: listing them, taking them out, putting them in.
//!
//! ```text
//! <root>/cache-mounts/
//! ├── <sha256 of the id>/data     what the step sees
//! ├── <sha256 of the id>/lock     held while a step uses it; its time is that of the last use
//! ├── <sha256 of the id>/id       the id, for listings
//! └── <sha256 of the id>-1/       another one, for `sharing=private` while the first is in use
//! ```
//!
//! Archives of somebody else are never unpacked on the host: they go through the store, as those of
//! ADD do, and what was understood of them is written out.

pub(crate) mod directory;
mod error;
mod export;
mod find;
mod import;
mod remove;

pub use self::error::CacheMountError;
pub use self::export::export;
pub use self::import::{Existing, import};
pub use self::remove::remove;
use crate::state::Engine;
use crate::usage::files::{self, Need, Stored};

/// A cache mount.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CacheMountInfo {
    /// The id, as `--mount=type=cache,id=` has it.
    pub id: String,
    /// Name of its directory in the state directory: what tells two of one id apart.
    pub directory: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// When a step last used it, seconds since the epoch.
    pub last_used: i64,
    /// Whether a step uses it now.
    pub in_use: bool,
}

/// All cache mounts, by id.
///
/// # Errors
///
/// [`CacheMountError::Usage`].
pub fn list(engine: &Engine) -> Result<Vec<CacheMountInfo>, CacheMountError> {
    let mut mounts: Vec<_> = files::cache_mounts(engine)?.into_iter().map(info).collect();
    mounts.sort_by(|one, other| (&one.id, &one.directory).cmp(&(&other.id, &other.directory)));
    Ok(mounts)
}

fn info(Stored { record, need, .. }: Stored) -> CacheMountInfo {
    CacheMountInfo {
        id: record.text.to_string(),
        directory: record.id.to_string(),
        bytes: record.own,
        last_used: record.last_used,
        in_use: need == Need::Needed,
    }
}
