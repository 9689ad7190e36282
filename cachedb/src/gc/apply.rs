//! Applying a plan.

use std::collections::HashSet;

use iechor_snapshotter::{Digest, SnapshotId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{GcItem, GcOutcome, GcPlan, GcTarget, GcView};
use crate::build::StepId;
use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::record::RecordId;
use crate::time::UnixMillis;

/// Tombstones that are kept: as many records as the index is made for.
const TOMBSTONES: u32 = 100_000;

/// Whether any row names the snapshot `?1`.
const NAMED: &str = "SELECT EXISTS (SELECT 1 FROM records WHERE snapshot = ?1) \
     OR EXISTS (SELECT 1 FROM image_layers WHERE snapshot = ?1) \
     OR EXISTS (SELECT 1 FROM build_steps \
                WHERE outcome = 'failed' AND snapshot IS NOT NULL AND snapshot = ?1)";

impl CacheDb {
    /// Deletes the plan's rows in one transaction and says which snapshots no row names any more.
    ///
    /// What was leased, was used, or got a child since the plan was made stays.
    ///
    /// # Locking
    ///
    /// The gate of the leases is closed until the caller has deleted the snapshots.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn apply_gc(&self, plan: &GcPlan, view: GcView<'_>) -> Result<GcOutcome, CacheError> {
        self.write(|transaction| {
            let (mut removed, mut snapshots) = (Vec::new(), Vec::new());
            for item in &plan.items {
                let named = snapshots_of(transaction, &item.target)?;
                let is_leased = named.iter().any(view.leased);
                if !is_leased && delete(transaction, item, view.now)? {
                    removed.push(item.clone());
                    snapshots.extend(named);
                }
            }
            let snapshots = unnamed(transaction, snapshots)?;
            forget_layers(transaction, &snapshots)?;
            drop_unshared(transaction)?;
            trim_tombstones(transaction)?;
            Ok(GcOutcome { removed, snapshots })
        })
    }

    /// Every snapshot that a record, an image or a failed step names: the roots of the store.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn referenced_snapshots(&self) -> Result<Vec<SnapshotId>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT snapshot FROM records WHERE snapshot IS NOT NULL \
                     UNION SELECT snapshot FROM image_layers \
                     UNION SELECT snapshot FROM build_steps \
                     WHERE outcome = 'failed' AND snapshot IS NOT NULL",
                )?
                .query_map([], |row| column::digest(row, 0).map(SnapshotId::new))?
                .collect()
        })
    }
}

impl GcItem {
    /// The record that goes, if it is one.
    pub fn record(&self) -> Option<RecordId> {
        match &self.target {
            GcTarget::Record { id, .. } => Some(*id),
            GcTarget::FailedState(_) | GcTarget::Image(_) => None,
        }
    }
}

/// The snapshots that a row names, the topmost first.
fn snapshots_of(connection: &Connection, target: &GcTarget) -> rusqlite::Result<Vec<SnapshotId>> {
    Ok(match target {
        GcTarget::Record { id, .. } => connection
            .prepare_cached("SELECT snapshot FROM records WHERE id = ?1 AND snapshot NOT NULL")?
            .query_row([id.0], |row| column::digest(row, 0).map(SnapshotId::new))
            .optional()?
            .into_iter()
            .collect(),
        GcTarget::FailedState(state) => vec![state.snapshot],
        GcTarget::Image(image) => image.chain.iter().rev().copied().collect(),
    })
}

fn delete(transaction: &Transaction<'_>, item: &GcItem, now: UnixMillis) -> rusqlite::Result<bool> {
    match &item.target {
        GcTarget::Record {
            id, use_sequence, ..
        } => delete_record(transaction, *id, *use_sequence, now),
        GcTarget::FailedState(state) => forget_state(transaction, &state.steps, &state.snapshot),
        GcTarget::Image(image) => forget_image(transaction, &image.id),
    }
}

