//! Why a mount could not be committed.

use iechor_cachedb::CacheError;
use iechor_cachedb::lease::LockError;
use iechor_image::config::ConfigError;
use iechor_snapshotter::StoreError;

use crate::lower::change::ChangeError;
use crate::mounts::MountError;
use crate::output::OutputError;
use crate::path_error::PathError;

/// Why a mount could not be committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// There is no such mount, or it cannot be committed now.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// A change of the configuration makes no sense.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A name is none, or the image could not be finished.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The configuration could not be written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A lease could not be taken.
    #[error(transparent)]
    Lease(#[from] LockError),
    /// A lock could not be had.
    #[error(transparent)]
    File(#[from] PathError),
    /// The store of snapshots could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}
