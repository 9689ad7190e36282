//! All records at once, with what listings and prunes need of them and no more.
//!
//! At 100,000 records `builder ls`, `du` and `prune` wait for little else. So no column is read that
//! they do not show, and texts that records have in common are kept once. A large database is read
//! in two halves side by side ([`part`]), and what was read is kept beside it, so that the next
//! listing reads only what was added and used since ([`kept`]).

mod kept;
mod mark;
mod nature;
mod part;
mod texts;

use std::path::{Path, PathBuf};

use iechor_snapshotter::{Digest, SnapshotId};
use rusqlite::Connection;
use zerocopy::little_endian::{I64, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use self::kept::{Kept, KeptRows};
use self::mark::Mark;
use self::part::{Part, UsesOf};
use self::texts::{TextId, Texts};
use super::RecordId;
use crate::db::CacheDb;
use crate::error::CacheError;
use crate::key::CacheKey;
use crate::time::UnixMillis;

pub(crate) use self::nature::{Nature, natures};

/// Stands for no parent; there are fewer records than that.
const NONE: U32 = U32::MAX_VALUE;

/// Stands for no snapshot: no hash is known to be zeros.
const NO_SNAPSHOT: Digest = Digest::from_bytes([0; 32]);

/// What was read is kept anew when more than one record in so many was added or used since.
const KEEP_ANEW: usize = 32;

/// A record as listings show it, and as [`kept`] keeps it. Unproven: nothing is taken for a result
/// by it.
#[derive(Clone, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ListedRecord {
    key: Digest,
    /// Zeros for an empty root file system.
    snapshot: Digest,
    id: I64,
    created: I64,
    last_used: I64,
    use_sequence: U64,
    hits: U64,
    parent: U32,
    text: TextId,
    file: TextId,
    line: U32,
}

/// All records, parents before children.
#[derive(Debug, Default)]
pub struct Listing {
    rows: Rows,
    texts: Texts,
}

#[derive(Debug)]
enum Rows {
    /// As they were kept.
    Kept(KeptRows),
    /// Read from the database, or changed since they were kept.
    Read(Vec<ListedRecord>),
}

impl CacheDb {
    /// All records.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn listing(&self) -> Result<Listing, CacheError> {
        self.with_listing(|_, listing| Ok(listing))
    }

    /// All records, and what else is asked of the same moment.
    pub(crate) fn with_listing<T>(
        &self,
        ask: impl FnOnce(&Connection, Listing) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        match self.is_large() {
            true => self.with_kept_listing(ask),
            false => self.read_one_moment(None, |connection, helper| {
                ask(connection, Listing::read(connection, helper)?)
            }),
        }
    }

    /// The same with the help of the listing that was kept, or keeping one.
    fn with_kept_listing<T>(
        &self,
        ask: impl FnOnce(&Connection, Listing) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let path = self.kept_listing();
        let kept = self.usable(Kept::open(&path));
        let helper = match kept {
            Some(_) => None,
            None => self.helper(),
        };
        self.read_one_moment(helper, |connection, helper| {
            let now = Mark::of(connection, self.boot())?;
            let listing = match kept.filter(|kept| kept.mark.leads_to(&now)) {
                Some(kept) => kept.caught_up(connection, &now, &path)?,
                None => Listing::read_to_keep(connection, helper, &now, &path)?,
            };
            ask(connection, listing)
        })
    }

    /// Where listings are kept.
    fn kept_listing(&self) -> PathBuf {
        self.path().with_extension("listing")
    }

    /// What was kept, if it can be caught up now.
    fn usable(&self, kept: Option<Kept>) -> Option<Kept> {
        let kept = kept?;
        let now = self.read(|connection| Mark::of(connection, self.boot()));
        now.is_ok_and(|now| kept.mark.leads_to(&now))
            .then_some(kept)
    }
}

impl ListedRecord {
    /// Its number.
    pub fn id(&self) -> RecordId {
        RecordId(self.id.get())
    }

    /// Its key.
    pub fn key(&self) -> CacheKey {
        CacheKey::new(self.key)
    }

    /// The result; `None` for an empty root file system (FROM scratch).
    pub fn snapshot(&self) -> Option<SnapshotId> {
        (self.snapshot != NO_SNAPSHOT).then_some(SnapshotId::new(self.snapshot))
    }

    /// Line in its iEchorfile, from 1.
    pub fn line(&self) -> u32 {
        self.line.get()
    }

    /// When it was executed.
    pub fn created(&self) -> UnixMillis {
        UnixMillis(self.created.get())
    }

    /// When a build last used it.
    pub fn last_used(&self) -> UnixMillis {
        UnixMillis(self.last_used.get())
    }

    /// Greater than that of every record used before.
    pub fn use_sequence(&self) -> u64 {
        self.use_sequence.get()
    }

    /// How many builds found it.
    pub fn hits(&self) -> u64 {
        self.hits.get()
    }

    /// Where the record that it was made on stands in the listing; `None` for FROM.
    pub fn parent(&self) -> Option<usize> {
        (self.parent != NONE).then_some(self.parent.get() as usize)
    }

