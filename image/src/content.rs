//! Content: manifests, configurations and compressed layers, as they came.
//!
//! ```text
//! <root>/content/
//! ├── sha256/<hex>      verified before it appears, by one rename
//! └── ingest/<random>   being written; a crash leaves files here, swept at open
//! ```
//!
//! What was pulled is kept byte for byte, so that pushing an image built on it sends the very
//! layers that the registry has already.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use iechor_snapshotter::Digest;

use crate::descriptor::Descriptor;
use crate::progress::Progress;
use crate::source::{ImageSource, SourceError};

/// The store of content. Cheap to clone; used by many threads and processes at once.
#[derive(Debug, Clone)]
pub struct ContentStore {
    root: PathBuf,
}

/// Why the content store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// A system call on a path failed.
    #[error("{action} {path}")]
    Io {
        /// What was being done: "cannot open".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The source of a layer could not be opened.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The stream broke off with an error.
    #[error("cannot read {digest}")]
    Read {
        /// What was being read.
        digest: Digest,
        /// What the reader said.
        source: io::Error,
    },
    /// The stream ended early, or goes on after its end.
    #[error("{digest} is truncated or has trailing data: {actual} bytes, not {expected}")]
    SizeMismatch {
        /// What was being read.
        digest: Digest,
        /// Bytes received (one more than expected stands for any number more).
        actual: u64,
        /// Bytes named.
        expected: u64,
    },
    /// The bytes are others than named.
    #[error("content has digest {actual}, not {expected}")]
    DigestMismatch {
        /// Digest of what was received.
        actual: Digest,
        /// Digest that was named.
        expected: Digest,
    },
}

impl ContentStore {
    /// Opens or makes the store at `root`/content.
    pub fn open(root: &Path) -> Result<Self, ContentError> {
        todo!()
    }

    /// Where bytes with this digest are or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        todo!()
    }

    /// Whether bytes with this digest and size are here.
    pub fn contains(&self, descriptor: &Descriptor) -> bool {
        todo!()
    }

    /// Reads a document, verified again.
    pub fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        todo!()
    }

    /// Stores bytes that are in memory.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, ContentError> {
        todo!()
    }

    /// Stores a stream; nothing appears unless it has the digest and size named.
    pub fn ingest(
        &self,
        reader: &mut dyn Read,
        expected: &Descriptor,
        progress: Progress<'_>,
    ) -> Result<PathBuf, ContentError> {
        todo!()
    }

    /// Has a layer here, fetched if it was not, and says where.
    pub fn fetch_layer(
        &self,
        source: &dyn ImageSource,
        layer: &Descriptor,
        progress: Progress<'_>,
    ) -> Result<PathBuf, ContentError> {
        todo!()
    }

    /// Everything that is here, with sizes in bytes; sorted.
    pub fn list(&self) -> Result<Vec<(Digest, u64)>, ContentError> {
        todo!()
    }

    /// Removes content; no effect if it is not here.
    pub fn remove(&self, digest: &Digest) -> Result<(), ContentError> {
        todo!()
    }
}
