//! The database: opening it, and the discipline of its transactions.
//!
//! One connection behind a mutex; every write is a `BEGIN IMMEDIATE` transaction, so that it waits
//! for its turn at the start and never fails in the middle for another process's sake.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::CacheError;

pub(crate) mod column;
mod migrations;
mod moment;
mod open;

/// Size of the write-ahead log from which even a build that only read cleans up after others:
/// reading a log of this size at the next open costs about as long as a lookup.
const LOG_WORTH_A_CHECKPOINT: u64 = 1 << 20;

/// Size of the database from which reading all of it is worth help: a few thousand records.
const LARGE: u64 = 4 << 20;

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
    wrote: AtomicBool,
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
        let connection = open::writable(path, &boot)?;
        Ok(Self::over(connection, path, boot))
    }

    /// Opens the database for reading, as listings on a read-only state directory need it.
    ///
    /// # Errors
    ///
    /// As [`CacheDb::open`]; a file that is missing is [`CacheError::Open`], and one of an older
    /// schema [`CacheError::Foreign`].
    pub fn open_read_only(path: &Path, boot: BootId) -> Result<Self, CacheError> {
        let connection = open::read_only(path)?;
        Ok(Self::over(connection, path, boot))
    }

    fn over(connection: Connection, path: &Path, boot: BootId) -> Self {
        Self {
            path: path.to_owned(),
            boot,
            connection: Mutex::new(connection),
            wrote: AtomicBool::new(false),
        }
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
        self.read(|connection| {
            let mut found = Vec::new();
            connection.pragma_query(None, "integrity_check", |row| {
                found.push(row.get::<_, String>(0)?);
                Ok(())
            })?;
            found.retain(|line| line != "ok");
            connection.pragma_query(None, "foreign_key_check", |row| {
                found.push(format!(
                    "a row of {} names a row that is gone",
                    row.get::<_, String>(0)?
                ));
                Ok(())
            })?;
            Ok(found)
        })
    }

    pub(crate) fn boot(&self) -> &BootId {
        &self.boot
    }

    /// Runs queries.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        query(&self.connection()).map_err(|source| self.fault(source))
    }

    /// Runs queries that see the database as of one moment, and the helper with it if it can.
    pub(crate) fn read_one_moment<T>(
        &self,
        helper: Option<Connection>,
        queries: impl FnOnce(&Connection, Option<Connection>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        self.read(|connection| {
            let (transaction, helper) = moment::begin(connection, helper)?;
            queries(&transaction, helper)
        })
    }

    /// A second connection, for another thread.
    pub(crate) fn helper(&self) -> Option<Connection> {
        open::read_only(&self.path).ok()
    }

    /// Runs statements in one transaction, on disk when this returns.
    pub(crate) fn write<T>(
        &self,
        statements: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        self.wrote.store(true, Ordering::Relaxed);
        transact(&mut self.connection(), statements).map_err(|source| self.fault(source))
    }

    /// Runs statements in one transaction that a power cut may lose, but never tear.
    pub(crate) fn write_lazily<T>(
        &self,
        statements: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let mut connection = self.connection();
        let done = set_synchronous(&connection, "NORMAL")
            .and_then(|()| transact(&mut connection, statements));
        set_synchronous(&connection, "FULL")
            .and(done)
            .map_err(|source| self.fault(source))
    }

    /// Names the database in an error of SQLite.
    pub(crate) fn fault(&self, source: rusqlite::Error) -> CacheError {
        CacheError::from_use(&self.path, source)
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> CacheError {
        CacheError::Damaged {
            path: self.path.clone(),
            what: what.into(),
        }
    }

    /// A thread that panicked in a query left a transaction that was rolled back: nothing is torn.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether reading all of it takes a while.
    pub(crate) fn is_large(&self) -> bool {
        let metadata = std::fs::metadata(&self.path);
        metadata.is_ok_and(|metadata| metadata.len() >= LARGE)
    }

    fn log_size(&self) -> u64 {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        std::fs::metadata(log).map_or(0, |metadata| metadata.len())
    }
}

fn transact<T>(
    connection: &mut Connection,
    statements: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = statements(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

fn set_synchronous(connection: &Connection, level: &str) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", level)
}

impl Drop for CacheDb {
    /// Leaves the log to a later process, unless this one wrote or the log has grown.
    fn drop(&mut self) {
        if self.wrote.load(Ordering::Relaxed) || self.log_size() > LOG_WORTH_A_CHECKPOINT {
            // Should it fail, the log is merely read again at the next open.
            let _ = self
                .connection()
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
    }
}
