//! Two connections that see the database as of the same moment.

use rusqlite::{Connection, Transaction};

/// Begins reading on a connection, and on a helper if it can be had to see the same moment.
pub(super) fn begin(
    connection: &Connection,
    helper: Option<Connection>,
) -> rusqlite::Result<(Transaction<'_>, Option<Connection>)> {
    let watching = helper.map(Watching::new).transpose()?;
    let transaction = connection.unchecked_transaction()?;
    // A transaction begins with its first query.
    version(&transaction)?;
    let helper = watching.map(Watching::begin).transpose()?;
    Ok((transaction, helper.flatten()))
}

/// A connection that notices whether anybody writes before it begins.
struct Watching {
    connection: Connection,
    version: i64,
}

impl Watching {
    fn new(connection: Connection) -> rusqlite::Result<Self> {
        let version = version(&connection)?;
        Ok(Self {
            connection,
            version,
        })
    }

    /// None if somebody wrote.
    fn begin(self) -> rusqlite::Result<Option<Connection>> {
        self.connection.execute_batch("BEGIN")?;
        let is_same = version(&self.connection)? == self.version;
        Ok(is_same.then_some(self.connection))
    }
}

/// Changes for a connection when another one has written.
fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn open(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = wal; CREATE TABLE IF NOT EXISTS t (x)")
            .unwrap();
        connection
    }

    fn count(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn both_see_the_moment_at_which_they_began() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let (connection, writer) = (open(&path), open(&path));
        let (one, other) = begin(&connection, Some(open(&path))).unwrap();
        writer.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert_eq!((count(&one), count(&other.unwrap())), (0, 0));
    }

    #[test]
    fn a_helper_that_would_see_more_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let (connection, writer) = (open(&path), open(&path));
        let watching = Watching::new(open(&path)).unwrap();
        let one = connection.unchecked_transaction().unwrap();
        assert_eq!(count(&one), 0);
        writer.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert!(watching.begin().unwrap().is_none());
    }
}
