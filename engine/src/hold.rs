//! Holds: what has no row in the database yet is kept from a prune.
//!
//! A prune removes what no row, lease or mount names. Between the moment that something appears in
//! the store and the moment that a lease or a row names it, its maker has a hold; a prune waits for
//! that to end, or leaves that kind of thing alone.
//!
//! ```text
//! build    hold snapshots ─► commit the layer ─► take a lease, insert the row ─► let go
//! import   hold content ─► fetch, unpack (each with a hold as above) ─► list ─► let go
//! prune    wait for snapshots ─► close the gate of the leases ─► remove ─► open, let go
//! ```
//!
//! Whoever has a hold on snapshots may take leases; a prune has shut the holders out before it
//! closes the gate, so that neither ever waits for the other.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::PathBuf;

use crate::path_error::{AtPath, PathError};
use crate::state::Engine;

/// What a hold keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Snapshots. Held for moments only: a prune waits.
    Snapshots,
    /// Contents and logs. Held for as long as an import, an export or a build takes: a prune that
    /// finds it held leaves them alone.
    Content,
}

/// A hold: any number of processes may have one. Ends with its process.
#[derive(Debug)]
pub(crate) struct Hold {
    _file: File,
}

/// While it lives nobody has a hold.
#[derive(Debug)]
pub(crate) struct NoHolds {
    _file: File,
}

impl Held {
    /// Takes a hold; waits while a prune removes such things.
    pub(crate) fn hold(self, engine: &Engine) -> Result<Hold, PathError> {
        let (file, path) = self.open(engine)?;
        file.lock_shared().at("lock", &path)?;
        Ok(Hold { _file: file })
    }

    /// Waits until nobody has a hold, and keeps it so.
    pub(crate) fn wait_until_free(self, engine: &Engine) -> Result<NoHolds, PathError> {
        let (file, path) = self.open(engine)?;
        file.lock().at("lock", &path)?;
        Ok(NoHolds { _file: file })
    }

    /// Keeps others from taking a hold, if nobody has one now.
    pub(crate) fn if_free(self, engine: &Engine) -> Result<Option<NoHolds>, PathError> {
        let (file, path) = self.open(engine)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(NoHolds { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err::<_, io::Error>(error).at("lock", &path),
        }
    }

    fn open(self, engine: &Engine) -> Result<(File, PathBuf), PathError> {
        let path = engine.root().join(match self {
            Self::Snapshots => "snapshots.lock",
            Self::Content => "content.lock",
        });
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .at("open", &path)?;
        Ok((file, path))
    }
}
