//! The index of the build cache: one SQLite database from cache keys to snapshots.
//!
//! Every instruction of a stage is one [`Record`] whose parent is the record of the instruction
//! before it. A lookup asks for the children of a record by key; the newest answers.
//!
//! ```text
//!   Recipe ──.key()──► CacheKey ─┐
//!   (parent key, instruction,    ├─► CacheDb::lookup(parent record, key) ──► Record ──config()──► JSON
//!    inputs by cache rule)       │
//!         └──────────────────────┴─► CacheDb::explain(…) ──► MissReason: old value and new
//! ```
//!
//! | module | keeps |
//! | --- | --- |
//! | [`key`], [`recipe`], [`file_set`] | what enters a key, and its canonical encoding |
//! | [`db`], [`record`] | the database and the records of executed instructions |
//! | [`miss`] | why an instruction was executed again |
//! | [`image`], [`layer`], [`build`] | the image list, layer digests, the history of builds |
//! | [`memo`], [`witness`], [`validator`] | what spares reading files and URLs again |
//! | [`lease`], [`key_lock`] | `flock`s that guard snapshots in use and steps under way |
//! | [`gc`] | what a prune would remove, and removing it |
//!
//! # Invariants
//!
//! * This crate touches no snapshot's files, reads no clock, no environment and no iEchorfile.
//! * A record's parent outlives it, and a `(parent, key)` pair may have several records: those of
//!   `--no-cache` builds (rule C10). Children belong to the record that they were made on.
//! * Rows of state [`Durability::Sealed`] are good in the boot that wrote them and dropped in any
//!   other; rows of state [`Durability::Durable`] name snapshots that are safe on disk.
//! * No secret's content reaches this crate: inputs hold properties of secrets alone (C14, C15).
#![forbid(unsafe_code)]

pub mod build;
mod canonical;
pub mod db;
pub mod error;
pub mod file_set;
pub mod gc;
pub mod image;
pub mod key;
pub mod key_lock;
pub mod layer;
pub mod lease;
mod lock_file;
pub mod memo;
pub mod miss;
pub mod recipe;
pub mod record;
mod run_setup;
pub mod time;
pub mod validator;
pub mod witness;

pub use build::{Build, BuildId, BuildStatus, BuildStep, NewBuild, NewStep, StepId, StepOutcome};
pub use db::{BootId, CacheDb};
pub use error::CacheError;
pub use file_set::{ContextDigest, FileFact, FileKind, FileSet, Stamp};
pub use image::{Image, NewImage};
pub use key::{CacheKey, Rule};
pub use key_lock::KeyLock;
pub use layer::{CompressedLayer, LayerDigests};
pub use lease::{ClosedGate, Lease, LeaseDir, LockError};
pub use memo::{StatMemo, StatStamp};
pub use miss::{Comparison, Explanation, Hint, MissReason};
pub use recipe::{Input, InputValue, Recipe};
pub use record::{
    Durability, ListedRecord, Listing, NewRecord, Place, Record, RecordFilter, RecordId,
};
pub use time::{FileTime, UnixMillis};
pub use validator::HttpValidators;
pub use witness::Witness;
