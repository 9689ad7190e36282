//! What tells one state of the records from another.

use rusqlite::Connection;

use crate::db::{BootId, column};

/// A state of the records of one database. Records are only added, used and removed, and their
/// numbers are never given twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) database: [u8; 16],
    /// A power cut may take uses back that were counted, so none outlives the boot.
    pub(super) boot: String,
    pub(super) removed: u64,
    /// Greater with each record that is added or used.
    pub(super) uses: u64,
}

impl Mark {
    pub(super) fn of(connection: &Connection, boot: &BootId) -> rusqlite::Result<Self> {
        const QUERY: &str = "SELECT database, removed, value FROM copy_state, use_counter";
        connection.prepare_cached(QUERY)?.query_row([], |row| {
            Ok(Self {
                database: row.get(0)?,
                boot: boot.0.clone(),
                removed: column::unsigned(row, 1)?,
                uses: column::unsigned(row, 2)?,
            })
        })
    }

    /// Whether records were at most added and used from here to there.
    pub(super) fn leads_to(&self, later: &Self) -> bool {
        let as_later = Self {
            uses: later.uses,
            ..self.clone()
        };
        as_later == *later && self.uses <= later.uses
    }
}
