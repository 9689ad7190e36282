//! Content: manifests, configurations and compressed layers, as they came.
//!
//! ```text
//! <root>/content/
//! ├── sha256/<hex>      verified before it appears, by one rename
//! ├── ingest/<random>   being written; a crash leaves files here, swept at open
//! └── ingest.lock       shared while something is written, exclusive while sweeping
//! ```
//!
//! What was pulled is kept byte for byte, so that pushing an image built on it sends the very
//! layers that the registry has already.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use iechor_snapshotter::Digest;

use crate::descriptor::Descriptor;
use crate::progress::Progress;
use crate::source::{ImageSource, SourceError};

mod writer;

pub use writer::ContentWriter;

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
    /// The stream ended early.
    #[error("{digest} is truncated: {actual} bytes of {expected}")]
    Truncated {
        /// What was being read.
        digest: Digest,
        /// Bytes received.
        actual: u64,
        /// Bytes named.
        expected: u64,
    },
    /// The stream goes on after its end.
    #[error("{digest} has more than the {expected} bytes that it should have")]
    TooLong {
        /// What was being read.
        digest: Digest,
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
    /// Opens or makes the store at `root`/content; sweeps what crashed processes left there, unless it
    /// is on a read-only file system.
    pub fn open(root: &Path) -> Result<Self, ContentError> {
        let store = Self {
            root: root.join("content"),
        };
        for dir in [store.root.join("sha256"), store.ingest_dir()] {
            fs::create_dir_all(&dir).map_err(io_error("cannot make", &dir))?;
        }
        store.sweep()?;
        Ok(store)
    }

    /// Where bytes with this digest are or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.root.join("sha256").join(digest.hex())
    }

    /// Whether bytes with this digest and size are here.
    pub fn contains(&self, descriptor: &Descriptor) -> bool {
        let found = fs::symlink_metadata(self.path(&descriptor.digest));
        found.is_ok_and(|found| found.is_file() && found.len() == descriptor.size)
    }

    /// Reads a document, verified again.
    pub fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        let path = self.path(&descriptor.digest);
        let bytes = fs::read(&path).map_err(io_error("cannot read", &path))?;
        match Digest::of(&bytes) {
            actual if actual == descriptor.digest => Ok(bytes),
            actual => Err(ContentError::DigestMismatch {
                actual,
                expected: descriptor.digest,
            }),
        }
    }

    /// Stores bytes that are in memory.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, ContentError> {
        let mut writer = self.writer()?;
        writer.append(bytes)?;
        Ok(writer.finish()?.0)
    }

    /// Starts new content of which the digest is not known yet; nothing appears before
    /// [`ContentWriter::finish`].
    pub fn writer(&self) -> Result<ContentWriter, ContentError> {
        let lock = self.lock_file()?;
        lock.lock_shared()
            .map_err(io_error("cannot lock", &self.lock_path()))?;
        ContentWriter::new(self, lock)
    }

    /// Stores a stream; nothing appears unless it has the digest and size named.
    pub fn ingest(
        &self,
        reader: &mut dyn Read,
        expected: &Descriptor,
        progress: Progress<'_>,
    ) -> Result<PathBuf, ContentError> {
        let mut writer = self.writer()?;
        writer.fill(reader, expected, progress)?;
        writer.finish_as(expected)
    }

    /// Has a layer here, fetched if it was not, and says where. Progress counts its bytes, also
    /// those that were here.
    pub fn fetch_layer(
        &self,
        source: &dyn ImageSource,
        layer: &Descriptor,
        progress: Progress<'_>,
    ) -> Result<PathBuf, ContentError> {
        if self.contains(layer) {
            progress(layer.size);
            return Ok(self.path(&layer.digest));
        }
        self.ingest(&mut *source.open(layer)?, layer, progress)
    }

    /// Everything that is here, with sizes in bytes; sorted.
    pub fn list(&self) -> Result<Vec<(Digest, u64)>, ContentError> {
        let dir = self.root.join("sha256");
        let failed = io_error("cannot list", &dir);
        let entries = fs::read_dir(&dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut content = Vec::new();
        for entry in entries.map_err(failed)? {
            let digest = entry
                .file_name()
                .to_str()
                .and_then(|name| Digest::from_hex(name).ok());
            let size = entry.metadata().map(|metadata| metadata.len());
            content.extend(digest.zip(size.ok()));
        }
        content.sort();
        Ok(content)
    }

    /// Removes content; no effect if it is not here.
    pub fn remove(&self, digest: &Digest) -> Result<(), ContentError> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(io_error("cannot remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    fn ingest_dir(&self) -> PathBuf {
        self.root.join("ingest")
    }

    fn lock_path(&self) -> PathBuf {
        self.root.join("ingest.lock")
    }

    fn lock_file(&self) -> Result<File, ContentError> {
        let path = self.lock_path();
        let opened = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        opened.map_err(io_error("cannot open", &path))
    }

    /// Removes unfinished files, unless somebody is writing: then a later open will.
    fn sweep(&self) -> Result<(), ContentError> {
        let lock = match self.lock_file() {
            Err(ContentError::Io { source, .. }) if is_read_only(&source) => return Ok(()),
            lock => lock?,
        };
        match lock.try_lock() {
            Ok(()) => self.sweep_locked(),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => {
                Err(io_error("cannot lock", &self.lock_path())(error))
            }
        }
    }

    fn sweep_locked(&self) -> Result<(), ContentError> {
        let dir = self.ingest_dir();
        let failed = || io_error("cannot sweep", &dir);
        for entry in fs::read_dir(&dir).map_err(failed())? {
            fs::remove_file(entry.map_err(failed())?.path()).map_err(failed())?;
        }
        Ok(())
    }
}

/// Nobody writes there, so nobody was interrupted.
fn is_read_only(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ReadOnlyFilesystem
}

/// Says what was being done on which path when the kernel refused.
fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ContentError {
    let path = path.to_owned();
    move |source| ContentError::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;
