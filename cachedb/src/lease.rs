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

use std::collections::HashSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use iechor_snapshotter::{Digest, SnapshotId};

pub use crate::lock_file::LockError;
use crate::lock_file::LockFile;

/// Name of the gate's file; no snapshot is called so.
const GATE: &str = "gate";

/// The directory of lease files.
#[derive(Clone, Debug)]
pub struct LeaseDir {
    dir: PathBuf,
}

/// Keeps a snapshot, and all below it, until dropped.
#[derive(Debug)]
pub struct Lease {
    /// None on a read-only file system.
    file: Option<LockFile>,
    snapshot: SnapshotId,
}

/// While it lives nobody takes a lease.
#[derive(Debug)]
pub struct ClosedGate {
    _file: LockFile,
}

impl LeaseDir {
    /// Makes the directory if it is missing.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn open(dir: &Path) -> Result<Self, LockError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(LockError::io("make the directory of", dir))?;
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// Takes a lease; waits while a prune is under way. On a read-only file system there is nothing
    /// that could be pruned, and the lease holds nothing.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn take(&self, snapshot: SnapshotId) -> Result<Lease, LockError> {
        let file = match self.lock(&snapshot) {
            Err(error) if error.is_read_only() => None,
            file => Some(file?),
        };
        Ok(Lease { file, snapshot })
    }

    fn lock(&self, snapshot: &SnapshotId) -> Result<LockFile, LockError> {
        let gate = LockFile::open(self.gate())?;
        gate.lock_shared()?;
        loop {
            let file = LockFile::open(self.path(snapshot))?;
            file.lock_shared()?;
            if file.is_current()? {
                return Ok(file);
            }
        }
    }

    /// Whether anybody holds a lease on the snapshot. Stays so only while the gate is closed.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn is_leased(&self, snapshot: &SnapshotId) -> Result<bool, LockError> {
        match LockFile::existing(self.path(snapshot))? {
            None => Ok(false),
            Some(file) => file.try_lock().map(|ours| !ours),
        }
    }

    /// All snapshots that anybody holds a lease on, for who would ask of many.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn leased(&self) -> Result<HashSet<SnapshotId>, LockError> {
        let mut leased = HashSet::new();
        for entry in std::fs::read_dir(&self.dir).map_err(LockError::io("list", &self.dir))? {
            let name = entry.map_err(LockError::io("list", &self.dir))?.file_name();
            let id = name
                .to_str()
                .and_then(|name| Digest::from_hex(name).ok())
                .map(SnapshotId::new);
            if let Some(id) = id
                && self.is_leased(&id)?
            {
                leased.insert(id);
            }
        }
        Ok(leased)
    }

    /// Waits until nobody is taking a lease and keeps it so.
    ///
    /// # Errors
    ///
    /// [`LockError::Io`].
    pub fn close_gate(&self) -> Result<ClosedGate, LockError> {
        let file = LockFile::open(self.gate())?;
        file.lock()?;
        Ok(ClosedGate { _file: file })
    }

    fn gate(&self) -> PathBuf {
        self.dir.join(GATE)
    }

    fn path(&self, snapshot: &SnapshotId) -> PathBuf {
        self.dir.join(snapshot.hex())
    }
}

impl Lease {
    /// The snapshot that is kept.
    pub fn snapshot(&self) -> SnapshotId {
        self.snapshot
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            file.remove_if_unused();
        }
    }
}
