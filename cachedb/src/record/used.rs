//! Uses of records, and when their snapshots are safe.

use rusqlite::{Transaction, params};

use super::RecordId;
use crate::db::CacheDb;
use crate::error::CacheError;
use crate::time::UnixMillis;

impl CacheDb {
    /// Counts a hit for each of these records; a power cut loses at worst the count.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn touch(&self, records: &[RecordId], now: UnixMillis) -> Result<(), CacheError> {
        self.write_lazily(|transaction| {
            let sequence = next_sequence(transaction)?;
            let mut update = transaction.prepare_cached(
                "UPDATE usage SET last_used = ?2, sequence = ?3, hits = hits + 1 WHERE record = ?1",
            )?;
            for record in records {
                update.execute(params![record.0, now.0, sequence])?;
            }
            Ok(())
        })
    }

    /// Says that the snapshots of these records are safe on disk.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn mark_durable(&self, records: &[RecordId]) -> Result<(), CacheError> {
        if records.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut update = transaction
                .prepare_cached("UPDATE records SET boot = NULL WHERE id = ?1 AND boot NOT NULL")?;
            for record in records {
                update.execute([record.0])?;
            }
            Ok(())
        })
    }
}

/// Writes the first use of a new record and gives its place in the order of uses.
pub(super) fn begin(
    transaction: &Transaction<'_>,
    record: RecordId,
    now: UnixMillis,
) -> rusqlite::Result<u64> {
    let sequence = next_sequence(transaction)?;
    transaction
        .prepare_cached(
            "INSERT INTO usage (record, last_used, sequence, hits) VALUES (?1, ?2, ?3, 0)",
        )?
        .execute(params![record.0, now.0, sequence])?;
    Ok(u64::try_from(sequence).unwrap_or(0))
}

fn next_sequence(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached("UPDATE use_counter SET value = value + 1 RETURNING value")?
        .query_row([], |row| row.get(0))
}
