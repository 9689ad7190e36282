//! What a server said about a URL, to revalidate it at the next build (C8, RFC 9110 section 8.8).

use iechor_snapshotter::Digest;

use crate::db::CacheDb;
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
        let _ = url;
        todo!()
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
        let _ = (url, validators);
        todo!()
    }
}
