//! Making records.

use iechor_snapshotter::Digest;
use rusqlite::{OptionalExtension, Transaction, params};

use super::row::{Sealed, text_hash};
use super::{Durability, NewRecord, Record, RecordId, inputs, used};
use crate::db::column::signed;
use crate::db::{BootId, CacheDb};
use crate::error::CacheError;
use crate::key::CacheKey;
use crate::recipe::Recipe;

impl CacheDb {
    /// Records an executed instruction and the inputs behind its key, in one transaction.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`] when the parent record is gone.
    pub fn insert(&self, new: &NewRecord, recipe: &Recipe) -> Result<Record, CacheError> {
        let key = recipe.key();
        let inserted = self.write(|transaction| {
            if !parent_is_there(transaction, new.parent)? {
                return Ok(None);
            }
            let config = share(transaction, new.config.as_bytes())?;
            let id = insert_row(transaction, new, recipe, key, config, self.boot())?;
            inputs::write(transaction, id, recipe)?;
            let sequence = used::begin(transaction, id, new.created)?;
            forget_tombstone(transaction, &key)?;
            Ok(Some((id, sequence)))
        })?;
        let parent = || new.parent.map_or(0, |parent| parent.0);
        let (id, sequence) =
            inserted.ok_or_else(|| CacheError::not_found("parent record", parent()))?;
        Ok(record(new, recipe, key, id, sequence))
    }
}

fn parent_is_there(
    transaction: &Transaction<'_>,
    parent: Option<RecordId>,
) -> rusqlite::Result<bool> {
    let Some(parent) = parent else {
        return Ok(true);
    };
    transaction
        .prepare_cached("SELECT 1 FROM records WHERE id = ?1")?
        .exists([parent.0])
}

/// Keeps bytes once, whoever needs them, and gives their name.
pub(super) fn share(transaction: &Transaction<'_>, bytes: &[u8]) -> rusqlite::Result<Digest> {
    let digest = Digest::of(bytes);
    let known = transaction
        .prepare_cached("SELECT 1 FROM shared WHERE digest = ?1")?
        .query_row([digest.as_bytes()], |_| Ok(()))
        .optional()?;
    if known.is_none() {
        transaction
            .prepare_cached("INSERT INTO shared (digest, bytes) VALUES (?1, ?2)")?
            .execute(params![digest.as_bytes(), bytes])?;
    }
    Ok(digest)
}

fn insert_row(
    transaction: &Transaction<'_>,
    new: &NewRecord,
    recipe: &Recipe,
    key: CacheKey,
    config: Digest,
    boot: &BootId,
) -> rusqlite::Result<RecordId> {
    let sealed = Sealed {
        key,
        kind: &recipe.kind,
        instruction: &recipe.instruction,
        shown: recipe.shown.as_deref(),
        snapshot: new.snapshot,
        config,
    };
    transaction
        .prepare_cached(
            "INSERT INTO records (parent, key, parent_key, kind, instruction, shown, text_hash, \
             file, line, stage_index, stage_name, position, snapshot, config, created, \
             duration_ms, own_bytes, boot, seal) VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )?
        .insert(params![
            new.parent.map(|parent| parent.0),
            key.digest().as_bytes(),
            recipe.parent.as_ref().map(|parent| parent.digest().as_bytes()),
            recipe.kind,
            recipe.instruction,
            recipe.shown,
            text_hash(recipe.text()),
            new.place.file,
            new.place.line,
            new.place.stage_index,
            new.place.stage_name,
            new.place.position,
            new.snapshot.as_ref().map(|snapshot| snapshot.digest().as_bytes()),
            config.as_bytes(),
            new.created.0,
            signed(new.duration_ms),
            signed(new.own_bytes),
            (new.durability == Durability::Sealed).then_some(&boot.0),
            sealed.digest().as_bytes(),
        ])
        .map(RecordId)
}

fn forget_tombstone(transaction: &Transaction<'_>, key: &CacheKey) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM tombstones WHERE key = ?1")?
        .execute([key.digest().as_bytes()])
        .map(drop)
}

fn record(
    new: &NewRecord,
    recipe: &Recipe,
    key: CacheKey,
    id: RecordId,
    use_sequence: u64,
) -> Record {
    Record {
        id,
        parent: new.parent,
        key,
        kind: recipe.kind.clone(),
        text: recipe.text().to_owned(),
        place: new.place.clone(),
        snapshot: new.snapshot,
        created: new.created,
        last_used: new.created,
        use_sequence,
        hits: 0,
        duration_ms: new.duration_ms,
        own_bytes: new.own_bytes,
        durability: new.durability,
    }
}
