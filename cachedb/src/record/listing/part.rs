//! Reading records from the database, a part of them on each of two threads.

use std::ops::RangeInclusive;
use std::panic::resume_unwind;
use std::thread;

use rusqlite::{Connection, Row, Rows};
use zerocopy::little_endian::{I64, U64};

use super::texts::Texts;
use super::{ListedRecord, NO_SNAPSHOT, NONE};
use crate::db::column;
use crate::record::RecordId;

const RECORDS: &str = "SELECT id, parent, key, coalesce(shown, instruction), file, line, snapshot, \
     created FROM records WHERE id BETWEEN ?1 AND ?2 ORDER BY id";

/// Apart from the records: two walks in the order of the tables are faster than a join.
const USES: &str = "SELECT record, last_used, sequence, hits FROM usage \
     WHERE record BETWEEN ?1 AND ?2 ORDER BY record";

/// Without an index, which each use would have to keep: a walk takes 5 ms at 100,000 records.
const LATER_USES: &str = "SELECT record, last_used, sequence, hits FROM usage \
     WHERE sequence > ?1 ORDER BY record";

/// The records of a range of numbers, not yet linked.
#[derive(Default)]
pub(super) struct Part {
    pub(super) rows: Vec<ListedRecord>,
    /// Of each record.
    pub(super) parents: Vec<Option<RecordId>>,
    pub(super) texts: Texts,
}

/// Which uses are read.
pub(super) enum UsesOf<'a> {
    /// Of these records.
    Records(&'a RangeInclusive<i64>),
    /// Those that were counted since.
    Since(u64),
}

impl Part {
    /// All records with their uses, in the caller's transaction and in that of a helper.
    pub(super) fn all(
        connection: &Connection,
        helper: Option<Connection>,
    ) -> rusqlite::Result<Vec<Self>> {
        let Some(helper) = helper else {
            return Ok(vec![Self::read(connection, &(i64::MIN..=i64::MAX))?]);
        };
        let middle = middle(connection)?;
        let (one, other) = thread::scope(|scope| {
            let other = scope.spawn(move || Self::read(&helper, &(middle + 1..=i64::MAX)));
            let one = Self::read(connection, &(i64::MIN..=middle));
            let other = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            (one, other)
        });
        Ok(vec![one?, other?])
    }

    fn read(connection: &Connection, ids: &RangeInclusive<i64>) -> rusqlite::Result<Self> {
        let mut part = Self::records(connection, ids)?;
        read_uses(connection, &UsesOf::Records(ids), &mut part.rows)?;
        Ok(part)
    }

    /// The records of a range of numbers, without their uses.
    pub(super) fn records(
        connection: &Connection,
        ids: &RangeInclusive<i64>,
    ) -> rusqlite::Result<Self> {
        let mut part = Self::default();
        let mut statement = connection.prepare_cached(RECORDS)?;
        let mut rows = statement.query([ids.start(), ids.end()])?;
        while let Some(row) = rows.next()? {
            let record = part.read_record(row)?;
            part.rows.push(record);
            part.parents
                .push(row.get::<_, Option<i64>>(1)?.map(RecordId));
        }
        Ok(part)
    }

    fn read_record(&mut self, row: &Row<'_>) -> rusqlite::Result<ListedRecord> {
        let before = self.rows.last().map(|before| before.file);
        let snapshot = column::digest_or_null(row, 6)?;
        Ok(ListedRecord {
            id: row.get::<_, i64>(0)?.into(),
            key: column::digest(row, 2)?,
            text: self.texts.number(row.get_ref(3)?.as_str()?),
            file: self.texts.number_near(row.get_ref(4)?.as_str()?, before),
            line: row.get::<_, u32>(5)?.into(),
            snapshot: snapshot.unwrap_or(NO_SNAPSHOT),
            created: row.get::<_, i64>(7)?.into(),
            parent: NONE,
            last_used: I64::ZERO,
            use_sequence: U64::ZERO,
            hits: U64::ZERO,
        })
    }
}

/// Reads uses into the records that they are of; gives how many there were.
pub(super) fn read_uses(
    connection: &Connection,
    uses: &UsesOf<'_>,
    records: &mut [ListedRecord],
) -> rusqlite::Result<usize> {
    match uses {
        UsesOf::Records(ids) => {
            let mut statement = connection.prepare_cached(USES)?;
            merge_uses(statement.query([ids.start(), ids.end()])?, records)
        }
        UsesOf::Since(mark) => {
            let mut statement = connection.prepare_cached(LATER_USES)?;
            merge_uses(statement.query([column::signed(*mark)])?, records)
        }
    }
}

/// Both are in the order of the records' numbers.
fn merge_uses(mut uses: Rows<'_>, records: &mut [ListedRecord]) -> rusqlite::Result<usize> {
    let (mut count, mut at) = (0, 0);
    while let Some(row) = uses.next()? {
        let id = RecordId(row.get(0)?);
        while records.get(at).is_some_and(|record| record.id() < id) {
            at += 1;
        }
        if let Some(record) = records.get_mut(at).filter(|record| record.id() == id) {
            record.last_used = row.get::<_, i64>(1)?.into();
            record.use_sequence = column::unsigned(row, 2)?.into();
            record.hits = column::unsigned(row, 3)?.into();
        }
        count += 1;
    }
    Ok(count)
}

/// A number with about as many records up to it as above it.
fn middle(connection: &Connection) -> rusqlite::Result<i64> {
    // Asked for one by one, each is at an end of the table; together they are looked for.
    let end = |query: &str| connection.query_row(query, [], |row| row.get(0));
    let first: Option<i64> = end("SELECT min(id) FROM records")?;
    let last: Option<i64> = end("SELECT max(id) FROM records")?;
    Ok(first.unwrap_or(0).midpoint(last.unwrap_or(0)))
}