    /// Whether it can stand there: after its parent, and naming texts that there are.
    fn fits(&self, at: usize, texts: &Texts) -> bool {
        let after_parent = self.parent().is_none_or(|parent| parent < at);
        after_parent && texts.has(self.text) && texts.has(self.file)
    }
}

impl Default for Rows {
    fn default() -> Self {
        Self::Read(Vec::new())
    }
}

impl Rows {
    fn get(&self) -> &[ListedRecord] {
        match self {
            Self::Kept(kept) => kept.get(),
            Self::Read(rows) => rows,
        }
    }

    /// To be changed: of what was kept, a copy.
    fn into_read(self) -> Vec<ListedRecord> {
        match self {
            Self::Kept(kept) => kept.get().to_vec(),
            Self::Read(rows) => rows,
        }
    }
}

impl Kept {
    /// The listing with what was added and used since.
    fn caught_up(
        self,
        connection: &Connection,
        now: &Mark,
        path: &Path,
    ) -> rusqlite::Result<Listing> {
        if self.mark == *now {
            return Ok(self.listing);
        }
        let mut reading = Reading::from(self.listing);
        let changes = reading.catch_up(connection, &self.mark)?;
        let is_worth_it = changes > reading.rows.len() / KEEP_ANEW;
        let listing = reading.finish();
        if is_worth_it {
            kept::write(path, now, &listing);
        }
        Ok(listing)
    }
}

impl Listing {
    /// Reads everything, and keeps it.
    fn read_to_keep(
        connection: &Connection,
        helper: Option<Connection>,
        now: &Mark,
        path: &Path,
    ) -> rusqlite::Result<Self> {
        let listing = Self::read(connection, helper)?;
        kept::write(path, now, &listing);
        Ok(listing)
    }

    /// Reads in the caller's transaction, and in that of a helper that sees the same moment.
    fn read(connection: &Connection, helper: Option<Connection>) -> rusqlite::Result<Self> {
        let mut reading = Reading::default();
        for part in Part::all(connection, helper)? {
            reading.append(part);
        }
        Ok(reading.finish())
    }

    /// The records, parents before children.
    pub fn rows(&self) -> &[ListedRecord] {
        self.rows.get()
    }

    /// The instruction of a record as people read it.
    pub fn text(&self, record: &ListedRecord) -> &str {
        self.texts.get(record.text)
    }

    /// The iEchorfile of a record as the user named it.
    pub fn file(&self, record: &ListedRecord) -> &str {
        self.texts.get(record.file)
    }

    /// Where a record stands.
    pub fn position(&self, id: RecordId) -> Option<usize> {
        let rows = self.rows();
        position_near(rows, id, rows.len())
    }

    /// The record that made the snapshot of the one at `at` its own: whether it is another one than
    /// that of its parent. FROM makes none.
    pub fn makes_layer(&self, at: usize) -> bool {
        let rows = self.rows();
        let parent = rows[at].parent();
        parent.is_some_and(|parent| rows[at].snapshot != rows[parent].snapshot)
    }
}

/// A listing that is being read.
#[derive(Debug, Default)]
struct Reading {
    rows: Vec<ListedRecord>,
    texts: Texts,
}

impl From<Listing> for Reading {
    fn from(listing: Listing) -> Self {
        Self {
            rows: listing.rows.into_read(),
            texts: listing.texts,
        }
    }
}

impl Reading {
    fn finish(self) -> Listing {
        Listing {
            rows: Rows::Read(self.rows),
            texts: self.texts,
        }
    }

    /// Reads what was added and used since a mark; gives the number of these records.
    fn catch_up(&mut self, connection: &Connection, since: &Mark) -> rusqlite::Result<usize> {
        let last = self.rows.last().map_or(i64::MIN, |last| last.id.get());
        self.append(Part::records(connection, &(last + 1..=i64::MAX))?);
        part::read_uses(connection, &UsesOf::Since(since.uses), &mut self.rows)
    }

    /// Adds younger records, and links each to the one that it was made on.
    fn append(&mut self, mut part: Part) {
        let shift = self.texts.join(part.texts);
        for row in &mut part.rows {
            shift.apply(&mut row.text);
            shift.apply(&mut row.file);
        }
        let begin = self.rows.len();
        self.rows.append(&mut part.rows);
        for (at, parent) in (begin..).zip(part.parents) {
            let parent = parent.and_then(|parent| position_near(&self.rows, parent, at));
            let parent = parent.and_then(|at| u32::try_from(at).ok());
            self.rows[at].parent = parent.map_or(NONE, U32::new);
        }
    }
}

/// Where a record stands, looked for from `near` downward first: numbers seldom have gaps, and most
/// records are made on the one before, or near it.
fn position_near(rows: &[ListedRecord], id: RecordId, near: usize) -> Option<usize> {
    let last = rows[..near].last()?.id();
    let guess = usize::try_from(last.0.saturating_sub(id.0))
        .ok()
        .and_then(|back| (near - 1).checked_sub(back));
    match guess {
        Some(at) if rows[at].id() == id => Some(at),
        _ => rows.binary_search_by_key(&id, ListedRecord::id).ok(),
    }
}

#[cfg(test)]
mod tests;
