//! What can go wrong with the cache database.

use std::io;
use std::path::{Path, PathBuf};

use iechor_snapshotter::Digest;
use rusqlite::ErrorCode;

/// How many candidates an ambiguous prefix lists.
const CANDIDATES: usize = 10;

/// Why the cache database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file system refused a file that belongs to the database.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried: a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// SQLite could not open or prepare the database.
    #[error("cannot open the cache database {path}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// A statement failed for a reason that is not the database's content.
    #[error("cannot use the cache database {path}")]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// Other processes held the database for longer than we wait.
    #[error("cache database {path} stayed locked by another process; try again when it has ended")]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("no space left for the cache database {path}; free some with `iechor builder prune`")]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// A newer iechor wrote the database; nothing was changed.
    #[error(
        "cache database {path} has schema version {found}, this iechor knows {known}; \
         use the newer iechor or another state directory"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Newest version that this program knows.
        known: i64,
    },
    /// The file is an SQLite database of another program.
    #[error("{path} is not a cache database of iechor; name another state directory")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file's content contradicts itself.
    #[error(
        "cache database {path} is damaged ({what}); move it and its -wal and -shm files away, \
         the next build makes a new one"
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// No row answers to this name.
    #[error("no {what} {name:?} in the cache")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// A prefix fits several rows.
    #[error("{prefix:?} is ambiguous: {}", candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// What it fits, at most ten.
        candidates: Vec<String>,
    },
}

impl CacheError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn not_found(what: &'static str, name: impl ToString) -> Self {
        Self::NotFound {
            what,
            name: name.to_string(),
        }
    }

    pub(crate) fn ambiguous(prefix: &str, digests: &[Digest]) -> Self {
        Self::Ambiguous {
            prefix: prefix.to_owned(),
            candidates: digests.iter().take(CANDIDATES).map(Digest::short).collect(),
        }
    }

    pub(crate) fn from_open(path: &Path, source: rusqlite::Error) -> Self {
        Self::known(path, &source).unwrap_or_else(|| Self::Open {
            path: path.to_owned(),
            source,
        })
    }

    pub(crate) fn from_use(path: &Path, source: rusqlite::Error) -> Self {
        Self::known(path, &source).unwrap_or_else(|| Self::Sqlite {
            path: path.to_owned(),
            source,
        })
    }

    /// The errors that a person can act on.
    fn known(path: &Path, source: &rusqlite::Error) -> Option<Self> {
        let path = path.to_owned();
        if is_implausible(source) {
            return Some(Self::Damaged {
                path,
                what: source.to_string(),
            });
        }
        match source.sqlite_error_code()? {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(Self::Busy { path }),
            ErrorCode::DiskFull => Some(Self::Full { path }),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some(Self::Damaged {
                path,
                what: source.to_string(),
            }),
            _ => None,
        }
    }
}

/// Whether a column held what no program of ours writes.
fn is_implausible(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}
