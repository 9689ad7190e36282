//! The index of the build cache: one SQLite database from cache keys to snapshots.
//!
//! It keeps, for each executed instruction, its parent record, the normalised instruction, the
//! inputs behind its key as rows, and the snapshot that came of it. It touches no snapshot's files.
#![forbid(unsafe_code)]
