//! What executed commands were run with, for a shell in their place. Never a secret's value (C14).

use rusqlite::{OptionalExtension, params};

use crate::db::CacheDb;
use crate::error::CacheError;
use crate::record::RecordId;

impl CacheDb {
    /// What the command of a record was run with, in the caller's own form; none for records of
    /// other instructions.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn run_setup(&self, record: RecordId) -> Result<Option<String>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT setup FROM run_setups WHERE record = ?1")?
                .query_row([record.0], |row| row.get(0))
                .optional()
        })
    }

    /// Keeps what the command of a record was run with; nothing is kept of a record that is gone.
    /// A power cut may lose it.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_run_setup(&self, record: RecordId, setup: &str) -> Result<(), CacheError> {
        self.write_lazily(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO run_setups (record, setup) \
                     SELECT id, ?2 FROM records WHERE id = ?1",
                )?
                .execute(params![record.0, setup])
                .map(drop)
        })
    }
}
