//! Leases: shared `flock`s that keep snapshots from being pruned while somebody uses them.
//!
//! A lease dies with its process, whatever kills it; there are no pids and no ages to judge.
//!
//! # How a build and a prune agree
//!
//! A prune holds the *gate* from before it asks for leases until its deletions are committed and
//! the snapshots are gone. Taking a lease passes the gate. So a build that has found a record
//!
//! 1. takes a lease on the snapshot, then
//! 2. looks the record up once more: if it is gone, a prune was faster, and it is a miss.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use iechor_snapshotter::SnapshotId;

/// Why a lock file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file could not be made, opened, locked or removed.
    #[error("cannot {action} lock file {path}")]
    Io {
        /// What was tried: a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// The directory of lease files.
#[derive(Clone, Debug)]
pub struct LeaseDir {
    dir: PathBuf,
}

/// Keeps a snapshot, and all below it, until dropped.
#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    file: File,
    snapshot: SnapshotId,
}

/// While it lives nobody takes a lease.
#[derive(Debug)]
pub struct ClosedGate {
    file: File,
}

impl LeaseDir {
    /// Makes the directory if it is missing.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn open(dir: &Path) -> Result<Self, LockError> {
        let _ = dir;
        todo!()
    }

    /// Takes a lease; waits while a prune is under way.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn take(&self, snapshot: SnapshotId) -> Result<Lease, LockError> {
        let _ = (snapshot, &self.dir);
        todo!()
    }

    /// Whether anybody holds a lease on the snapshot. Meaningful only while the gate is closed.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn is_leased(&self, snapshot: &SnapshotId) -> Result<bool, LockError> {
        let _ = snapshot;
        todo!()
    }

    /// Waits until nobody is taking a lease and keeps it so.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn close_gate(&self) -> Result<ClosedGate, LockError> {
        todo!()
    }
}

impl Lease {
    /// The snapshot that is kept.
    pub fn snapshot(&self) -> SnapshotId {
        let _ = (&self.path, &self.file);
        self.snapshot
    }
}
