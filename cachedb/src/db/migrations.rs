//! The schema's history. Entries are never changed or removed, only added.

use rusqlite::{Connection, Transaction};

/// `PRAGMA application_id` of our databases: "iEch".
pub(crate) const APPLICATION_ID: i64 = 0x6945_6368;

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
];

/// The newest schema version that this program knows.
pub(crate) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// What a database file says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) application: i64,
    pub(crate) version: i64,
}

impl Identity {
    pub(crate) const CURRENT: Self = Self {
        application: APPLICATION_ID,
        version: KNOWN,
    };
    pub(crate) const BLANK: Self = Self {
        application: 0,
        version: 0,
    };

    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            application: pragma(connection, "application_id")?,
            version: pragma(connection, "user_version")?,
        })
    }
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Applies what is missing after `from`, in the caller's transaction.
pub(crate) fn migrate(transaction: &Transaction<'_>, from: i64) -> rusqlite::Result<()> {
    let applied = usize::try_from(from).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(applied) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", KNOWN)
}
