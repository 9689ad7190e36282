//! Why a mount could not be made, listed or ended.

use std::path::PathBuf;

use iechor_cachedb::lease::LockError;
use iechor_image::config::ConfigError;
use iechor_snapshotter::fuse::FuseError;
use iechor_snapshotter::mount::MountError as KernelError;
use iechor_snapshotter::{DigestError, StoreError};

use crate::error::BuildError;
use crate::path_error::PathError;
use crate::reference::ReferenceError;

/// Why a mount could not be made, listed or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// What is to be mounted was not found.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The mount point is no directory.
    #[error("{0} is not a directory: make it first, or leave it out for a mount point of our own")]
    NotADirectory(PathBuf),
    /// Something lies in the directory, which the mount would hide.
    #[error(
        "{0} is not empty: choose an empty directory, or leave it out for a mount point of our own"
    )]
    NotEmpty(PathBuf),
    /// Something is mounted there already.
    #[error("{0} is a mount point already: choose another directory, or unmount it")]
    InUse(PathBuf),
    /// No mount has such a mount point or id.
    #[error("nothing of ours is mounted at {0:?}; see `iechor mounts`")]
    NotMounted(String),
    /// An id prefix fits several mounts.
    #[error("mount id {prefix:?} is ambiguous: {}", .candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// The ids that it fits.
        candidates: Vec<String>,
    },
    /// A commit needs a mount that can be written.
    #[error("{0} is mounted read-only: there is nothing to commit; mount it with --rw")]
    ReadOnly(PathBuf),
    /// The server of the mount has died, and what was written with it.
    #[error("the server of the mount at {0} has died: what was written to it is gone")]
    Dead(PathBuf),
    /// Somebody writes to a mount that is to be committed.
    #[error("{dir} is being written: close the files that are open under it")]
    Written {
        /// The mount point.
        dir: PathBuf,
        /// What the kernel said.
        source: KernelError,
    },
    /// A configuration is not what was written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something still uses the mount.
    #[error("{dir} is in use: close the files and leave the directories under it")]
    Busy {
        /// The mount point.
        dir: PathBuf,
        /// What the kernel said.
        source: KernelError,
    },
    /// The kernel did not do as asked.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The server process could not be started.
    #[error("cannot start the server of the mount")]
    Start(#[source] std::io::Error),
    /// The server process failed before the mount was there; its own words.
    #[error("the server of the mount failed: {0}")]
    Server(String),
    /// FUSE could not be used.
    #[error(transparent)]
    Fuse(#[from] FuseError),
    /// A record is not what was written.
    #[error("mount record {path} is damaged: remove it")]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A record names no snapshot.
    #[error("mount record {id} is damaged: unmount it")]
    Snapshot {
        /// The mount.
        id: String,
        /// What is wrong with it.
        source: DigestError,
    },
    /// The state directory could not be opened.
    #[error(transparent)]
    State(#[from] Box<BuildError>),
    /// The snapshots could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A lease could not be taken.
    #[error(transparent)]
    Lease(#[from] LockError),
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] PathError),
}
