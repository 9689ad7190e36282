//! What a server said about a URL, to revalidate it at the next build (C8, RFC 9110 section 8.8).

use iechor_snapshotter::Digest;
use rusqlite::{OptionalExtension, Row, params};

use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::time::UnixMillis;

/// The validators of the response that was last downloaded from a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpValidators {
    /// `ETag`, byte for byte.
    pub etag: Option<String>,
    /// `Last-Modified`, byte for byte.
    pub last_modified: Option<String>,
    /// What was downloaded.
    pub content: Digest,
    /// Its bytes.
    pub size: u64,
    /// File name that the response suggested.
    pub file_name: Option<String>,
    /// When it was fetched.
    pub fetched: UnixMillis,
}

impl CacheDb {
    /// What is known of a URL. The caller takes user names, passwords and tokens out of it.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn http_validators(&self, url: &str) -> Result<Option<HttpValidators>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT etag, last_modified, content, size, file_name, fetched \
                     FROM http_validators WHERE url = ?1",
                )?
                .query_row([url], read)
                .optional()
        })
    }

    /// Remembers what a server said.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_http_validators(
        &self,
        url: &str,
        validators: &HttpValidators,
    ) -> Result<(), CacheError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO http_validators \
                     (url, etag, last_modified, content, size, file_name, fetched) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    url,
                    validators.etag,
                    validators.last_modified,
                    validators.content.as_bytes(),
                    column::signed(validators.size),
                    validators.file_name,
                    validators.fetched.0,
                ])
                .map(drop)
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<HttpValidators> {
    Ok(HttpValidators {
        etag: row.get(0)?,
        last_modified: row.get(1)?,
        content: column::digest(row, 2)?,
        size: column::unsigned(row, 3)?,
        file_name: row.get(4)?,
        fetched: UnixMillis(row.get(5)?),
    })
}