/// Deletes a record that nobody has used since and on which nothing is made.
fn delete_record(
    transaction: &Transaction<'_>,
    id: RecordId,
    use_sequence: u64,
    now: UnixMillis,
) -> rusqlite::Result<bool> {
    let key: Option<[u8; 32]> = transaction
        .prepare_cached(
            "SELECT key FROM records WHERE id = ?1 \
             AND NOT EXISTS (SELECT 1 FROM records AS child WHERE child.parent = ?1) \
             AND EXISTS (SELECT 1 FROM usage WHERE record = ?1 AND sequence = ?2)",
        )?
        .query_row(params![id.0, column::signed(use_sequence)], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(key) = key {
        bury(transaction, id, &key, now)?;
    }
    Ok(key.is_some())
}

/// Deletes a record; its key, and the steps that had it, keep when that was.
fn bury(
    transaction: &Transaction<'_>,
    id: RecordId,
    key: &[u8; 32],
    now: UnixMillis,
) -> rusqlite::Result<()> {
    // Before the record goes: then its steps do not name it any more.
    transaction
        .prepare_cached("UPDATE build_steps SET pruned = ?2 WHERE record = ?1")?
        .execute(params![id.0, now.0])?;
    transaction
        .prepare_cached("DELETE FROM records WHERE id = ?1")?
        .execute([id.0])?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO tombstones (key, pruned) VALUES (?1, ?2)")?
        .execute(params![key, now.0])
        .map(drop)
}

fn forget_state(
    transaction: &Transaction<'_>,
    steps: &[StepId],
    snapshot: &SnapshotId,
) -> rusqlite::Result<bool> {
    let mut forget = transaction
        .prepare_cached("UPDATE build_steps SET snapshot = NULL WHERE id = ?1 AND snapshot = ?2")?;
    let mut forgotten = 0;
    for step in steps {
        forgotten += forget.execute(params![step.0, snapshot.digest().as_bytes()])?;
    }
    Ok(forgotten > 0)
}

/// Takes an image off the list, unless it got a name meanwhile.
fn forget_image(transaction: &Transaction<'_>, id: &Digest) -> rusqlite::Result<bool> {
    transaction
        .prepare_cached(
            "DELETE FROM images WHERE id = ?1 \
             AND NOT EXISTS (SELECT 1 FROM image_names WHERE image = ?1)",
        )?
        .execute([id.as_bytes()])
        .map(|gone| gone > 0)
}

/// The snapshots of what went that nothing names any more, each once, in the order of removal.
fn unnamed(
    connection: &Connection,
    snapshots: Vec<SnapshotId>,
) -> rusqlite::Result<Vec<SnapshotId>> {
    let mut named = connection.prepare_cached(NAMED)?;
    let mut seen = HashSet::new();
    let mut unnamed = Vec::new();
    for snapshot in snapshots {
        let is_named: bool = named.query_row([snapshot.digest().as_bytes()], |row| row.get(0))?;
        if !is_named && seen.insert(snapshot) {
            unnamed.push(snapshot);
        }
    }
    Ok(unnamed)
}

fn forget_layers(transaction: &Transaction<'_>, snapshots: &[SnapshotId]) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare_cached("DELETE FROM layers WHERE snapshot = ?1")?;
    for snapshot in snapshots {
        delete.execute([snapshot.digest().as_bytes()])?;
    }
    Ok(())
}

/// Configs and file sets that no record needs any more.
fn drop_unshared(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "DELETE FROM shared WHERE digest NOT IN (SELECT config FROM records \
         UNION ALL SELECT digest FROM inputs WHERE form = 4)",
    )
}

fn trim_tombstones(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "DELETE FROM tombstones WHERE key IN \
             (SELECT key FROM tombstones ORDER BY pruned DESC LIMIT -1 OFFSET ?1)",
        )?
        .execute([TOMBSTONES])
        .map(drop)
}
