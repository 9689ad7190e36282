//! All records at once, with what listings and prunes need of them and no more.
//!
//! Texts that many records have in common are kept once. At 100,000 records this is several times
//! faster than reading each [`Record`](super::Record), and `builder ls`, `du` and `prune` wait for
//! little else.

use std::collections::HashSet;
use std::sync::Arc;

use iechor_snapshotter::SnapshotId;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::RecordId;
use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::key::CacheKey;
use crate::time::UnixMillis;

const RECORDS: &str = "SELECT id, parent, key, kind, coalesce(shown, instruction), file, line, \
     stage_index, stage_name, snapshot, created FROM records ORDER BY id";

/// Apart from the records: two walks in the order of the tables are faster than a join.
const USES: &str = "SELECT record, last_used, sequence, hits FROM usage ORDER BY record";

/// A record as listings show it. Unproven: nothing is taken for a result by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRecord {
    /// Its number.
    pub id: RecordId,
    /// Where the record that it was made on stands in the listing; `None` for FROM.
    pub parent: Option<usize>,
    /// Its key.
    pub key: CacheKey,
    /// The instruction's word in capitals.
    pub kind: Arc<str>,
    /// The instruction as people read it.
    pub text: Arc<str>,
    /// The iEchorfile as the user named it.
    pub file: Arc<str>,
    /// Line in it, from 1.
    pub line: u32,
    /// Index of the stage in the file, from 0.
    pub stage_index: u32,
    /// Name of the stage, if it has one.
    pub stage_name: Option<Arc<str>>,
    /// The result; `None` for an empty root file system (FROM scratch).
    pub snapshot: Option<SnapshotId>,
    /// When it was executed.
    pub created: UnixMillis,
    /// When a build last used it.
    pub last_used: UnixMillis,
    /// Greater than that of every record used before.
    pub use_sequence: u64,
    /// How many builds found it.
    pub hits: u64,
}

/// All records, parents before children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    rows: Vec<ListedRecord>,
}

impl CacheDb {
    /// All records.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn listing(&self) -> Result<Listing, CacheError> {
        self.read(|connection| {
            let transaction = connection.unchecked_transaction()?;
            Listing::load(&transaction)
        })
    }
}

impl Listing {
    /// Reads in the caller's transaction, so that records and uses are of one moment.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut listing = Self::default();
        listing.read_records(connection)?;
        listing.read_uses(connection)?;
        Ok(listing)
    }

    /// The records, parents before children.
    pub fn rows(&self) -> &[ListedRecord] {
        &self.rows
    }

    /// Where a record stands.
    pub fn position(&self, id: RecordId) -> Option<usize> {
        self.position_near(id, self.rows.len())
    }

    /// The record that made the snapshot of the one at `at` its own: whether it is another one than
    /// that of its parent. FROM makes none.
    pub fn makes_layer(&self, at: usize) -> bool {
        let row = &self.rows[at];
        row.parent
            .is_some_and(|parent| row.snapshot != self.rows[parent].snapshot)
    }

    fn read_records(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut texts = Texts::default();
        let mut statement = connection.prepare_cached(RECORDS)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let parent = row.get::<_, Option<i64>>(1)?.map(RecordId);
            // Most are made on the one before, or near it.
            let parent = parent.and_then(|parent| self.position_near(parent, self.rows.len()));
            self.rows.push(read_record(row, parent, &mut texts)?);
        }
        Ok(())
    }

    fn read_uses(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(USES)?;
        let mut uses = statement.query([])?;
        let mut at = 0;
        while let Some(row) = uses.next()? {
            let id = RecordId(row.get(0)?);
            while self.rows.get(at).is_some_and(|record| record.id < id) {
                at += 1;
            }
            if let Some(record) = self.rows.get_mut(at).filter(|record| record.id == id) {
                record.last_used = UnixMillis(row.get(1)?);
                record.use_sequence = column::unsigned(row, 2)?;
                record.hits = column::unsigned(row, 3)?;
            }
        }
        Ok(())
    }

    /// Where a record stands, looked for from `near` downward first: numbers seldom have gaps.
    fn position_near(&self, id: RecordId, near: usize) -> Option<usize> {
        let last = self.rows[..near].last()?;
        let guess = usize::try_from(last.id.0.saturating_sub(id.0))
            .ok()
            .and_then(|back| (near - 1).checked_sub(back));
        if let Some(at) = guess
            && self.rows[at].id == id
        {
            return Some(at);
        }
        self.rows.binary_search_by_key(&id, |record| record.id).ok()
    }
}

fn read_record(
    row: &Row<'_>,
    parent: Option<usize>,
    texts: &mut Texts,
) -> rusqlite::Result<ListedRecord> {
    Ok(ListedRecord {
        id: RecordId(row.get(0)?),
        parent,
        key: CacheKey::new(column::digest(row, 2)?),
        kind: texts.get(row.get_ref(3)?.as_str()?),
        text: texts.get(row.get_ref(4)?.as_str()?),
        file: texts.get(row.get_ref(5)?.as_str()?),
        line: row.get(6)?,
        stage_index: row.get(7)?,
        stage_name: match row.get_ref(8)? {
            ValueRef::Null => None,
            name => Some(texts.get(name.as_str()?)),
        },
        snapshot: column::digest_or_null(row, 9)?.map(SnapshotId::new),
        created: UnixMillis(row.get(10)?),
        last_used: UnixMillis(0),
        use_sequence: 0,
        hits: 0,
    })
}

/// Texts, each kept once.
#[derive(Default)]
struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.0.insert(Arc::clone(&text));
        text
    }
}
