//! Content on its way into the store.

use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use iechor_snapshotter::{Digest, Hasher};
use tempfile::NamedTempFile;

use crate::content::{ContentError, ContentStore, io_error};
use crate::descriptor::Descriptor;
use crate::progress::Progress;

const BUFFER: usize = 128 << 10;

/// Content being written: hashed as it is written; dropped unfinished it leaves nothing.
#[derive(Debug)]
pub struct ContentWriter {
    store: ContentStore,
    file: NamedTempFile,
    hasher: Hasher,
    size: u64,
    /// Keeps a sweep away.
    _lock: File,
}

impl ContentWriter {
    pub(super) fn new(store: &ContentStore, lock: File) -> Result<Self, ContentError> {
        let dir = store.ingest_dir();
        let file = NamedTempFile::new_in(&dir).map_err(io_error("cannot write in", &dir))?;
        let (store, hasher) = (store.clone(), Hasher::new());
        Ok(Self {
            store,
            file,
            hasher,
            size: 0,
            _lock: lock,
        })
    }

    /// Appends bytes, with the path in the error.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), ContentError> {
        let path = self.file.path().to_owned();
        self.write_all(bytes)
            .map_err(io_error("cannot write", &path))
    }

    /// Copies a stream that should have `expected.size` bytes.
    pub(super) fn fill(
        &mut self,
        reader: &mut dyn Read,
        expected: &Descriptor,
        progress: Progress<'_>,
    ) -> Result<(), ContentError> {
        let digest = expected.digest;
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = reader.read(&mut buffer);
            let n = match read {
                Ok(0) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(|source| ContentError::Read { digest, source })?,
            };
            self.append(&buffer[..n])?;
            progress(n as u64);
            if self.size > expected.size {
                return Err(ContentError::TooLong {
                    digest,
                    expected: expected.size,
                });
            }
        }
    }

    /// Makes the content appear in the store; gives digest and size.
    pub fn finish(self) -> Result<(Digest, u64), ContentError> {
        let digest = self.hasher.clone().finish();
        let size = self.size;
        self.publish(&digest)?;
        Ok((digest, size))
    }

    /// Makes the content appear, if it is what was expected; gives its path.
    pub(super) fn finish_as(self, expected: &Descriptor) -> Result<PathBuf, ContentError> {
        let actual = self.hasher.clone().finish();
        if self.size < expected.size {
            let (digest, expected) = (expected.digest, expected.size);
            return Err(ContentError::Truncated {
                digest,
                actual: self.size,
                expected,
            });
        }
        match actual == expected.digest {
            true => self.publish(&actual),
            false => Err(ContentError::DigestMismatch {
                actual,
                expected: expected.digest,
            }),
        }
    }

    /// The bytes reach the disk before the name does, or a power cut could leave a name with
    /// nothing behind it.
    fn publish(self, digest: &Digest) -> Result<PathBuf, ContentError> {
        let path = self.store.path(digest);
        let file = self.file.as_file();
        let sealed = file.set_permissions(Permissions::from_mode(0o400));
        sealed
            .and_then(|()| file.sync_data())
            .map_err(io_error("cannot write", &path))?;
        let persisted = self.file.persist(&path).map_err(|error| error.error);
        persisted.map_err(io_error("cannot rename to", &path))?;
        Ok(path)
    }
}

impl Write for ContentWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
