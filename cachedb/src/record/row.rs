//! Records as rows, and the seal that tells a damaged row from a good one.

use iechor_snapshotter::{Digest, SnapshotId};
use rusqlite::Row;

use super::{Durability, Place, Record, RecordId};
use crate::canonical::Encoder;
use crate::db::column;
use crate::key::CacheKey;
use crate::time::UnixMillis;

/// The columns that [`read`] takes, of `records AS r` and `usage AS u`.
pub(crate) const COLUMNS: &str = "r.id, r.parent, r.key, r.kind, r.instruction, r.shown, r.file, \
     r.line, r.stage_index, r.stage_name, r.position, r.snapshot, r.created, r.duration_ms, \
     r.own_bytes, r.boot, u.last_used, u.sequence, u.hits, r.config, r.seal";

/// Where [`COLUMNS`] come from.
pub(crate) const TABLES: &str = "records AS r JOIN usage AS u ON u.record = r.id";

/// Reads a record without proving it: for listings.
pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
    let instruction: String = row.get(4)?;
    Ok(Record {
        id: RecordId(row.get(0)?),
        parent: row.get::<_, Option<i64>>(1)?.map(RecordId),
        key: CacheKey::new(column::digest(row, 2)?),
        kind: row.get(3)?,
        text: row.get::<_, Option<String>>(5)?.unwrap_or(instruction),
        place: read_place(row, 6)?,
        snapshot: column::digest_or_null(row, 11)?.map(SnapshotId::new),
        created: UnixMillis(row.get(12)?),
        duration_ms: column::unsigned(row, 13)?,
        own_bytes: column::unsigned(row, 14)?,
        durability: durability(row.get::<_, Option<String>>(15)?.as_deref()),
        last_used: UnixMillis(row.get(16)?),
        use_sequence: column::unsigned(row, 17)?,
        hits: column::unsigned(row, 18)?,
    })
}

/// Reads a record and whether its seal is whole: for results that a build will use.
pub(super) fn read_proven(row: &Row<'_>) -> rusqlite::Result<Proven> {
    let record = read(row)?;
    let instruction: String = row.get(4)?;
    let shown: Option<String> = row.get(5)?;
    let sealed = Sealed {
        key: record.key,
        kind: &record.kind,
        instruction: &instruction,
        shown: shown.as_deref(),
        snapshot: record.snapshot,
        config: column::digest(row, 19)?,
    };
    let whole = sealed.digest() == column::digest(row, 20)?;
    Ok(if whole {
        Proven::Whole(Box::new(record))
    } else {
        Proven::Damaged(record.id)
    })
}

/// A record that was compared with its seal.
pub(super) enum Proven {
    Whole(Box<Record>),
    Damaged(RecordId),
}

/// Five columns from `first`: file, line, stage index, stage name, position.
pub(crate) fn read_place(row: &Row<'_>, first: usize) -> rusqlite::Result<Place> {
    Ok(Place {
        file: row.get(first)?,
        line: row.get(first + 1)?,
        stage_index: row.get(first + 2)?,
        stage_name: row.get(first + 3)?,
        position: row.get(first + 4)?,
    })
}

fn durability(boot: Option<&str>) -> Durability {
    boot.map_or(Durability::Durable, |_| Durability::Sealed)
}

/// What must not change by itself between writing a row and using it.
pub(super) struct Sealed<'a> {
    pub(super) key: CacheKey,
    pub(super) kind: &'a str,
    pub(super) instruction: &'a str,
    pub(super) shown: Option<&'a str>,
    pub(super) snapshot: Option<SnapshotId>,
    pub(super) config: Digest,
}

impl Sealed<'_> {
    pub(super) fn digest(&self) -> Digest {
        let mut to = Encoder::with_capacity(256);
        to.fixed(self.key.digest().as_bytes());
        to.string(self.kind.as_bytes());
        to.string(self.instruction.as_bytes());
        to.string(self.shown.unwrap_or_default().as_bytes());
        to.tag(u8::from(self.snapshot.is_some()));
        if let Some(snapshot) = self.snapshot {
            to.fixed(snapshot.digest().as_bytes());
        }
        to.fixed(self.config.as_bytes());
        Digest::of(&to.finish())
    }
}

/// A short stand-in for the instruction's text in an index.
pub(crate) fn text_hash(text: &str) -> i64 {
    let digest = Digest::of(text.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
    i64::from_le_bytes([a, b, c, d, e, f, g, h])
}
