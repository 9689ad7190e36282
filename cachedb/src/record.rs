//! Records: executed instructions and what came of them.
//!
//! `insert` makes them, `find` looks them up, `listing` reads all at once, `used` counts hits and
//! durability, `inputs` keeps what is behind their keys, `row` is their form in the database.

use iechor_snapshotter::SnapshotId;

use crate::key::CacheKey;
use crate::time::UnixMillis;

mod find;
mod inputs;
mod insert;
mod listing;
pub(crate) mod prefix;
mod row;
mod used;

pub use listing::{ListedRecord, Listing};

pub(crate) use listing::{Nature, natures};

pub(crate) use inputs::{read as read_recipe, small_columns};
pub(crate) use row::{read_place, text_hash};

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
