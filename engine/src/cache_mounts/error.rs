//! Why a cache mount could not be listed, taken out, put in or removed.

use iechor_cachedb::LockError;
use iechor_image::layer::{UnpackError, WriteError};
use iechor_snapshotter::{EntryError, StoreError};

use crate::copy::CopyError;
use crate::path_error::PathError;
use crate::prune::PruneError;
use crate::usage::UsageError;

/// Why a cache mount could not be listed, taken out, put in or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheMountError {
    /// No cache mount is called so.
    #[error("no cache mount has the id {wanted:?}{}", listed(.known))]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// The ids that there are.
        known: Vec<String>,
    },
    /// Several cache mounts are called so.
    #[error("{wanted:?} stands for several cache mounts: name one by its directory: {}", .directories.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Their directories.
        directories: Vec<String>,
    },
    /// A step uses it.
    #[error("cache mount {0:?} is in use by a step: wait until its build has ended")]
    InUse(String),
    /// It has contents already, which were not to be replaced.
    #[error("cache mount {0:?} has contents already")]
    Exists(String),
    /// The archive is none, or is refused.
    #[error("cannot read the archive")]
    Archive(#[source] UnpackError),
    /// The archive cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The contents cannot be read.
    #[error(transparent)]
    Contents(#[from] Box<CopyError>),
    /// The contents cannot be taken in.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The store of snapshots could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A lease could not be taken.
    #[error(transparent)]
    Lease(#[from] LockError),
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] PathError),
    /// What there is could not be told.
    #[error(transparent)]
    Usage(#[from] Box<UsageError>),
    /// What was in the store meanwhile could not be removed.
    #[error(transparent)]
    Sweep(#[from] Box<PruneError>),
}

fn listed(known: &[String]) -> String {
    match known {
        [] => "; there are none".to_owned(),
        known => format!("; there are {}", known.join(", ")),
    }
}

impl From<UsageError> for CacheMountError {
    fn from(error: UsageError) -> Self {
        Self::Usage(Box::new(error))
    }
}

impl From<CopyError> for CacheMountError {
    fn from(error: CopyError) -> Self {
        Self::Contents(Box::new(error))
    }
}

impl From<PruneError> for CacheMountError {
    fn from(error: PruneError) -> Self {
        Self::Sweep(Box::new(error))
    }
}
