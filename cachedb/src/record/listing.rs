//! All records at once, with what listings and prunes need of them and no more.
//!
//! At 100,000 records `builder ls`, `du` and `prune` wait for little else, so no column is read that
//! they do not show, texts that records have in common are kept once, and a large database is read
//! in two halves side by side.

mod texts;

use std::ops::RangeInclusive;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use iechor_snapshotter::SnapshotId;
use rusqlite::{Connection, Row};

use self::texts::{TextId, Texts};
use super::RecordId;
use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::key::CacheKey;
use crate::time::UnixMillis;

const RECORDS: &str = "SELECT id, parent, key, coalesce(shown, instruction), file, line, snapshot, \
     created FROM records WHERE id BETWEEN ?1 AND ?2 ORDER BY id";

/// Apart from the records: two walks in the order of the tables are faster than a join.
const USES: &str = "SELECT record, last_used, sequence, hits FROM usage \
     WHERE record BETWEEN ?1 AND ?2 ORDER BY record";

const NATURES: &str = "SELECT kind, stage_index, stage_name FROM records ORDER BY id";

/// Stands for no parent; there are fewer records than that.
const NONE: u32 = u32::MAX;

/// A record as listings show it. Unproven: nothing is taken for a result by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRecord {
    /// Its number.
    pub id: RecordId,
    /// Its key.
    pub key: CacheKey,
    /// The result; `None` for an empty root file system (FROM scratch).
    pub snapshot: Option<SnapshotId>,
    /// Line in its iEchorfile, from 1.
    pub line: u32,
    /// When it was executed.
    pub created: UnixMillis,
    /// When a build last used it.
    pub last_used: UnixMillis,
    /// Greater than that of every record used before.
    pub use_sequence: u64,
    /// How many builds found it.
    pub hits: u64,
    parent: u32,
    text: TextId,
    file: TextId,
}

/// What only filters ask of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nature {
    /// The instruction's word in capitals.
    pub(crate) kind: Arc<str>,
    /// Index of the stage in the file, from 0.
    pub(crate) stage_index: u32,
    /// Name of the stage, if it has one.
    pub(crate) stage_name: Option<Arc<str>>,
}

/// All records, parents before children.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    rows: Vec<ListedRecord>,
    texts: Texts,
}

impl CacheDb {
    /// All records.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn listing(&self) -> Result<Listing, CacheError> {
        self.read_one_moment(Listing::load)
    }
}

impl ListedRecord {
    /// Where the record that it was made on stands in the listing; `None` for FROM.
    pub fn parent(&self) -> Option<usize> {
        (self.parent != NONE).then_some(self.parent as usize)
    }
}

impl Listing {
    /// Reads in the caller's transaction, and in that of a helper that sees the same moment.
    pub(crate) fn load(
        connection: &Connection,
        helper: Option<Connection>,
    ) -> rusqlite::Result<Self> {
        let Some(helper) = helper else {
            return Part::read(connection, i64::MIN..=i64::MAX).map(Part::whole);
        };
        let middle = middle(connection)?;
        let (one, other) = thread::scope(|scope| {
            let other = scope.spawn(move || Part::read(&helper, middle + 1..=i64::MAX));
            let one = Part::read(connection, i64::MIN..=middle);
            let other = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            (one, other)
        });
        Ok(one?.followed_by(other?).whole())
    }

    /// The records, parents before children.
    pub fn rows(&self) -> &[ListedRecord] {
        &self.rows
    }

    /// The instruction of a record as people read it.
    pub fn text(&self, record: &ListedRecord) -> &Arc<str> {
        self.texts.get(record.text)
    }

    /// The iEchorfile of a record as the user named it.
    pub fn file(&self, record: &ListedRecord) -> &Arc<str> {
        self.texts.get(record.file)
    }

    /// Where a record stands.
    pub fn position(&self, id: RecordId) -> Option<usize> {
        position_near(&self.rows, id, self.rows.len())
    }

    /// The record that made the snapshot of the one at `at` its own: whether it is another one than
    /// that of its parent. FROM makes none.
    pub fn makes_layer(&self, at: usize) -> bool {
        let row = &self.rows[at];
        row.parent()
            .is_some_and(|parent| row.snapshot != self.rows[parent].snapshot)
    }
}

/// The nature of each record, in the order of the listing.
pub(crate) fn natures(connection: &Connection) -> rusqlite::Result<Vec<Nature>> {
    let mut texts = Texts::default();
    let mut text = |text: &str| {
        let id = texts.number(text);
        Arc::clone(texts.get(id))
    };
    let mut statement = connection.prepare_cached(NATURES)?;
    let read = |row: &Row<'_>| {
        Ok(Nature {
            kind: text(row.get_ref(0)?.as_str()?),
            stage_index: row.get(1)?,
            stage_name: row.get_ref(2)?.as_str_or_null()?.map(&mut text),
        })
    };
    statement.query_map([], read)?.collect()
}

/// A number with about as many records up to it as above it.
fn middle(connection: &Connection) -> rusqlite::Result<i64> {
    // Asked for one by one, each is at an end of the table; together they are looked for.
    let end = |query: &str| connection.query_row(query, [], |row| row.get(0));
    let first: Option<i64> = end("SELECT min(id) FROM records")?;
    let last: Option<i64> = end("SELECT max(id) FROM records")?;
    Ok(first.unwrap_or(0).midpoint(last.unwrap_or(0)))
}

/// Where a record stands, looked for from `near` downward first: numbers seldom have gaps, and most
/// records are made on the one before, or near it.
fn position_near(rows: &[ListedRecord], id: RecordId, near: usize) -> Option<usize> {
    let last = rows[..near].last()?;
    let guess = usize::try_from(last.id.0.saturating_sub(id.0))
        .ok()
        .and_then(|back| (near - 1).checked_sub(back));
    match guess {
        Some(at) if rows[at].id == id => Some(at),
        _ => rows.binary_search_by_key(&id, |record| record.id).ok(),
    }
}

