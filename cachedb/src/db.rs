//! The database: opening it, and the discipline of its transactions.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::Connection;

use crate::error::CacheError;

/// The kernel's boot id (`/proc/sys/kernel/random/boot_id`), as the caller read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootId(pub String);

/// The cache database of one state directory.
///
/// Several processes may have it open, and threads may share one value: a statement waits its turn.
#[derive(Debug)]
pub struct CacheDb {
    path: PathBuf,
    boot: BootId,
    connection: Mutex<Connection>,
}

impl CacheDb {
    /// Opens the database, makes it when it is missing, and brings its schema up to date.
    ///
    /// Sealed records of another boot are dropped, with all that was made on them.
    ///
    /// # Errors
    ///
    /// [`CacheError::Newer`], [`CacheError::Foreign`], [`CacheError::Damaged`], [`CacheError::Io`].
    pub fn open(path: &Path, boot: BootId) -> Result<Self, CacheError> {
        let _ = (path, boot);
        todo!()
    }

    /// Opens the database for reading, as listings on a read-only state directory need it.
    ///
    /// # Errors
    ///
    /// As [`CacheDb::open`]; a missing file is [`CacheError::Io`].
    pub fn open_read_only(path: &Path, boot: BootId) -> Result<Self, CacheError> {
        let _ = (path, boot);
        todo!()
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole database and reports what is wrong with it, one line each.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn check(&self) -> Result<Vec<String>, CacheError> {
        let _ = (&self.boot, &self.connection);
        todo!()
    }
}
