//! Values as columns hold them.

use iechor_snapshotter::Digest;
use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};

use crate::canonical::NotCanonical;

/// An unsigned number; SQLite's are signed, and ours stay far below where that matters.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What [`signed`] wrote.
pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

pub(crate) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    row.get(column).map(Digest::from_bytes)
}

pub(crate) fn digest_or_null(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Digest>> {
    Ok(row
        .get::<_, Option<[u8; 32]>>(column)?
        .map(Digest::from_bytes))
}

/// The error of a value that no program of ours wrote.
pub(crate) fn implausible(column: usize, value: &str) -> rusqlite::Error {
    let source = FromSqlError::other(Implausible(value.to_owned()));
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(source))
}

#[derive(Debug, thiserror::Error)]
#[error("implausible value {0:?}")]
struct Implausible(String);

impl From<NotCanonical> for rusqlite::Error {
    fn from(source: NotCanonical) -> Self {
        Self::FromSqlConversionFailure(0, Type::Blob, Box::new(source))
    }
}

/// A list of words, as JSON text holds it.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|source| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(source))
    })
}
