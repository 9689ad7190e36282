//! Opening: safe settings, identity, migrations, and what a reboot invalidates.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::BootId;
use super::migrations::{self, Identity};
use crate::error::CacheError;

/// How long a statement waits for other processes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of the smallest page, and so of the smallest database, that SQLite has.
const SMALLEST: u64 = 512;

/// Statements kept prepared: about as many as there are in this crate.
const PREPARED: usize = 96;

/// Settings of each connection. FULL, for with NORMAL a power cut loses acknowledged rows.
const SETTINGS: &str = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                        PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;";

/// Opens for reading and writing; makes the file when it is missing.
pub(super) fn writable(path: &Path, boot: &BootId) -> Result<Connection, CacheError> {
    let fail = |source| CacheError::from_open(path, source);
    let path = &canonical(path)?;
    let mut connection = match open(path, OpenFlags::SQLITE_OPEN_READ_WRITE) {
        Err(error) if is_missing(&error) => {
            create_file(path)?;
            open(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(fail)?
        }
        opened => opened.map_err(fail)?,
    };
    refuse_stump(path)?;
    bring_up_to_date(&mut connection, path)?;
    drop_other_boots(&mut connection, boot).map_err(fail)?;
    // A build of nothing but hits must not pay for a checkpoint: see `CacheDb::drop`.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(fail)?;
    Ok(connection)
}

/// SQLite takes a file of a few bytes for an empty database and would write over it.
fn refuse_stump(path: &Path) -> Result<(), CacheError> {
    let length = path
        .metadata()
        .map_err(|source| CacheError::io("read", path, source))?
        .len();
    if (1..SMALLEST).contains(&length) {
        let what = format!("it has {length} bytes, fewer than any database");
        return Err(CacheError::Damaged {
            path: path.to_owned(),
            what,
        });
    }
    Ok(())
}

/// Opens for reading only. On a read-only file system nobody writes, so the file is immutable.
pub(super) fn read_only(path: &Path) -> Result<Connection, CacheError> {
    let fail = |source| CacheError::from_open(path, source);
    let path = &canonical(path)?;
    let plain = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|connection| Identity::read(&connection).map(|_| connection));
    let connection = match plain {
        Err(error) if is_missing(&error) && path.exists() => open_immutable(path).map_err(fail)?,
        plain => plain.map_err(fail)?,
    };
    match Identity::read(&connection).map_err(fail)? {
        Identity::CURRENT => Ok(connection),
        identity => Err(refusal(path, identity)),
    }
}

/// The path without symbolic links in its directories; the file itself must not be one.
fn canonical(path: &Path) -> Result<PathBuf, CacheError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let dir = parent
        .canonicalize()
        .map_err(|source| CacheError::io("find", parent, source))?;
    let name = path
        .file_name()
        .ok_or_else(|| CacheError::io("open", path, io::ErrorKind::IsADirectory.into()))?;
    Ok(dir.join(name))
}

fn open(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Connection::open_with_flags(path, flags).and_then(configure)
}

fn open_immutable(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(immutable_uri(path), flags).and_then(configure)
}

fn immutable_uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let escaped: String = path
        .as_os_str()
        .as_bytes()
        .iter()
        .map(|&byte| match byte {
            b'/' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02x}"),
        })
        .collect();
    format!("file:{escaped}?immutable=1")
}

/// A hostile file must not run code or make SQLite write where it should not.
fn configure(connection: Connection) -> rusqlite::Result<Connection> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    connection.execute_batch(SETTINGS)?;
    Ok(connection)
}

fn is_missing(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::CannotOpen)
}

/// Makes an empty file that only its owner can read: the side files inherit its mode.
fn create_file(path: &Path) -> Result<(), CacheError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(CacheError::io("create", path, source))
        }
        _ => Ok(()),
    }
}

fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), CacheError> {
    let fail = |source| CacheError::from_open(path, source);
    match Identity::read(connection).map_err(fail)? {
        Identity::CURRENT => Ok(()),
        identity if is_older(identity) => upgrade(connection, path),
        identity => Err(refusal(path, identity)),
    }
}

fn is_older(identity: Identity) -> bool {
    identity == Identity::BLANK
        || (identity.application == migrations::APPLICATION_ID
            && (1..migrations::KNOWN).contains(&identity.version))
}

/// Migrates in one transaction; another process may have done it meanwhile.
fn upgrade(connection: &mut Connection, path: &Path) -> Result<(), CacheError> {
    let fail = |source| CacheError::from_open(path, source);
    patiently(|| connection.pragma_update(None, "journal_mode", "wal")).map_err(fail)?;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fail)?;
    let identity = Identity::read(&transaction).map_err(fail)?;
    if identity == Identity::CURRENT {
        return Ok(());
    }
    if !is_older(identity)
        || (identity == Identity::BLANK && has_tables(&transaction).map_err(fail)?)
    {
        return Err(refusal(path, identity));
    }
    migrations::migrate(&transaction, identity.version).map_err(fail)?;
    transaction.commit().map_err(fail)
}

/// Whether a file without an identity has content: then another program made it.
fn has_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| {
        row.get(0)
    })
}

/// The change of the journal mode does not wait by itself, as all other statements do.
fn patiently<T>(mut act: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut left = PATIENCE;
    loop {
        match act() {
            Err(error) if is_busy(&error) && !left.is_zero() => {
                std::thread::sleep(PAUSE);
                left = left.saturating_sub(PAUSE);
            }
            done => return done,
        }
    }
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn refusal(path: &Path, identity: Identity) -> CacheError {
    let path = path.to_owned();
    if identity.application == migrations::APPLICATION_ID && identity.version > migrations::KNOWN {
        CacheError::Newer {
            path,
            found: identity.version,
            known: migrations::KNOWN,
        }
    } else {
        CacheError::Foreign { path }
    }
}

/// Drops records whose snapshots may not have reached the disk before the machine went down, and
/// what was made on them.
fn drop_other_boots(connection: &mut Connection, boot: &BootId) -> rusqlite::Result<()> {
    const STALE: &str = "SELECT id FROM records WHERE boot IS NOT NULL AND boot <> ?1";
    if !connection.prepare(STALE)?.exists([&boot.0])? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    transaction.execute(
        &format!(
            "WITH RECURSIVE lost (id) AS ({STALE} UNION \
             SELECT child.id FROM records AS child JOIN lost ON child.parent = lost.id) \
             DELETE FROM records WHERE id IN lost"
        ),
        [&boot.0],
    )?;
    transaction.commit()
}