/// The records of a range of numbers, not yet linked.
#[derive(Default)]
struct Part {
    rows: Vec<ListedRecord>,
    /// Of each record.
    parents: Vec<Option<RecordId>>,
    texts: Texts,
}

impl Part {
    fn read(connection: &Connection, ids: RangeInclusive<i64>) -> rusqlite::Result<Self> {
        let mut part = Self::default();
        part.read_records(connection, &ids)?;
        part.read_uses(connection, &ids)?;
        Ok(part)
    }

    fn read_records(
        &mut self,
        connection: &Connection,
        ids: &RangeInclusive<i64>,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(RECORDS)?;
        let mut rows = statement.query([ids.start(), ids.end()])?;
        while let Some(row) = rows.next()? {
            let record = self.read_record(row)?;
            self.rows.push(record);
            self.parents
                .push(row.get::<_, Option<i64>>(1)?.map(RecordId));
        }
        Ok(())
    }

    fn read_record(&mut self, row: &Row<'_>) -> rusqlite::Result<ListedRecord> {
        let before = self.rows.last().map(|before| before.file);
        Ok(ListedRecord {
            id: RecordId(row.get(0)?),
            key: CacheKey::new(column::digest(row, 2)?),
            text: self.texts.number(row.get_ref(3)?.as_str()?),
            file: self.texts.number_near(row.get_ref(4)?.as_str()?, before),
            line: row.get(5)?,
            snapshot: column::digest_or_null(row, 6)?.map(SnapshotId::new),
            created: UnixMillis(row.get(7)?),
            parent: NONE,
            last_used: UnixMillis(0),
            use_sequence: 0,
            hits: 0,
        })
    }

    fn read_uses(
        &mut self,
        connection: &Connection,
        ids: &RangeInclusive<i64>,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(USES)?;
        let mut uses = statement.query([ids.start(), ids.end()])?;
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

    fn followed_by(mut self, mut other: Self) -> Self {
        let shift = self.texts.join(other.texts);
        for row in &mut other.rows {
            shift.apply(&mut row.text);
            shift.apply(&mut row.file);
        }
        self.rows.append(&mut other.rows);
        self.parents.append(&mut other.parents);
        self
    }

    /// Links each record to the one that it was made on.
    fn whole(mut self) -> Listing {
        for (at, parent) in self.parents.iter().enumerate() {
            let parent = parent.and_then(|parent| position_near(&self.rows, parent, at));
            self.rows[at].parent = parent.and_then(|at| u32::try_from(at).ok()).unwrap_or(NONE);
        }
        Listing {
            rows: self.rows,
            texts: self.texts,
        }
    }
}

#[cfg(test)]
mod tests {
    use iechor_snapshotter::Digest;

    use super::*;
    use crate::{BootId, Durability, Input, NewRecord, Place, Recipe};

    fn recipe(parent: Option<CacheKey>, number: usize) -> Recipe {
        Recipe {
            parent,
            kind: "RUN".to_owned(),
            instruction: format!("RUN make {}", number % 7),
            shown: None,
            inputs: vec![Input::arg("NUMBER", &number.to_string())],
        }
    }

    fn new_record(parent: Option<RecordId>, number: usize) -> NewRecord {
        NewRecord {
            parent,
            place: Place {
                file: format!("{}/iEchorfile", number % 3),
                line: 1,
                stage_index: 0,
                stage_name: None,
                position: 0,
            },
            snapshot: Some(SnapshotId::new(Digest::of(&number.to_le_bytes()))),
            config: "{}".to_owned(),
            created: UnixMillis(1),
            duration_ms: 0,
            own_bytes: 0,
            durability: Durability::Durable,
        }
    }

    /// A forest whose branches reach over the middle.
    fn database(path: &std::path::Path) -> CacheDb {
        let db = CacheDb::open(path, BootId(String::new())).unwrap();
        let mut made: Vec<crate::Record> = Vec::new();
        for number in 0..60 {
            let parent = made.get(number / 3).filter(|_| number % 10 > 0);
            let recipe = recipe(parent.map(|parent| parent.key), number);
            let new = new_record(parent.map(|parent| parent.id), number);
            made.push(db.insert(&new, &recipe).unwrap());
        }
        let used: Vec<_> = made.iter().step_by(4).map(|record| record.id).collect();
        db.touch(&used, UnixMillis(9)).unwrap();
        db
    }

    /// All that a listing says, its texts in full.
    fn told(listing: &Listing) -> Vec<String> {
        let rows = listing.rows().iter().enumerate();
        rows.map(|(at, row)| {
            let (text, file) = (listing.text(row), listing.file(row));
            let parent = row.parent().map(|parent| listing.rows()[parent].id);
            let uses = (row.last_used, row.use_sequence, row.hits);
            let known = listing.position(row.id) == Some(at);
            format!("{:?} {parent:?} {text} {file} {uses:?} {known}", row.id)
        })
        .collect()
    }

    #[test]
    fn two_halves_make_the_same_listing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.db");
        let db = database(&path);
        let load = |helper| {
            db.read(|connection| Listing::load(connection, helper))
                .unwrap()
        };
        let alone = load(None);
        let helped = load(Some(Connection::open(&path).unwrap()));
        assert_eq!(alone.rows().len(), 60);
        assert_eq!(told(&helped), told(&alone));
        assert!(told(&alone)[59].contains("Some(RecordId(20)) RUN make 3 2/iEchorfile"));
    }
}
