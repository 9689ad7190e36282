//! Looking records up.

use iechor_snapshotter::Digest;
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::prefix::DigestRange;
use super::row::{self, Proven};
use super::{Place, Record, RecordFilter, RecordId};
use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::key::CacheKey;
use crate::time::UnixMillis;

/// Digests that are read to tell an ambiguous prefix.
const CANDIDATES: usize = 10;

impl CacheDb {
    /// The newest child of `parent` with this key, or `None` on a miss (C2).
    ///
    /// # Errors
    ///
    /// [`CacheError::Damaged`] when the row contradicts its own seal: a damaged row is never
    /// taken for a result.
    pub fn lookup(
        &self,
        parent: Option<RecordId>,
        key: &CacheKey,
    ) -> Result<Option<Record>, CacheError> {
        // The sign keeps SQLite from walking all children of the parent: keys are rare.
        self.proven(
            "r.key = ?1 AND +r.parent IS ?2 ORDER BY r.id DESC LIMIT 1",
            params![key.digest().as_bytes(), parent.map(|parent| parent.0)],
        )
    }

    /// The record of this number.
    ///
    /// # Errors
    ///
    /// Those of SQLite, and [`CacheError::Damaged`].
    pub fn record(&self, id: RecordId) -> Result<Option<Record>, CacheError> {
        self.proven("r.id = ?1", [id.0])
    }

    /// The image config after the record's instruction, JSON: what a hit continues with.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`], [`CacheError::Damaged`], those of SQLite.
    pub fn config(&self, id: RecordId) -> Result<String, CacheError> {
        let found = self.read(|connection| read_config(connection, id))?;
        let (digest, config) = found.ok_or_else(|| CacheError::not_found("record", id.0))?;
        match config {
            Some(config) if Digest::of(config.as_bytes()) == digest => Ok(config),
            _ => Err(self.damaged(format!("config of record {}", id.0))),
        }
    }

    /// The records made on this one, oldest first.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn children(&self, id: RecordId) -> Result<Vec<Record>, CacheError> {
        self.read(|connection| select(connection, "r.parent = ?1 ORDER BY r.id", [id.0]))
    }

    /// The record and those below it, itself first and FROM last.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn ancestors(&self, id: RecordId) -> Result<Vec<Record>, CacheError> {
        // A parent is older than its child, so the order by number is the order of the chain.
        self.read(|connection| {
            select(
                connection,
                "r.id IN (WITH RECURSIVE chain (id) AS (VALUES (?1) UNION SELECT parent \
                 FROM records JOIN chain USING (id) WHERE parent IS NOT NULL) \
                 SELECT id FROM chain) ORDER BY r.id DESC",
                [id.0],
            )
        })
    }

    /// The newest record whose key or snapshot begins with these hexadecimal digits.
    ///
    /// `sha256:` in front is allowed. Records of one key or one snapshot count as one.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`] and [`CacheError::Ambiguous`].
    pub fn find_by_prefix(&self, prefix: &str) -> Result<Record, CacheError> {
        let range = DigestRange::of_prefix(prefix)
            .ok_or_else(|| CacheError::not_found("step or snapshot", prefix))?;
        let by_key = self.newest_in("key", &range)?;
        let by_snapshot = self.newest_in("snapshot", &range)?;
        one_of(prefix, by_key, by_snapshot)
    }

    /// When the last record whose key begins with these hexadecimal digits was pruned, as long as
    /// that is remembered and it was not made again.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn pruned_by_prefix(&self, prefix: &str) -> Result<Option<UnixMillis>, CacheError> {
        let Some(range) = DigestRange::of_prefix(prefix) else {
            return Ok(None);
        };
        self.read(|connection| {
            connection
                .prepare_cached("SELECT max(pruned) FROM tombstones WHERE key BETWEEN ?1 AND ?2")?
                .query_row([range.first, range.last], |row| row.get(0))
                .map(|pruned: Option<i64>| pruned.map(UnixMillis))
        })
    }

    /// The newest record of this file, stage and position: what stood here before.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn previous_at(&self, place: &Place) -> Result<Option<Record>, CacheError> {
        self.proven(
            "r.file = ?1 AND r.position = ?2 AND \
             (r.stage_index = ?3 OR r.stage_name = ?4) ORDER BY r.id DESC LIMIT 1",
            params![
                place.file,
                place.position,
                place.stage_index,
                place.stage_name
            ],
        )
    }

    /// All records that pass the filter, parents before children.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>, CacheError> {
        self.read(|connection| {
            select(
                connection,
                "(?1 IS NULL OR r.file = ?1) AND (?2 IS NULL OR r.stage_name = ?2 \
                 OR CAST(r.stage_index AS TEXT) = ?2) \
                 AND (?3 IS NULL OR r.kind = ?3 COLLATE NOCASE) ORDER BY r.id",
                params![filter.file, filter.stage, filter.kind],
            )
        })
    }

    /// The first record of a condition, compared with its seal.
    fn proven(&self, condition: &str, params: impl Params) -> Result<Option<Record>, CacheError> {
        let found = self.read(|connection| {
            connection
                .prepare_cached(&query(condition))?
                .query_row(params, row::read_proven)
                .optional()
        })?;
        match found {
            Some(Proven::Damaged(id)) => Err(self.damaged(format!("record {}", id.0))),
            Some(Proven::Whole(record)) => Ok(Some(*record)),
            None => Ok(None),
        }
    }

    /// The newest record of each digest in the range, by `key` or `snapshot`.
    fn newest_in(&self, name: &str, range: &DigestRange) -> Result<Vec<Record>, CacheError> {
        let condition = format!(
            "r.id IN (SELECT max(id) FROM records WHERE {name} BETWEEN ?1 AND ?2 \
             GROUP BY {name} ORDER BY {name} LIMIT {CANDIDATES}) ORDER BY r.id DESC"
        );
        self.read(|connection| select(connection, &condition, params![range.first, range.last]))
    }
}

fn query(condition: &str) -> String {
    format!(
        "SELECT {} FROM {} WHERE {condition}",
        row::COLUMNS,
        row::TABLES
    )
}

/// All records of a condition, unproven.
fn select(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<Record>> {
    connection
        .prepare_cached(&query(condition))?
        .query_map(params, row::read)?
        .collect()
}

fn read_config(
    connection: &Connection,
    id: RecordId,
) -> rusqlite::Result<Option<(Digest, Option<String>)>> {
    connection
        .prepare_cached(
            "SELECT r.config, CAST(s.bytes AS TEXT) FROM records AS r \
             LEFT JOIN shared AS s ON s.digest = r.config WHERE r.id = ?1",
        )?
        .query_row([id.0], |row| Ok((column::digest(row, 0)?, row.get(1)?)))
        .optional()
}

/// Among what a prefix fits there must be one key, or one snapshot.
fn one_of(
    prefix: &str,
    by_key: Vec<Record>,
    by_snapshot: Vec<Record>,
) -> Result<Record, CacheError> {
    let mut digests: Vec<Digest> = by_key.iter().map(|record| *record.key.digest()).collect();
    digests.extend(
        by_snapshot
            .iter()
            .filter_map(|r| r.snapshot)
            .map(|id| *id.digest()),
    );
    match digests.len() {
        0 => Err(CacheError::not_found("step or snapshot", prefix)),
        1 => by_key
            .into_iter()
            .chain(by_snapshot)
            .next()
            .ok_or_else(|| CacheError::not_found("step or snapshot", prefix)),
        _ => Err(CacheError::ambiguous(prefix, &digests)),
    }
}
