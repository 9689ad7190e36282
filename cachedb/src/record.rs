//! Records: executed instructions and what came of them.

use iechor_snapshotter::SnapshotId;

use crate::db::CacheDb;
use crate::error::CacheError;
use crate::key::CacheKey;
use crate::recipe::Recipe;
use crate::time::UnixMillis;

/// Number of a record in this database; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub i64);

/// Where an instruction stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The iEchorfile as the user named it.
    pub file: String,
    /// Line in it, from 1.
    pub line: u32,
    /// Index of the stage in the file, from 0.
    pub stage_index: u32,
    /// Name of the stage, if it has one.
    pub stage_name: Option<String>,
    /// Position of the instruction in its stage; FROM is 0.
    pub position: u32,
}

/// How safe a record's snapshot is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Written in this boot, perhaps not yet on disk.
    Sealed,
    /// Survives a power cut.
    Durable,
}

/// An instruction that was executed and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub id: RecordId,
    /// The record that it was made on; `None` for FROM.
    pub parent: Option<RecordId>,
    /// Its key.
    pub key: CacheKey,
    /// The instruction's word in capitals.
    pub kind: String,
    /// The instruction as people read it.
    pub text: String,
    /// Where it stood when it was executed.
    pub place: Place,
    /// The result; `None` for an empty root file system (FROM scratch).
    pub snapshot: Option<SnapshotId>,
    /// When it was executed.
    pub created: UnixMillis,
    /// When a build last used it.
    pub last_used: UnixMillis,
    /// Greater than that of every record used before; least recently used means least of these.
    pub use_sequence: u64,
    /// How many builds found it.
    pub hits: u64,
    /// Execution time in milliseconds.
    pub duration_ms: u64,
    /// Bytes that its layer adds.
    pub own_bytes: u64,
    /// How safe it is.
    pub durability: Durability,
}

/// What the caller knows of a record that is about to be made.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// The record that it was made on; `None` for FROM.
    pub parent: Option<RecordId>,
    /// Where it stands.
    pub place: Place,
    /// The result; `None` for an empty root file system.
    pub snapshot: Option<SnapshotId>,
    /// The image config after this instruction, JSON.
    pub config: String,
    /// Now.
    pub created: UnixMillis,
    /// Execution time in milliseconds.
    pub duration_ms: u64,
    /// Bytes that its layer adds.
    pub own_bytes: u64,
    /// How safe the snapshot is.
    pub durability: Durability,
}

/// Which records a listing gives.
#[derive(Clone, Debug, Default)]
pub struct RecordFilter {
    /// Only those of this iEchorfile.
    pub file: Option<String>,
    /// Only those of this stage, by name or index.
    pub stage: Option<String>,
    /// Only those of this word, whatever its case.
    pub kind: Option<String>,
}

impl CacheDb {
    /// The newest child of `parent` with this key, or `None` on a miss (C2).
    ///
    /// # Errors
    ///
    /// [`CacheError::Damaged`] when the row contradicts its own checksum: a damaged row is never
    /// taken for a result.
    pub fn lookup(
        &self,
        parent: Option<RecordId>,
        key: &CacheKey,
    ) -> Result<Option<Record>, CacheError> {
        let _ = (parent, key);
        todo!()
    }

    /// Records an executed instruction and the inputs behind its key, in one transaction.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`] when the parent record is gone.
    pub fn insert(&self, new: &NewRecord, recipe: &Recipe) -> Result<Record, CacheError> {
        let _ = (new, recipe);
        todo!()
    }

    /// Says that the snapshots of these records are safe on disk.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn mark_durable(&self, records: &[RecordId]) -> Result<(), CacheError> {
        let _ = records;
        todo!()
    }

    /// Counts a hit for each of these records; loses at worst the count in a power cut.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn touch(&self, records: &[RecordId], now: UnixMillis) -> Result<(), CacheError> {
        let _ = (records, now);
        todo!()
    }

    /// The record of this number.
    ///
    /// # Errors
    ///
    /// Those of SQLite, and [`CacheError::Damaged`].
    pub fn record(&self, id: RecordId) -> Result<Option<Record>, CacheError> {
        let _ = id;
        todo!()
    }

    /// The image config after the record's instruction, JSON: what a hit continues with.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`], [`CacheError::Damaged`], those of SQLite.
    pub fn config(&self, id: RecordId) -> Result<String, CacheError> {
        let _ = id;
        todo!()
    }

    /// The recipe that the record was made by.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`], [`CacheError::Damaged`], those of SQLite.
    pub fn recipe(&self, id: RecordId) -> Result<Recipe, CacheError> {
        let _ = id;
        todo!()
    }

    /// The records made on this one, oldest first.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn children(&self, id: RecordId) -> Result<Vec<Record>, CacheError> {
        let _ = id;
        todo!()
    }

    /// The record and those below it, itself first and FROM last.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn ancestors(&self, id: RecordId) -> Result<Vec<Record>, CacheError> {
        let _ = id;
        todo!()
    }

    /// The newest record whose key or snapshot begins with these hexadecimal digits.
    ///
    /// `sha256:` in front is allowed. Records of one key or one snapshot count as one.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`] and [`CacheError::Ambiguous`].
    pub fn find_by_prefix(&self, prefix: &str) -> Result<Record, CacheError> {
        let _ = prefix;
        todo!()
    }

    /// The newest record of this file, stage index and position: what stood here before.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn previous_at(&self, place: &Place) -> Result<Option<Record>, CacheError> {
        let _ = place;
        todo!()
    }

    /// All records that pass the filter, parents before children.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>, CacheError> {
        let _ = filter;
        todo!()
    }
}
